"""What is measured: a mean or share of an outcome, or a ratio of two sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.effect.sums import Floats, Sums


@dataclass(frozen=True)
class Metric:
    """The mean of `outcome` a row, or, with `per`, sum of `outcome` / sum of `per`: a rate whose rows are not the unit it is of.

    Customers are drawn, not policies: the renewals a policy are a ratio of sums over customers.
    """

    outcome: str
    per: str | None = None
    covariates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """A metric in one group: its value, of how many rows, and the weights with which columns move it.

    The variance of the value is w' C w / n, C the covariance of the columns. For a mean w is 1 at the outcome. For a
    ratio R it is 1 / mean(per) at the outcome and -R / mean(per) at `per`: the delta method (Deng, Knoblich, Lu, Applying
    the delta method in metric analytics, KDD 2018, eq. 4).
    """

    value: float
    n: int
    weights: Floats


def level(sums: Sums, metric: Metric) -> Level:
    """The metric of one group; NaN where it has no rows or nothing to divide by."""
    weights = np.zeros(len(sums.names))
    outcome = sums.names.index(metric.outcome)
    if metric.per is None:
        weights[outcome] = 1.0
        return Level(float(sums.means[outcome]), sums.n, weights)
    per = sums.names.index(metric.per)
    base = float(sums.means[per])
    if not sums.n or base == 0:
        return Level(float("nan"), sums.n, np.full_like(weights, np.nan))
    value = float(sums.means[outcome]) / base
    weights[outcome], weights[per] = 1 / base, -value / base
    return Level(value, sums.n, weights)


def variance(sums: Sums, one: Floats, other: Floats) -> float:
    """Covariance of two values that columns move with these weights; of one with itself, its variance."""
    return float(one @ sums.covariance @ other) / sums.n if sums.n else float("nan")
