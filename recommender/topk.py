"""How good the first k of a ranking are, event by event, and how sure one can be of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.selection import select

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
METRICS = ("hr", "mrr", "ndcg", "precision", "recall", "map")
RESAMPLES = 2_000


@dataclass(frozen=True)
class Interval:
    """A mean over events with its 95 % percentile bootstrap interval (Efron 1979), events drawn with replacement."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Plain values, rounded to what can be meant."""
        return {"value": round(self.value, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


def first(scores: NDArray[np.float32], candidates: Mask, k: int) -> NDArray[np.int64]:
    """Item indices of the k best candidates of each row, best first, ties to the earlier item; -1 where there are fewer."""
    order, values = select(np.where(candidates, scores, np.float32(-np.inf)), k)
    return np.where(np.isfinite(values), order, -1)


def by_event(ranked: NDArray[np.int64], relevant: Mask) -> dict[str, Values]:
    """Each metric of METRICS for each row: `ranked` (rows x k) of `first`, `relevant` (rows x items) what was taken.

    hr: any of the k was taken; mrr: 1 / place of the first taken; precision: hits / k; recall: hits / taken; map: mean
    over the taken, at most k, of the precision at their places; ndcg: with gain 1 and discount 1 / log2(place + 1)
    (Järvelin and Kekäläinen 2002).
    """
    k = ranked.shape[1]
    hits = np.take_along_axis(relevant, np.maximum(ranked, 0), axis=1) & (ranked >= 0)
    places = np.arange(1, k + 1)
    taken = np.maximum(relevant.sum(axis=1), 1)
    discount = 1 / np.log2(places + 1)
    ideal = np.cumsum(discount)[np.minimum(taken, k) - 1]
    precision_at = np.cumsum(hits, axis=1) / places
    return {
        "hr": hits.any(axis=1).astype(np.float64),
        "mrr": (hits / places).max(axis=1, initial=0.0),
        "ndcg": (hits * discount).sum(axis=1) / ideal,
        "precision": hits.sum(axis=1) / k,
        "recall": hits.sum(axis=1) / taken,
        "map": (precision_at * hits).sum(axis=1) / np.minimum(taken, k),
    }


def novelty(taken: NDArray[np.int64]) -> Values:
    """How surprising each item is: -log2 of its share of what was taken (self-information; Zhou and others 2010)."""
    return np.asarray(-np.log2((taken + 0.5) / (taken.sum() + 0.5 * len(taken))), dtype=np.float64)


def resampled(rows: int, seed: int) -> NDArray[np.int64]:
    """How often each row is drawn in each of RESAMPLES draws of as many rows: draws x rows."""
    return np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES)


def interval(values: Values, draws: NDArray[np.int64]) -> Interval:
    """The mean of values (one a row) with its interval; of differences of two models it is the paired comparison."""
    means = draws @ values / len(values)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high))
