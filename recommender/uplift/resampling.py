"""How sure one can be of a coefficient, and of one ranking over another: the test rows drawn again, with replacement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.uplift.curves import Coefficients, cells_of, coefficients, groups_of
from recommender.uplift.learner import Floats

DRAWS = 500
GROUPS = 1_000
"""A drawn curve has at most this many points: the area hardly changes, and its memory does not grow with the rows."""
BATCH, VALUES = 50, 5_000_000
"""Draws held at once: at most so many, and of large tables at most so many rows in all."""


def drawn(
    scores: Mapping[str, Floats], treatment: Floats, outcome: Floats, weight: Floats, draws: int, seed: int
) -> dict[str, Coefficients]:
    """Coefficients of each ranking in each draw (Efron 1979); a draw is the same for all, so that differences are paired."""
    rng = np.random.default_rng(seed)
    groups = {name: groups_of(each, GROUPS) for name, each in scores.items()}
    found: dict[str, list[Coefficients]] = {name: [] for name in scores}
    batch = max(1, min(BATCH, VALUES // len(outcome)))
    for start in range(0, draws, batch):
        counts = [counts_of(len(outcome), rng) * weight for _ in range(min(batch, draws - start))]
        for name, group in groups.items():
            cells = np.stack([cells_of(group, treatment, outcome, each) for each in counts])
            found[name].append(coefficients(cells))
    return {name: _joined(parts) for name, parts in found.items()}


def bounds(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of draws; NaN where a draw had no coefficient."""
    low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def best_by_chance(values: Floats, draws: NDArray[np.float64]) -> Floats:
    """Adjusted p-value, two-sided, of each value being above 0: the furthest of all would be as far off by chance so often.

    `values` one a hypothesis, `draws` x hypotheses. Single-step max-T of the bootstrap (Westfall and Young 1993, Resampling-Based
    Multiple Testing, section 2.3; Romano and Wolf 2005, Econometrica 73): holds also for the best of many tried.
    """
    error = draws.std(axis=0, ddof=1)
    error[error == 0] = np.inf
    furthest = np.abs((draws - draws.mean(axis=0)) / error).max(axis=1)
    beyond = (furthest[:, None] >= values / error).sum(axis=0)
    known = np.isfinite(values) & np.isfinite(draws).all()  # a draw without a coefficient proves nothing
    found: Floats = np.where(known, (1 + beyond) / (1 + len(draws)), 1.0)
    return found


def counts_of(rows: int, rng: np.random.Generator) -> Floats:
    """How often each row is drawn, of as many draws as there are rows."""
    return np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)


def _joined(parts: list[Coefficients]) -> Coefficients:
    return Coefficients(np.concatenate([p.qini for p in parts]), np.concatenate([p.auuc for p in parts]))
