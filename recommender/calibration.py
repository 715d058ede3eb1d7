"""From scores to probabilities: a temperature and one bias per item, fitted where the answer is known.

p(item | row) = softmax over the row's candidates of (sharpness * score + bias[item]): the chance that, if the customer
takes one more product, it is this one. Temperature scaling after Guo et al. (2017), "On calibration of modern neural
networks", section 4.2, with the bias of their vector scaling; a ridge keeps items with few answers near no bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE = 1.0
LEAST = 1e-6

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


def likelihood(logits: Logits, candidates: Mask, targets: NDArray[np.int64]) -> float:
    """The mean negative natural logarithm of the probability of each row's `targets`; 0 where there are no rows."""
    if not len(targets):
        return 0.0
    chance = probabilities(logits, candidates)[np.arange(len(targets)), targets].astype(np.float64)
    return float(-np.log(np.maximum(chance, 1e-12)).mean())


def calibrate(
    scores: NDArray[np.float32],
    candidates: Mask,
    targets: NDArray[np.int64],
    *,
    biased: bool = True,
    weights: NDArray[np.float64] | None = None,
) -> Calibration:
    """Fit on rows whose next product (`targets`, an item index that is a candidate) is known, by maximum likelihood.

    Without `biased` the sharpness alone: where the columns of different rows are different items. A row counts its
    weight, or 1.
    """
    return pool([scores], candidates, targets, biased=biased, weights=weights)[0]


def pool(
    opinions: Sequence[NDArray[np.float32]],
    candidates: Mask,
    targets: NDArray[np.int64],
    *,
    biased: bool = True,
    weights: NDArray[np.float64] | None = None,
) -> list[Calibration]:
    """One calibration a model, whose logits added up make the answers likeliest: a logarithmic opinion pool.

    Genest and Zidek (1986), "Combining probability distributions", section 3; sharpnesses are the weights, none below
    0. The bias is the first one's, the others have none.
    """
    from scipy.optimize import minimize

    rows, items = opinions[0].shape
    if rows == 0:
        return [uncalibrated(items) for _ in opinions]
    finite = np.stack(opinions).astype(np.float64)
    scale = np.array([each[candidates].std() for each in finite])
    scale[scale == 0] = 1.0
    finite /= scale[:, None, None]
    picked = (np.arange(rows), targets)
    count = len(opinions)
    counts = np.ones(rows) if weights is None else weights
    wanted = np.bincount(targets, counts, minlength=items)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        sharpness, bias = parameters[:count], parameters[count:] if biased else np.zeros(items)
        logits = np.where(candidates, np.tensordot(sharpness, finite, 1) + bias, -np.inf)
        logits -= logits.max(axis=1, keepdims=True)
        share = np.exp(logits)
        total = share.sum(axis=1, keepdims=True)
        share *= counts[:, None] / total
        value = counts @ (np.log(total).ravel() - logits[picked]) + RIDGE * (bias @ bias) / 2
        to_sharpness = np.tensordot(finite, share, 2) - finite[:, picked[0], picked[1]] @ counts
        return float(value), np.concatenate([to_sharpness, share.sum(axis=0) - wanted + RIDGE * bias if biased else []])

    start = np.concatenate([np.full(count, 1 / count), np.zeros(items if biased else 0)])
    bounds = [(LEAST, None)] * count + [(None, None)] * (items if biased else 0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200})
    bias = np.asarray(found.x[count:], dtype=np.float64) if biased else np.zeros(items)
    return [Calibration(float(found.x[at] / scale[at]), np.zeros(items) if at else bias) for at in range(count)]
