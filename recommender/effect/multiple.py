"""Many comparisons at once: the more one looks at, the more looks good by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted so that the probability of even one false find is kept (Holm, Scandinavian Journal of Statistics 6, 1979).

    NaN stays NaN and counts as no comparison.
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    if len(order):
        p[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    adjusted: list[float] = p.tolist()
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted so that the share of false ones among the finds is kept (Benjamini, Hochberg, JRSS B 57, 1995). NaN stays NaN."""
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")[::-1]]
    steps = p[order] * len(order) / np.arange(len(order), 0, -1)
    if len(order):
        p[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    adjusted: list[float] = p.tolist()
    return adjusted


def same_everywhere(estimates: Sequence[float], errors: Sequence[float]) -> float:
    """Probability of estimates at least as far apart if the effect were the same in all: Cochran's Q (Biometrics 10, 1954).

    NaN of fewer than two with a standard error.
    """
    from scipy.special import chdtrc

    found, spread = np.asarray(estimates, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    usable = spread > 0
    if usable.sum() < 2:
        return float("nan")
    weights = 1 / spread[usable] ** 2
    middle = np.average(found[usable], weights=weights)
    return float(chdtrc(usable.sum() - 1, weights @ (found[usable] - middle) ** 2))
