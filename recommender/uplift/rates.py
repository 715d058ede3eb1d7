"""Differences in rates between treated and untreated customers, with intervals that hold for small groups and rare outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from recommender.uplift.learner import Floats

Z = 1.959963984540054


@dataclass(frozen=True)
class Span:
    """A value with its 95 % interval; NaN where nothing is known."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """Plain values, rounded to what can be meant; null where nothing is known."""
        return {name: rounded(getattr(self, name)) for name in ("value", "low", "high")}


def rounded(value: float) -> float | None:
    """Six places, None for NaN."""
    return None if np.isnan(value) else round(float(value), 6)


@dataclass(frozen=True)
class Effect:
    """Of some customers: how many, the rate with and without treatment, and the difference."""

    rows: int
    treated: float
    untreated: float
    difference: Span


def effect_among(treatment: Floats, outcome: Floats, weight: Floats) -> Effect:
    """Treated less untreated rate, weighted (Hajek), with Newcombe's interval (1998, Statistics in Medicine 17, method 10).

    Groups count as many rows as their weights are worth: (sum w)^2 / sum w^2 (Kish 1965).
    """
    sides = []
    for arm in (1, 0):
        mine, w = outcome[treatment == arm], weight[treatment == arm]
        total = float(w.sum())
        sides.append((float(w @ mine) / total, total**2 / float(w @ w)) if total > 0 else (nan, 0.0))
    (with_it, n1), (without, n0) = sides
    if not n1 or not n0:
        return Effect(len(outcome), with_it, without, Span(nan, nan, nan))
    (l1, u1), (l0, u0) = wilson(with_it, n1), wilson(without, n0)
    found = with_it - without
    low = found - sqrt((with_it - l1) ** 2 + (u0 - without) ** 2)
    high = found + sqrt((u1 - with_it) ** 2 + (without - l0) ** 2)
    return Effect(len(outcome), with_it, without, Span(found, low, high))


def wilson(rate: float, n: float, z: float = Z) -> tuple[float, float]:
    """The score interval of a rate of n rows (Wilson 1927)."""
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return centre - half, centre + half
