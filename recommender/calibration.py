"""From scores to probabilities: a temperature and one bias per item, fitted where the answer is known.

p(item | row) = softmax over the row's candidates of (sharpness * score + bias[item]): the chance that, if the customer
takes one more product, it is this one. Temperature scaling after Guo et al. (2017), "On calibration of modern neural
networks", section 4.2, with the bias of their vector scaling; a ridge keeps items with few answers near no bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE = 1.0

Mask = NDArray[np.bool_]
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """`sharpness` is one over the temperature, always positive; `bias` has one value per item."""

    sharpness: float
    bias: NDArray[np.float64]

    def logits(self, scores: NDArray[np.float32]) -> Logits:
        """Calibrated scores, rows x items: their softmax over a row's candidates is the probability."""
        logits: Logits = (scores * np.float32(self.sharpness) + self.bias).astype(np.float32)
        return logits


def uncalibrated(items: int) -> Calibration:
    """Scores as they are: what there is without an answer to learn from."""
    return Calibration(1.0, np.zeros(items))


def probabilities(logits: Logits, candidates: Mask) -> NDArray[np.float32]:
    """Softmax over the candidates of each row; 0 elsewhere and in rows without candidates."""
    masked = np.where(candidates, logits, np.float32(-np.inf))
    peak = masked.max(axis=1, initial=-np.inf, keepdims=True)
    share = np.exp(masked - np.where(np.isfinite(peak), peak, 0.0))
    total = share.sum(axis=1, keepdims=True)
    chances: NDArray[np.float32] = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
    return chances


def calibrate(scores: NDArray[np.float32], candidates: Mask, targets: NDArray[np.int64]) -> Calibration:
    """Fit on rows whose next product (`targets`, an item index that is a candidate) is known, by maximum likelihood."""
    from scipy.optimize import minimize

    rows, items = scores.shape
    if rows == 0:
        return uncalibrated(items)
    finite = scores.astype(np.float64)
    picked = (np.arange(rows), targets)
    wanted = np.bincount(targets, minlength=items).astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        sharpness, bias = np.exp(parameters[0]), parameters[1:]
        logits = np.where(candidates, finite * sharpness + bias, -np.inf)
        logits -= logits.max(axis=1, keepdims=True)
        share = np.exp(logits)
        total = share.sum(axis=1, keepdims=True)
        share /= total
        value = (np.log(total).ravel() - logits[picked]).sum() + RIDGE * (bias @ bias + parameters[0] ** 2) / 2
        to_sharpness = sharpness * ((share * finite).sum() - finite[picked].sum()) + RIDGE * parameters[0]
        return float(value), np.concatenate([[to_sharpness], share.sum(axis=0) - wanted + RIDGE * bias])

    found = minimize(loss, np.zeros(items + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return Calibration(float(np.exp(found.x[0])), np.asarray(found.x[1:], dtype=np.float64))
