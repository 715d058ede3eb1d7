"""The best few candidates of every row: blocked, masked, no loop over customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.selection import bar, select

BLOCK = 2_000
"""Rows scored at once: a block of scores and its mask stay in the cache."""


@dataclass(frozen=True)
class Ranked:
    """One entry per offer, ordered by row and rank: `row`, `rank` from 1, `item` index, `score`, `probability`."""

    row: NDArray[np.int64]
    rank: NDArray[np.int64]
    item: NDArray[np.int64]
    score: NDArray[np.float32]
    probability: NDArray[np.float32]


def best(
    logits: NDArray[np.float32],
    candidates: NDArray[np.bool_],
    probability: NDArray[np.float32],
    top: int,
) -> Ranked:
    """The `top` highest candidates of each row (fewer where there are fewer), ties to the earlier item."""
    left = logits.astype(np.float32)
    bar(left, np.ascontiguousarray(candidates))
    picks, scores = select(left, top)
    row, rank_at = np.nonzero(np.isfinite(scores))
    item = picks[row, rank_at]
    return Ranked(row, rank_at + 1, item, scores[row, rank_at], probability[row, item])


def joined(parts: list[Ranked]) -> Ranked:
    """Several blocks as one; their rows must already be numbered through."""
    names = ("row", "rank", "item", "score", "probability")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Ranked(**columns)
