"""Whether a probability means what it says: of offers said to have one chance in five, is every fifth taken?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.calibration import probabilities

Mask = NDArray[np.bool_]
BINS = 10
BLOCK = 2_000


@dataclass(frozen=True)
class Bin:
    """Offers of one range of probability: how many, their mean probability, and the share of them that was taken."""

    offers: int
    said: float
    taken: float

    def as_dict(self) -> dict[str, float]:
        """As plain values."""
        return {"offers": self.offers, "said": round(self.said, 6), "taken": round(self.taken, 6)}


@dataclass(frozen=True)
class Reliability:
    """`brier`: mean over events of the squared differences between probability and outcome, added over the candidates
    (Brier 1950; 0 is perfect, 2 the worst). `error`: mean distance of the `bins` from the diagonal, by offers (expected
    calibration error, Guo and others 2017).
    """

    brier: float
    error: float
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "brier": round(self.brier, 6),
            "calibration_error": round(self.error, 6),
            "reliability": [each.as_dict() for each in self.bins],
        }


def reliability(logits: NDArray[np.float32], candidates: Mask, relevant: Mask) -> Reliability:
    """Of the softmax over each row's candidates; an event with several items taken is shared out evenly among them.

    Bins have equal widths. Rows without candidates say nothing.
    """
    squares, asked = 0.0, 0
    offers, said, came = (np.zeros(BINS) for _ in range(3))
    for begin in range(0, len(logits), BLOCK):
        rows = slice(begin, begin + BLOCK)
        mask = candidates[rows]
        chance = probabilities(logits[rows], mask).astype(np.float64)
        taken = relevant[rows] & mask
        outcome = taken / np.maximum(taken.sum(axis=1, keepdims=True), 1)
        squares += float(((chance - outcome) ** 2)[mask.any(axis=1)].sum())
        asked += int(mask.any(axis=1).sum())
        which = np.minimum((chance[mask] * BINS).astype(np.int64), BINS - 1)
        offers += np.bincount(which, minlength=BINS)
        said += np.bincount(which, chance[mask], minlength=BINS)
        came += np.bincount(which, outcome[mask], minlength=BINS)
    total = max(offers.sum(), 1.0)
    bins = [Bin(int(n), s / n, c / n) for n, s, c in zip(offers, said, came, strict=True) if n]
    return Reliability(squares / max(asked, 1), float(np.abs(said - came).sum() / total), tuple(bins))
