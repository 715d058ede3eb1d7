"""Intervals one may look at whenever one likes, and end when one likes: asymptotic confidence sequences."""

from __future__ import annotations

from math import exp, log, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from recommender.effect.difference import Difference
from recommender.effect.interval import Interval
from recommender.effect.sums import Floats

TUNED_FOR = 10_000
"""Rows at which the sequence is narrowest. It must be chosen before the data: it never follows from what was seen."""


def tuning(alpha: float, rows: float = TUNED_FOR) -> float:
    """rho with which the sequence is narrowest after so many rows (Waudby-Smith and others, appendix on tuning)."""
    return sqrt((-2 * log(alpha) + log(-2 * log(alpha) + 1)) / rows)


def critical(n: ArrayLike, alpha: float = 0.05, tuned_for: float = TUNED_FOR) -> Floats:
    """Standard errors on each side of an estimate of `n` rows that cover the truth at every n at once.

    The standard error times sqrt(2 (n rho^2 + 1) / (n rho^2) log(sqrt(n rho^2 + 1) / alpha)): Waudby-Smith, Arbour, Sinha,
    Kennedy, Ramdas, Time-uniform central limit theory and asymptotic confidence sequences, Annals of Statistics 52,
    2024 (arXiv 2103.06476, 2021), theorem 2.2; for a difference of two randomised groups, section 3. Like a central limit
    theorem it asks for some dozens of rows before the first look.
    """
    grown = np.asarray(n, dtype=np.float64) * tuning(alpha, tuned_for) ** 2
    found: Floats = np.sqrt(2 * (grown + 1) / grown * np.log(np.sqrt(grown + 1) / alpha))
    return found


def p_value(found: Difference, alpha: float = 0.05, tuned_for: float = TUNED_FOR) -> float:
    """The smallest error at which the sequence of this tuning excludes 0: valid whenever one looks. NaN without an error.

    `critical` solved for alpha, its rho kept: sqrt(g + 1) exp(-z^2 g / (2 (g + 1))), g = n rho^2.
    """
    if not found.error > 0:
        return nan
    grown = found.n * tuning(alpha, tuned_for) ** 2
    square = (found.estimate / found.error) ** 2
    return min(1.0, sqrt(grown + 1) * exp(-square * grown / (2 * (grown + 1))))


def always_valid(found: Difference, alpha: float = 0.05, tuned_for: float = TUNED_FOR) -> Interval:
    """Covers the true difference at every look with probability 1 - alpha. Without rows: everything."""
    if not found.n:
        return Interval(-np.inf, np.inf)
    return Interval.reaching(found.estimate, float(critical(found.n, alpha, tuned_for)), found.error)
