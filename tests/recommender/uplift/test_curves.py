"""Qini and uplift coefficients are those scikit-uplift prints, and what the words say they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recommender.uplift.curves import cells_of, coefficients, groups_of, qini_curve, uplift_curve


def both(scores, treatment, outcome, weight=None):
    found = coefficients(
        cells_of(groups_of(np.asarray(scores, float)), np.asarray(treatment, float), np.asarray(outcome, float), weight)
    )
    return float(found.qini), float(found.auuc)


def test_the_curves_of_four_customers_are_those_worked_out_by_hand():
    cells = cells_of(groups_of(np.array([4.0, 3, 2, 1])), np.array([1.0, 0, 1, 0]), np.array([1.0, 0, 0, 1]))
    assert [each.tolist() for each in qini_curve(cells)] == [[0, 1, 2, 3, 4], [0, 1, 1, 1, 0]]
    assert [each.tolist() for each in uplift_curve(cells)] == [[0, 1, 2, 3, 4], [0, 1, 2, 1.5, 0]]


def test_who_ranks_as_if_knowing_the_outcomes_gets_one_and_the_reverse_less_than_chance():
    assert both([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1]) == (1.0, 1.0)
    # curve after 1, 3 and 4 rows: 0 - 1 * 0 / 1, 0 - 1 * 1 / 2 and 0: area -1/4 - 1/2 / 2 - 1/4 = -3/4 of 3
    assert both([1, 2, 2, 3], [1, 0, 1, 0], [1, 0, 0, 1])[0] == -0.25


def test_equal_scores_for_all_are_the_diagonal():
    assert both([1, 1, 1, 1], [1, 0, 1, 0], [1, 0, 0, 1]) == (0.0, 0.0)


def test_ten_customers_with_ties_get_what_scikit_uplift_prints():
    outcome, treatment = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0], [1, 1, 0, 1, 0, 0, 1, 0, 0, 1]
    scores = [0.9, 0.8, 0.8, 0.7, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert both(scores, treatment, outcome) == pytest.approx((0.030630630630630616, 0.05143229166666673), abs=1e-12)


@pytest.mark.parametrize(
    ("seed", "share", "base", "places", "qini", "auuc"),
    [
        (1, 0.5, 0.3, 3, 0.1183592620167073, 0.09689260486192439),
        (2, 0.8, 0.1, 1, 0.2353673190940934, 0.11573448781375975),
        (3, 0.3, 0.6, 2, 0.08731176280277952, 0.12038240056304154),
    ],
)
def test_four_hundred_customers_get_what_scikit_uplift_0_5_1_printed(seed, share, base, places, qini, auuc):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=400), places)
    treatment = (rng.random(400) < share).astype(int)
    outcome = (rng.random(400) < np.clip(base + 0.1 * scores * treatment, 0, 1)).astype(int)
    assert both(scores, treatment, outcome) == pytest.approx((qini, auuc), abs=1e-12)


def test_without_an_outcome_there_is_no_coefficient():
    assert np.isnan(both([2, 1], [1, 0], [0, 0])).all()


rows = st.integers(4, 40).flatmap(
    lambda n: st.tuples(
        hnp.arrays(float, n, elements=st.integers(-5, 5).map(float)),
        hnp.arrays(float, n, elements=st.sampled_from([0.0, 1.0])),
        hnp.arrays(float, n, elements=st.sampled_from([0.0, 1.0])),
    )
)


@given(rows)
def test_only_the_order_of_scores_counts(found):
    scores, treatment, outcome = found
    assert both(scores, treatment, outcome) == pytest.approx(both(scores * 3 + 7, treatment, outcome), nan_ok=True)


@given(rows)
def test_a_row_drawn_twice_counts_as_two_rows(found):
    scores, treatment, outcome = found
    weight = np.arange(len(scores)) % 3 + 1.0
    again = np.repeat(np.arange(len(scores)), weight.astype(int))
    assert both(scores, treatment, outcome, weight) == pytest.approx(
        both(scores[again], treatment[again], outcome[again]), nan_ok=True
    )


@given(rows)
def test_draws_side_by_side_are_each_what_they_are_alone(found):
    scores, treatment, outcome = found
    alone = cells_of(groups_of(scores), treatment, outcome)
    stacked = coefficients(np.stack([alone, 2 * alone]))
    assert stacked.qini == pytest.approx(float(coefficients(alone).qini), nan_ok=True)


@given(rows, st.integers(2, 6))
def test_coarse_groups_keep_the_order_and_equal_scores_together(found, most):
    scores = found[0]
    group = groups_of(scores, most)
    order = np.argsort(-scores, kind="stable")
    assert (np.diff(group[order]) >= 0).all()
    assert all(len(set(group[scores == value])) == 1 for value in set(scores))
    assert len(set(group)) <= most
    assert set(group) == set(range(len(set(group))))
