"""The k largest of each row of a block of scores: exact, ties to the earlier item, a few passes over memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Items = NDArray[np.int64]
MANY = 512
"""From so many items on, most are ruled out by a bound before anything is sorted."""
GROUPS = 8
"""Groups for each item wanted: their maxima bound the k-th largest from below."""
PLACES = 31
"""Bits for the number of an item: below the 32 of its score, and one for the sign."""
MINUS_INFINITY = np.float32(-np.inf).view(np.int32)
CELLS = 200_000
"""Scores of a block: they stay in the cache between the passes."""


def select(scores: Scores, k: int) -> tuple[Items, Scores]:
    """Items and scores of the k largest of each row, the largest first, ties to the earlier item: two rows x k arrays.

    `-inf` is no candidate, but fills up a row that has too few. At most as many columns as there are items.
    """
    items = scores.shape[1]
    wanted = min(k, items)
    if items >= MANY and items >= 2 * GROUPS * wanted:
        return _bounded(scores, wanted)
    return _partitioned(scores, wanted)


def bar(scores: Scores, candidates: NDArray[np.bool_]) -> None:
    """Set finite `scores` to -inf where `candidates` is false, in place.

    By arithmetic on the bits: choosing cell by cell under an irregular mask costs ten times as much in mispredicted
    branches.
    """
    barred = candidates.view(np.int8).astype(np.int32)
    barred -= 1  # 0 where it is a candidate, all bits elsewhere
    barred &= MINUS_INFINITY
    scores += barred.view(np.float32)


def best_products(
    rows: Scores,
    items: Scores,
    k: int,
    *,
    candidates: Callable[[slice], NDArray[np.bool_]] | None = None,
    threads: int = 1,
) -> tuple[NDArray[np.int32], Scores]:
    """Items and scores of the k largest of `rows` (rows x d) times `items` (items x d), block by block.

    `candidates` gives the mask (rows of the slice x items) of a block. Threads change the time and not the answer.
    """
    wanted = min(k, len(items))
    found = np.empty((len(rows), wanted), dtype=np.int32)
    values = np.empty((len(rows), wanted), dtype=np.float32)
    across = np.ascontiguousarray(items.T)
    height = max(64, CELLS // max(len(items), 1))

    def block(start: int) -> None:
        part = slice(start, min(start + height, len(rows)))
        scores = rows[part] @ across
        if candidates is not None:
            bar(scores, candidates(part))
        found[part], values[part] = select(scores, wanted)

    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1), ThreadPoolExecutor(threads) as pool:
        list(pool.map(block, range(0, len(rows), height)))
    return found, values


def _partitioned(scores: Scores, k: int) -> tuple[Items, Scores]:
    """By a partial sort of whole numbers that hold the score above the item: no two are alike, so no tie is left to settle.

    The bits of a float, those of a negative one turned round, are in the order of the floats.
    """
    items = scores.shape[1]
    bits = (scores + np.float32(0.0)).view(np.int32)  # one zero, not two
    turned = bits >> 31
    turned &= np.int32(0x7FFFFFFF)
    bits ^= turned
    keys = bits.astype(np.int64)
    keys <<= PLACES
    keys |= np.arange(items - 1, -1, -1, dtype=np.int64)
    if k < items:
        keys.partition(items - k, axis=1)
    best = np.sort(keys[:, items - k :], axis=1)[:, ::-1]
    found = items - 1 - (best & ((1 << PLACES) - 1))
    return found, np.take_along_axis(scores, found, axis=1)


def _bounded(scores: Scores, k: int) -> tuple[Items, Scores]:
    """By a bound: of k groups with maxima of at least b, each has an item of at least b, so the k largest are not below."""
    rows, items = scores.shape
    groups = GROUPS * k
    depth = items // groups
    maxima = scores[:, : depth * groups].reshape(rows, depth, groups).max(axis=1)
    bound = np.partition(maxima, groups - k, axis=1)[:, groups - k]
    row, item = np.divmod(np.flatnonzero(scores >= bound[:, None]), items)
    counts = np.bincount(row, minlength=rows)
    if counts.max() > 4 * k + 64:  # many ties at the bound, or a row with hardly any candidate
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return order, np.take_along_axis(scores, order, axis=1)
    at = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = np.full((rows, int(counts.max())), -np.inf, dtype=np.float32)
    names = np.zeros(kept.shape, dtype=np.int64)
    kept[row, at], names[row, at] = scores[row, item], item
    order = np.argsort(-kept, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(names, order, axis=1), np.take_along_axis(kept, order, axis=1)
