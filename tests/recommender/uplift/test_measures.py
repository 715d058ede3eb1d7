"""Effects, intervals and gains are the numbers of the formulas, and hold as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.uplift.measures import Unseen, measure, tenths
from recommender.uplift.policy import Money, best_share, gain, worth_contacting
from recommender.uplift.pooling import averaged, middle, pooled_p
from recommender.uplift.propensity import estimated, weights
from recommender.uplift.rates import Span, effect_among, wilson
from recommender.uplift.resampling import best_by_chance, drawn


def test_newcombes_own_example_of_56_of_70_against_48_of_80():
    treatment = np.array([1.0] * 70 + [0.0] * 80)
    outcome = np.array([1.0] * 56 + [0.0] * 14 + [1.0] * 48 + [0.0] * 32)
    found = effect_among(treatment, outcome, np.ones(150)).difference
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_where_nobody_was_left_out_no_effect_is_known():
    assert np.isnan(effect_among(np.ones(3), np.ones(3), np.ones(3)).difference.value)


def test_weights_are_one_in_a_trial_of_one_probability_and_undo_another():
    treatment = np.array([1.0, 1, 0, 0])
    assert weights(treatment, np.full(4, 0.3)).tolist() == [1, 1, 1, 1]
    assert weights(treatment, np.array([0.8, 0.2, 0.8, 0.2])).round(4).tolist() == [0.625, 2.5, 2.5, 0.625]


def test_propensities_are_found_where_features_decided_who_was_treated():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, (4_000, 1)).astype(float)
    treatment = (rng.random(4_000) < np.where(x[:, 0] == 1, 0.7, 0.2)).astype(float)
    found = estimated(x, treatment, 1)
    assert found[x[:, 0] == 1].mean() == pytest.approx(0.7, abs=0.03)
    assert found[x[:, 0] == 0].mean() == pytest.approx(0.2, abs=0.03)


def test_the_gain_of_a_rule_is_what_its_customers_gained():
    treatment, outcome = np.array([1.0, 0, 1, 0] * 50), np.array([1.0, 0, 0, 0] * 50)
    contacted = np.array([1.0, 1, 0, 0] * 50)
    found = gain(contacted, treatment, outcome, np.full(200, 0.5), Money())
    # f = (2, -2)(y - 1/4): 1.5, 0.5, -0.5, 0.5, of whom the first two are contacted
    assert (found.over_nobody.value, found.over_everybody.value, found.over_chance.value) == (0.5, 0.0, 0.25)
    priced = gain(contacted, treatment, outcome, np.full(200, 0.5), Money(10, 2))
    assert priced.over_nobody.value == pytest.approx(10 * 0.5 - 2 * 0.5)
    assert priced.over_everybody.value == pytest.approx(2 * 0.5)


def test_the_interval_of_a_gain_holds_the_truth_in_95_of_100_trials(trial):
    held = 0
    for seed in range(400):
        found = trial(1_000, lambda x: 0.2 * (x[:, 0] > 0), 0.3, seed)
        told = gain(
            (found["x"][:, 0] > 0).astype(float), found["treatment"], found["outcome"], found["propensity"], Money()
        )
        held += told.over_nobody.low <= 0.1 <= told.over_nobody.high
    assert 0.925 <= held / 400 <= 0.975


def test_a_contact_is_worth_it_where_the_effect_pays_for_it():
    assert worth_contacting(np.array([0.3, 0.02, -0.1]), Money()).tolist() == [1, 1, 0]
    assert worth_contacting(np.array([0.3, 0.02, -0.1]), Money(100, 5)).tolist() == [1, 0, 0]
    assert best_share(np.array([1.0, 3, 2, 2]), 0.5).tolist() == [0, 1, 1, 0]


def test_tenths_are_equal_groups_best_first(trial):
    found = trial(1_000, lambda x: 0.3 * (x[:, 0] > 0))
    tested = Unseen(found["treatment"], found["outcome"], found["propensity"])
    parts = tenths(found["x"][:, 0], tested)
    assert [part.effect.rows for part in parts] == [100] * 10
    assert [part.score for part in parts] == sorted((part.score for part in parts), reverse=True)
    assert np.mean([p.effect.difference.value for p in parts[:5]]) > np.mean(
        [p.effect.difference.value for p in parts[5:]]
    )


def test_a_ranking_is_measured_and_a_response_model_says_of_nobody_that_a_contact_is_worth_it(trial):
    found = trial(3_000, lambda x: 0.3 * (x[:, 0] > 0))
    tested = Unseen(found["treatment"], found["outcome"], found["propensity"])
    asked = {"best": 0.3, "money": Money()}
    told = measure(found["x"][:, 0], tested, **asked, causal=True)
    assert told.qini > 0.1
    assert told.best.rows == 900
    assert told.best.difference.value > tested.average().difference.value
    assert told.curve[0] == (0.0, 0.0)
    assert told.curve[-1][1] == pytest.approx(0.15 / 2, abs=0.02)
    assert measure(found["x"][:, 0], tested, **asked, causal=False).worth is None


def test_differing_propensities_are_undone_in_the_curve():
    rng = np.random.default_rng(2)
    risky = rng.integers(0, 2, 20_000)
    propensity = np.where(risky == 1, 0.8, 0.2)
    treatment = (rng.random(20_000) < propensity).astype(float)
    outcome = (rng.random(20_000) < 0.1 + 0.4 * risky).astype(float)  # no effect at all
    tested = Unseen(treatment, outcome, propensity)
    assert abs(tested.average().difference.value) < 0.02
    assert abs(measure(risky.astype(float), tested, best=0.3, money=Money(), causal=True).qini) < 0.02


def test_intervals_of_drawn_rows_hold_the_qini_and_the_same_draw_serves_all_rankings(trial):
    found = trial(2_000, lambda x: 0.2 * (x[:, 0] > 0))
    scores = {"good": found["x"][:, 0], "same": found["x"][:, 0] * 2, "chance": found["x"][:, 2]}
    told = drawn(scores, found["treatment"], found["outcome"], np.ones(2_000), 60, 1)
    assert (told["good"].qini == told["same"].qini).all()
    assert told["good"].qini.mean() == pytest.approx(
        measure(
            found["x"][:, 0],
            Unseen(found["treatment"], found["outcome"], found["propensity"]),
            best=0.3,
            money=Money(),
            causal=True,
        ).qini,
        abs=0.02,
    )
    assert np.quantile(told["chance"].qini, 0.9) < np.quantile(told["good"].qini, 0.1)


def test_the_best_of_many_by_chance_is_not_found():
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(200):
        values = rng.normal(size=10)
        false += best_by_chance(values, values + rng.normal(size=(200, 10))).min() < 0.05
    assert false / 200 <= 0.09
    assert best_by_chance(np.array([5.0, 0.0]), rng.normal(size=(200, 2)))[0] < 0.01


def test_a_draw_without_a_coefficient_proves_nothing():
    draws = np.random.default_rng(1).normal(size=(200, 2))
    draws[7, 1] = np.nan
    assert best_by_chance(np.array([9.0, 9.0]), draws).tolist() == [1.0, 1.0]


def test_several_splits_become_one():
    assert pooled_p([0.03]) == 0.03
    assert pooled_p([0.01, 0.02, 0.9]) == 0.04
    assert averaged([Span(0.1, 0.07, 0.14), Span(0.3, 0.26, 0.33)]).as_dict() == {
        "value": 0.2,
        "low": 0.175,
        "high": 0.225,
    }
    assert middle([Span(1, 0, 2), Span(2, 1, 5), Span(3, -1, 3)]) == Span(2, 0, 3)
