"""How good a model is on customers it never saw: is what they took last among the first it would offer?"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.calibration import Calibration, calibrate, probabilities

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Quality:
    """On `customers` held out: the share whose product came first or in the first three (hr_at_1, hr_at_3), the
    mean reciprocal rank within three, and the mean negative natural logarithm of its probability (`log_loss`).
    """

    customers: int
    hr_at_1: float
    hr_at_3: float
    mrr_at_3: float
    log_loss: float

    def as_dict(self) -> dict[str, float]:
        """As plain values, rounded to what can be meant."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def measure(
    scores: NDArray[np.float32],
    candidates: Mask,
    targets: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    measured: Mask | None = None,
) -> tuple[Quality, Calibration]:
    """Quality as it will be served, on the rows `measured`, and the calibration to serve with, from all by their `weights`.

    Absent, all rows are measured and each counts 1.

    Each half of the rows is measured with the calibration of the other half; the calibration handed back uses both.
    """
    weights = np.ones(len(targets)) if weights is None else weights
    measured = np.ones(len(targets), dtype=bool) if measured is None else measured
    half = np.arange(len(targets)) % 2 == 0
    logits = np.empty_like(scores)
    for own, other in ((half, ~half), (~half, half)):
        found = calibrate(scores[other], candidates[other], targets[other], weights=weights[other])
        logits[own] = found.logits(scores[own])
    shown = quality(logits[measured], candidates[measured], targets[measured])
    return shown, calibrate(scores, candidates, targets, weights=weights)


def quality(logits: NDArray[np.float32], candidates: Mask, targets: NDArray[np.int64]) -> Quality:
    """Quality of these calibrated scores; no customers, no quality: zeros."""
    rows = len(targets)
    if rows == 0:
        return Quality(0, 0.0, 0.0, 0.0, 0.0)
    ranks = target_ranks(logits, candidates, targets)
    chance = probabilities(logits, candidates)[np.arange(rows), targets].astype(np.float64)
    return Quality(
        customers=rows,
        hr_at_1=float((ranks <= 1).mean()),
        hr_at_3=float((ranks <= 3).mean()),
        mrr_at_3=float(np.where(ranks <= 3, 1 / ranks, 0.0).mean()),
        log_loss=float(-np.log(np.maximum(chance, 1e-12)).mean()),
    )


def target_ranks(logits: NDArray[np.float32], candidates: Mask, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each target among its row's candidates, from 1; ties go to the earlier item, as when serving."""
    own = logits[np.arange(len(targets)), targets][:, None]
    earlier = np.arange(logits.shape[1])[None, :] < targets[:, None]
    ahead = candidates & ((logits > own) | ((logits == own) & earlier))
    return np.asarray(ahead.sum(axis=1) + 1, dtype=np.int64)
