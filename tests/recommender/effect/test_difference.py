"""Differences, ratios and quotients against scipy, against bare arithmetic and against their laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from recommender.effect.difference import adjusted, difference
from recommender.effect.metric import Metric, level
from recommender.effect.quotient import fieller
from recommender.effect.sums import Sums


def test_the_difference_of_means_is_welchs():
    one, other = np.array([1.0, 4, 2, 8, 5]), np.array([0.0, 1, 3])
    found = difference(Sums.of({"y": one}), Sums.of({"y": other}), Metric("y"))
    peer = stats.ttest_ind(one, other, equal_var=False)
    assert found.estimate == pytest.approx(4 - 4 / 3)
    assert found.p_value == pytest.approx(peer.pvalue, rel=1e-12)
    ends = peer.confidence_interval()
    assert found.interval().as_list() == pytest.approx([ends.low, ends.high])


def test_a_ratio_of_equal_rows_is_a_mean():
    y = np.array([1.0, 0, 1, 1])
    ratio = difference(Sums.of({"y": y, "n": [2.0] * 4}), Sums.of({"y": 1 - y, "n": [2.0] * 4}), Metric("y", "n"))
    mean = difference(Sums.of({"y": y / 2}), Sums.of({"y": (1 - y) / 2}), Metric("y"))
    assert (ratio.estimate, ratio.error) == pytest.approx((mean.estimate, mean.error))


def test_the_delta_method_gives_the_spread_of_a_ratio_over_many_draws():
    rng = np.random.default_rng(11)
    policies = rng.integers(1, 5, (2_000, 400)).astype(float)
    liking = rng.beta(2, 2, policies.shape)
    renewed = rng.binomial(policies.astype(int), liking)
    ratios = renewed.sum(axis=1) / policies.sum(axis=1)
    first = Sums.of({"y": renewed[0], "n": policies[0]})
    own = level(first, Metric("y", "n"))
    told = np.sqrt(own.weights @ first.covariance @ own.weights / first.n)
    assert told == pytest.approx(ratios.std(), rel=0.1)


def test_a_covariate_that_tells_the_outcome_takes_all_of_the_variance():
    x = np.array([1.0, 2, 3, 4, 5, 6])
    treated, control = Sums.of({"y": 3 * x + 1, "x": x}), Sums.of({"y": 3 * (x + 1), "x": x + 1})
    found = adjusted(treated, control, Metric("y", covariates=("x",)))
    assert (found.estimate, found.theta) == (pytest.approx(1.0), pytest.approx((3.0,)))
    assert found.error == pytest.approx(0, abs=1e-6)


def test_a_covariate_that_never_changes_or_comes_twice_does_no_harm():
    rng = np.random.default_rng(3)
    y, x = rng.normal(size=(2, 50)), rng.normal(size=(2, 50))
    columns = [{"y": y[i], "x": x[i], "again": 2 * x[i], "flat": np.ones(50)} for i in (0, 1)]
    one, other = (Sums.of(each) for each in columns)
    alone = adjusted(one, other, Metric("y", covariates=("x",)))
    every = adjusted(one, other, Metric("y", covariates=("x", "again", "flat")))
    assert (every.estimate, every.error) == pytest.approx((alone.estimate, alone.error))


def test_two_rows_a_group_are_the_fewest():
    assert np.isnan(difference(Sums.of({"y": [1.0]}), Sums.of({"y": [1.0, 0.0]}), Metric("y")).error)
    assert np.isnan(difference(Sums.empty(("y",)), Sums.of({"y": [1.0, 0.0]}), Metric("y")).estimate)


def test_fiellers_ends_are_the_quotients_just_within_reach():
    found = fieller(6.0, 3.0, 0.5, 0.2, 0.1, 1.96)
    for ratio in (found.interval.low, found.interval.high):
        spread = 0.5 - 2 * ratio * 0.1 + ratio**2 * 0.2
        assert abs(6 - ratio * 3) == pytest.approx(1.96 * spread**0.5)
    assert (found.value, found.bounded) == (2.0, True)
    assert fieller(6.0, 0.5, 0.5, 0.2, 0.1, 1.96).bounded is False
