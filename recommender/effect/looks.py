"""A planned number of looks: O'Brien-Fleming boundaries by alpha spending."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import pi, sqrt

import numpy as np

from recommender.effect.sums import Floats

GRID = 601
"""Points across the continuation region: boundaries to 1e-4."""
WIDEST = 8.0
"""Standard errors beyond which nothing is spent."""


def spent(information: float, alpha: float) -> float:
    """Error of one side used up once a share `information` of the rows is in.

    2 - 2 Phi(z / sqrt(information)), z of alpha / 4: O'Brien-Fleming's shape (Lan, DeMets, Discrete sequential boundaries
    for clinical trials, Biometrika 70, 1983, alpha_1*), alpha / 2 to either side.
    """
    from scipy.special import ndtr, ndtri

    return float(2 * ndtr(ndtri(alpha / 4) / sqrt(information)))


def boundaries(information: Sequence[float], alpha: float = 0.05) -> tuple[float, ...]:
    """Standard errors at each look beyond which the difference is proven; probability alpha in all that one is crossed.

    `information`: the share of the planned rows at each look, growing, above 0 to 1. Raises ValueError for anything else.
    """
    shares = tuple(information)
    if not shares or not all(a < b for a, b in zip((0.0, *shares), shares, strict=False)) or shares[-1] > 1:
        raise ValueError("looks are shares of the planned rows, each above the one before, the last at most 1")
    return _boundaries(shares, alpha)


@lru_cache(maxsize=32)
def _boundaries(shares: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """Armitage, McPherson, Rowe, Repeated significance tests on accumulating data, JRSS A 132, 1969: the density of the
    sum that has crossed nothing yet, carried from look to look.
    """
    found: list[float] = []
    grid, density, before = np.zeros(1), np.ones(1), 0.0
    for share, earlier in zip(shares, (0.0, *shares[:-1]), strict=False):
        step = sqrt(share - earlier)
        budget = spent(share, alpha) - before
        before += budget
        edge = _edge(grid, density, step, sqrt(share), budget)
        found.append(edge)
        grid, density = _carried(grid, density, step, edge * sqrt(share))
    return tuple(found)


def _edge(grid: Floats, density: Floats, step: float, root: float, budget: float) -> float:
    """The boundary beyond which one side keeps probability `budget`."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def beyond(edge: float) -> float:
        return float(density @ ndtr((grid - edge * root) / step)) - budget

    return WIDEST if beyond(WIDEST) >= 0 else float(brentq(beyond, 0.0, WIDEST, xtol=1e-8))


def _carried(grid: Floats, density: Floats, step: float, edge: float) -> tuple[Floats, Floats]:
    """Points between the boundaries, and the probability at each (weights of the trapezium rule inside)."""
    points = np.linspace(-edge, edge, GRID)
    weights = np.full(GRID, points[1] - points[0])
    weights[[0, -1]] /= 2
    apart = (points[:, None] - grid[None, :]) / step
    reached: Floats = np.exp(-(apart**2) / 2) @ density / (step * sqrt(2 * pi))
    return points, reached * weights
