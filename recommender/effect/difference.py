"""Treated less control: the estimate, how far off it may be, and how likely as much would be by chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan, nan, sqrt

import numpy as np

from recommender.effect.interval import Interval
from recommender.effect.metric import Level, Metric, level, variance
from recommender.effect.sums import Floats, Sums


@dataclass(frozen=True)
class Difference:
    """Of two independent groups: `estimate` with standard error `error`, `freedom` degrees, of `n` rows in all.

    Welch's: each group has its own variance, the degrees of freedom are Satterthwaite's (Welch, The generalization of
    Student's problem when several different population variances are involved, Biometrika 34, 1947).
    """

    estimate: float
    error: float
    freedom: float
    n: int
    treated: Level
    control: Level
    theta: tuple[float, ...] = ()
    """What an adjustment took off for each unit of each covariate."""

    def interval(self, alpha: float = 0.05) -> Interval:
        """Covers the true difference with probability 1 - alpha, looked at once."""
        return Interval.reaching(self.estimate, self.critical(alpha), self.error)

    def critical(self, alpha: float = 0.05) -> float:
        """How many standard errors an interval looked at once is wide on each side."""
        from scipy.special import stdtrit

        return float(stdtrit(self.freedom, 1 - alpha / 2))

    @property
    def p_value(self) -> float:
        """Probability of a difference at least as large where there is none; looked at once, two-sided."""
        from scipy.special import stdtr

        if not self.error > 0:
            return nan
        return float(2 * stdtr(self.freedom, -abs(self.estimate) / self.error))


def difference(treated: Sums, control: Sums, metric: Metric) -> Difference:
    """Of a metric, as it is. NaN where a group has fewer than two rows."""
    one, other = level(treated, metric), level(control, metric)
    return _made(treated, control, one, other, one.value - other.value)


def adjusted(treated: Sums, control: Sums, metric: Metric) -> Difference:
    """CUPED: less what the covariates of the time before explain of it.

    theta is the regression on the covariates within the groups, weighed so that the variance of the difference is least; the
    difference loses theta' (difference of the covariates), whose expectation is 0 where groups were drawn (Deng, Xu,
    Kohavi, Walker, Improving the sensitivity of online controlled experiments by utilizing pre-experiment data, WSDM
    2013, eq. 4-6; several covariates as there in section 3.2). With one covariate of correlation r the variance falls to
    1 - r^2 of what it was.
    """
    plain = difference(treated, control, metric)
    places = [treated.names.index(name) for name in metric.covariates]
    if not places or not plain.error >= 0:
        return plain
    theta = _theta(treated, control, plain, places)
    moved = float(theta @ (treated.means[places] - control.means[places]))
    one, other = (without(each, places, theta) for each in (plain.treated, plain.control))
    made = _made(treated, control, one, other, plain.estimate - moved)
    return replace(made, treated=plain.treated, control=plain.control, theta=tuple(theta.tolist()))


def covariance_with(treated: Sums, control: Sums, metric: Metric, column: str) -> tuple[float, float, float]:
    """Difference of a column's means, its variance, and its covariance with the metric's difference."""
    there = Metric(column)
    plain = difference(treated, control, there)
    shared = sum(variance(sums, level(sums, metric).weights, level(sums, there).weights) for sums in (treated, control))
    return plain.estimate, plain.error**2, shared


def _theta(treated: Sums, control: Sums, plain: Difference, places: list[int]) -> Floats:
    inner, cross = np.zeros((len(places), len(places))), np.zeros(len(places))
    for sums, own in ((treated, plain.treated), (control, plain.control)):
        inner += sums.covariance[np.ix_(places, places)] / sums.n
        cross += (sums.covariance @ own.weights)[places] / sums.n
    scale = np.sqrt(np.diag(inner))
    scale[scale == 0] = 1.0  # a covariate that never changes explains nothing
    solved: Floats = np.linalg.lstsq(inner / np.outer(scale, scale), cross / scale, rcond=1e-10)[0]
    return solved / scale


def without(own: Level, places: list[int], theta: Floats) -> Level:
    """A level whose weights are less what covariates at these places explain."""
    weights = own.weights.copy()
    weights[places] -= theta
    return Level(own.value, own.n, weights)


def _made(treated: Sums, control: Sums, one: Level, other: Level, estimate: float) -> Difference:
    parts = [variance(sums, own.weights, own.weights) for sums, own in ((treated, one), (control, other))]
    total = sum(parts)
    error = nan if isnan(total) else sqrt(max(total, 0.0))
    return Difference(estimate, error, _freedom(parts, (one.n, other.n)), one.n + other.n, one, other)


def _freedom(parts: list[float], sizes: tuple[int, int]) -> float:
    if min(sizes) < 2 or not sum(parts) > 0:
        return nan
    below = sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    return sum(parts) ** 2 / below if below else nan
