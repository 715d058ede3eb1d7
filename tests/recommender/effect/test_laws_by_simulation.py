"""The promises kept over many trials with a known effect: coverage, errors under peeking, CUPED's cut, leaks found.

Shares and means of whole groups are drawn as such (binomial, or normal means of normal rows), so that thousands of trials
are one array; each part is seeded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import norm

from recommender.effect.difference import adjusted, difference
from recommender.effect.looks import boundaries
from recommender.effect.metric import Metric
from recommender.effect.plan import even_looks
from recommender.effect.sample_ratio import sample_ratio
from recommender.effect.sequence import critical
from recommender.effect.sums import Sums

RUNS = 2_000


def shares(rng: np.random.Generator, n: int, p: float) -> Iterator[Sums]:
    """So many groups of n rows that reach the outcome with probability p, as their sums."""
    for reached in rng.binomial(n, p, RUNS).tolist():
        yield Sums.about(("y",), n, [reached], [reached], [0.0])


@pytest.mark.parametrize(
    ("seed", "n", "base", "effect"),
    [(1, 500, 0.2, 0.0), (2, 500, 0.2, 0.01), (3, 500, 0.2, 0.05), (4, 500, 0.2, -0.03), (5, 2_000, 0.02, 0.005)],
)
def test_an_interval_holds_the_truth_in_95_of_100_trials(seed, n, base, effect):
    rng = np.random.default_rng(seed)
    pairs = zip(shares(rng, 9 * n, base + effect), shares(rng, n, base), strict=True)
    held = [difference(one, other, Metric("y")).interval().holds(effect) for one, other in pairs]
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)


def test_an_effect_reversed_in_a_segment_is_covered_there_and_over_all():
    rng, metric = np.random.default_rng(6), Metric("y")
    effects = {"north": 0.04, "south": -0.04}
    held = {"north": 0, "south": 0, "all": 0}
    drawn = {
        name: zip(shares(rng, 2_000, 0.2 + e), shares(rng, 2_000, 0.2), strict=True) for name, e in effects.items()
    }
    for north, south in zip(drawn["north"], drawn["south"], strict=True):
        held["north"] += difference(*north, metric).interval().holds(0.04)
        held["south"] += difference(*south, metric).interval().holds(-0.04)
        whole = difference(north[0] + south[0], north[1] + south[1], metric)
        held["all"] += whole.interval().holds(0.0)
    for name, count in held.items():
        assert count / RUNS == pytest.approx(0.95, abs=0.01), name


def z_by_day(seed: int, days: int, a_day: int, effect: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors between the groups' shares on each day of each trial, and rows in all by then: (trials, days), (days)."""
    rng = np.random.default_rng(seed)
    n = a_day * np.arange(1, days + 1)
    one = rng.binomial(a_day, 0.2 + effect, (RUNS, days)).cumsum(axis=1) / n
    other = rng.binomial(a_day, 0.2, (RUNS, days)).cumsum(axis=1) / n
    error = np.sqrt(one * (1 - one) / (n - 1) + other * (1 - other) / (n - 1))
    return (one - other) / error, 2 * n


def test_looking_every_day_finds_what_is_not_there_and_a_sequence_does_not():
    z, n = z_by_day(7, days=200, a_day=100)
    plain = (np.abs(z) > norm.isf(0.025)).any(axis=1).mean()
    always = (np.abs(z) > critical(n)).any(axis=1).mean()
    assert plain > 0.3
    assert always <= 0.05


def test_a_sequence_holds_the_truth_on_every_day_at_once():
    z, n = z_by_day(8, days=200, a_day=100, effect=0.0)
    held = (np.abs(z) <= critical(n)).all(axis=1).mean()
    assert held >= 0.95


@pytest.mark.parametrize("looks", [5, 20])
def test_planned_looks_keep_the_error_allowed(looks):
    z, _ = z_by_day(9, days=looks, a_day=1_000)
    crossed = (np.abs(z) > np.array(boundaries(even_looks(looks, looks)))).any(axis=1).mean()
    # a law of at most 5 %, seen through 2,000 trials: two standard errors of the count are .0097
    assert crossed <= 0.05 + 0.0097
    assert crossed > 0.03


def test_planned_looks_spend_exactly_what_is_allowed():
    rng = np.random.default_rng(10)
    bounds, trials = np.array(boundaries(even_looks(20, 20))), 1_000_000
    sums, crossed = np.zeros(trials), np.zeros(trials, dtype=bool)
    for look, bound in enumerate(bounds, start=1):
        sums += rng.normal(size=trials)
        crossed |= np.abs(sums) > bound * np.sqrt(look)
    assert crossed.mean() == pytest.approx(0.05, abs=0.001)


def test_planned_looks_find_a_true_effect_sooner_than_the_end():
    z, _ = z_by_day(11, days=5, a_day=2_000, effect=0.02)
    crossed = np.abs(z) > np.array(boundaries(even_looks(5, 5)))
    assert crossed.any(axis=1).mean() > 0.85
    assert crossed[:, :4].any(axis=1).mean() > 0.5


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9])
def test_cuped_cuts_the_variance_to_1_less_the_square_of_the_correlation(rho):
    rng, metric, n = np.random.default_rng(12), Metric("y", covariates=("x",)), 400
    plain, cut, inside = [], [], []
    for _ in range(RUNS):
        x = rng.normal(size=(2, n))
        y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(2, n))
        one, other = (Sums.of({"y": y[i], "x": x[i]}) for i in (0, 1))
        found = adjusted(one, other, metric)
        plain.append(difference(one, other, metric).estimate)
        cut.append(found.estimate)
        inside.append(found.interval().holds(0.0))
    ratio = np.var(cut) / np.var(plain)
    # the ratio of two variances of 2,000 correlated draws has a standard error of 2 rho sqrt(1 - rho^2) / sqrt(2,000) and less
    assert ratio == pytest.approx(1 - rho**2, abs=0.06)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.0125)


@pytest.mark.parametrize(("rows", "share"), [(50_000, 0.49), (800_000, 0.99 / 1.99)])
def test_a_leak_of_one_in_a_hundred_is_found(rows, share):
    """One of a hundred rows moved from half to 49 %, and, subtler, one of a hundred of the treated lost on the way."""
    rng, even = np.random.default_rng(13), {"treated": 1.0, "control": 1.0}
    treated = rng.binomial(rows, share, RUNS).tolist()
    found = [not sample_ratio({"treated": n, "control": rows - n}, even).sound for n in treated]
    assert np.mean(found) == pytest.approx(0.88, abs=0.03)


def test_no_leak_is_made_up():
    rng, even = np.random.default_rng(14), {"treated": 1.0, "control": 1.0}
    treated = rng.binomial(50_000, 0.5, RUNS).tolist()
    assert np.mean([not sample_ratio({"treated": n, "control": 50_000 - n}, even).sound for n in treated]) <= 0.004
