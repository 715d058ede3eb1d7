"""Boundaries as published, checks of the groups, many comparisons, and the sentence that comes of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from recommender.effect.difference import difference
from recommender.effect.looks import boundaries
from recommender.effect.metric import Metric
from recommender.effect.multiple import benjamini_hochberg, holm, same_everywhere
from recommender.effect.plan import even_looks
from recommender.effect.power import days_needed, power_of, rows_needed, seen
from recommender.effect.sample_ratio import sample_ratio
from recommender.effect.sequence import always_valid, critical, p_value, tuning
from recommender.effect.sums import Sums
from recommender.effect.verdict import Verdict, judge, too_little


def test_boundaries_are_those_published_for_five_looks():
    # Lan-DeMets O'Brien-Fleming, two-sided .05, five even looks: gsDesign and ldbounds print the same
    assert boundaries(even_looks(5, 5)) == pytest.approx((4.877, 3.357, 2.680, 2.290, 2.031), abs=6e-4)
    assert boundaries((1.0,)) == pytest.approx((1.95996,), abs=1e-5)


def test_boundaries_up_to_a_look_do_not_depend_on_the_later_ones():
    assert boundaries(even_looks(2, 5)) == pytest.approx(boundaries(even_looks(5, 5))[:2])


@pytest.mark.parametrize("looks", [(), (0.5, 0.5), (0.6, 0.4), (0.5, 1.2), (0.0, 1.0)])
def test_looks_that_are_no_plan_are_refused(looks):
    with pytest.raises(ValueError, match="shares of the planned rows"):
        boundaries(looks)


def test_the_sequence_is_narrowest_about_where_it_is_tuned_for():
    at = np.array([100, 1_000, 10_000, 100_000, 1_000_000])
    widths = critical(at) / np.sqrt(at / 10_000)
    assert (np.diff(widths) < 0).all()
    assert critical(at).argmin() == 2
    assert critical(10_000).item() == pytest.approx(3.035, abs=1e-3)


def test_the_sequences_p_value_is_where_its_interval_begins_to_hold_0():
    found = difference(trial(260, 1_000), trial(200, 1_000), Metric("y"))
    p = p_value(found)
    grown = found.n * tuning(0.05) ** 2
    width = np.sqrt(2 * (grown + 1) / grown * np.log(np.sqrt(grown + 1) / p)) * found.error
    assert width == pytest.approx(abs(found.estimate))
    assert (p < 0.05) == (not always_valid(found).holds(0.0))


def test_sizes_that_do_not_fit_are_noticed():
    assert sample_ratio({"a": 5_050, "b": 4_950}, {"a": 1, "b": 1}).sound
    found = sample_ratio({"a": 50_000, "b": 48_900}, {"a": 1, "b": 1})
    assert (found.sound, found.expected) == (False, {"a": 49_450, "b": 49_450})
    assert found.p_value == pytest.approx(chi2.sf(2 * 550**2 / 49_450, 1))
    with pytest.raises(ValueError, match="need one share above 0 each"):
        sample_ratio({"a": 1, "b": 1}, {"a": 1})


def test_power_and_rows_agree():
    size = seen(0.02, 1.96)
    assert power_of(0.02, size, 1.96) == pytest.approx(0.8, abs=1e-3)
    assert rows_needed(0.02, 1_000, size, 1.96) in (1_000, 1_001)
    assert rows_needed(0.02, 1_000, size / 2, 1.96) == pytest.approx(4_000, abs=2)
    assert seen(0.02, 3.0) > size
    assert (days_needed(5_000, 1_000, 130), days_needed(900, 1_000, 0), days_needed(1_001, 1_000, 0)) == (31, 0, None)


def test_many_comparisons_are_adjusted_as_published():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert np.isnan(holm([np.nan, 0.01])).tolist() == [True, False]
    assert np.isnan(benjamini_hochberg([np.nan])).all()


def test_segments_that_differ_are_told_from_those_that_do_not():
    assert same_everywhere([0.05, 0.051, 0.049], [0.01] * 3) > 0.9
    assert same_everywhere([0.05, -0.05], [0.01, 0.01]) < 1e-6
    assert np.isnan(same_everywhere([0.05], [0.01]))


def trial(reached: int, n: int) -> Sums:
    return Sums.of({"y": np.arange(n) < reached})


@pytest.mark.parametrize(
    ("treated", "control", "verdict"),
    [
        ((300, 1_000), (200, 1_000), Verdict.EFFECT),
        ((200, 1_000), (300, 1_000), Verdict.EFFECT),
        ((2_010, 10_000), (2_000, 10_000), Verdict.NONE),
        ((41, 150), (40, 150), Verdict.MORE),
        ((50, 99), (2_000, 10_000), Verdict.MORE),
        ((29, 5_000), (60, 5_000), Verdict.MORE),
    ],
)
def test_the_verdict_is_what_the_numbers_bear(treated, control, verdict):
    one, other, metric = trial(*treated), trial(*control), Metric("y")
    found = difference(one, other, metric)
    scarce = too_little(one, other, metric)
    judged = judge(found, found.interval(), scarce, fault="", p_value=found.p_value, critical=1.96)
    assert judged.verdict == verdict, judged.why
    broken = judge(found, found.interval(), scarce, fault="somebody was lost", p_value=found.p_value, critical=1.96)
    assert broken.verdict == Verdict.BROKEN


def test_amounts_a_policy_are_no_shares_that_must_be_reached_thirty_times():
    rng = np.random.default_rng(3)
    one, other = (Sums.of({"premium": rng.normal(500, 50, 400), "policies": rng.integers(1, 3, 400)}) for _ in range(2))
    metric = Metric("premium", "policies")
    assert too_little(one, other, metric) == ""
    renewed = Sums.of({"premium": [1] * 20 + [0] * 380, "policies": [2] * 400})
    assert (
        too_little(renewed, other, metric) == "rows of the treated group with the outcome: 20; nothing is said below 30"
    )
    nothing = Sums.of({"premium": [1] * 400, "policies": [0] * 400})
    assert too_little(nothing, other, metric) == "the treated group has no policies to divide by"


def test_rows_that_are_all_alike_tell_no_error_and_no_interval():
    same = Sums.of({"y": [3.0] * 500})
    found = difference(same, same, Metric("y"))
    assert found.interval().as_list() == always_valid(found).as_list() == [None, None]
    judged = judge(found, always_valid(found), "", fault="", p_value=found.p_value, critical=1.96)
    assert (judged.verdict, judged.why[:40]) == (Verdict.MORE, "the rows of each group are all alike: no")
