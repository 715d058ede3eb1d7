"""Who has fallen: the answers of the last weeks against those of the time before, with what many comparisons find by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recommender.effect.difference import Difference, difference
from recommender.effect.metric import Metric
from recommender.effect.multiple import benjamini_hochberg
from recommender.quality.indices import LEAST, MARK, Index

ALPHA = 0.05


@dataclass(frozen=True)
class Fall:
    """An index that is lower than before, and not by chance: `p_adjusted` is the chance among all groups looked at."""

    before: Index
    now: Index
    change: Difference
    p_adjusted: float

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        low, high = self.change.interval().as_list()
        return {
            "kind": self.now.scale.name, "by": self.now.dimension, "group": self.now.group, "before": round(self.before.value, 2),
            "now": round(self.now.value, 2), "change": round(self.change.estimate, 2), "interval": [low, high],
            "answers": [self.before.n, self.now.n], "p_adjusted": self.p_adjusted,
        }  # fmt: skip


def falls(before: Sequence[Index], now: Sequence[Index]) -> list[Fall]:
    """The groups whose index fell, the deepest first.

    Welch's test of each group with enough answers in both periods; adjusted after Benjamini-Hochberg, as one looks at many.
    A month is no group here: it is the time itself.
    """
    known = {(each.scale.name, each.dimension, each.group): each for each in before}
    metric, pairs = Metric(MARK), []
    for each in now:
        earlier = known.get((each.scale.name, each.dimension, each.group))
        if each.dimension != "month" and earlier is not None and min(each.n, earlier.n) >= LEAST:
            pairs.append((earlier, each, difference(each.sums, earlier.sums, metric)))
    adjusted = benjamini_hochberg([_chance(change) for _, _, change in pairs])
    found = [
        Fall(earlier, each, change, p)
        for (earlier, each, change), p in zip(pairs, adjusted, strict=True)
        if change.estimate < 0 and p < ALPHA
    ]
    return sorted(found, key=lambda fall: (fall.now.scale.name, fall.change.estimate))


def _chance(change: Difference) -> float:
    """The p-value; none at all of two groups that are each of one mind, and of different ones."""
    return 0.0 if change.error == 0 and change.estimate else change.p_value
