"""Results of several splits of the same customers as one: a single split cannot tell learners apart.

The two halves of a split are tried each by models of the other and averaged. Over splits, bounds are medians of bounds that
hold with 97.5 %, and p-values twice their median, which then hold with 95 %, whatever the splits share (Meinshausen, Meier,
Bühlmann 2009, JASA 104; Chernozhukov, Demirer, Duflo, Fernandez-Val 2018, NBER 24678).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from recommender.uplift.learner import Floats
from recommender.uplift.policy import Gain
from recommender.uplift.rates import Effect, Span
from recommender.uplift.resampling import bounds

ONE, SEVERAL = 0.95, 0.975


def level(splits: int) -> float:
    """With what probability the bounds of a split must hold, so that the medians hold with 95 %."""
    return ONE if splits == 1 else SEVERAL


def pooled(values: Sequence[float], draws: Sequence[Floats]) -> Span:
    """A value a split with its draws: the mean, and the medians of the bounds."""
    found = np.array([bounds(each, level(len(draws))) for each in draws])
    low, high = np.median(found, axis=0)
    return Span(float(np.mean(values)), float(low), float(high))


def pooled_p(p_values: Sequence[float]) -> float:
    """Twice the median of several p-values, one as it is."""
    return float(p_values[0]) if len(p_values) == 1 else min(1.0, 2 * float(np.median(p_values)))


def averaged(spans: Sequence[Span]) -> Span:
    """Of independent groups: the mean, its distance to either bound by the sum of squares."""
    value = float(np.mean([each.value for each in spans]))
    below = sqrt(sum((each.value - each.low) ** 2 for each in spans)) / len(spans)
    above = sqrt(sum((each.high - each.value) ** 2 for each in spans)) / len(spans)
    return Span(value, value - below, value + above)


def middle(spans: Sequence[Span]) -> Span:
    """Of several splits: the median of values and of bounds."""
    return Span(*(float(np.median([getattr(each, name) for each in spans])) for name in ("value", "low", "high")))


def effects(splits: Sequence[Sequence[Effect]]) -> Effect:
    """Effects by split and half as one."""
    flat = [each for split in splits for each in split]
    differences = middle([averaged([each.difference for each in split]) for split in splits])
    rows = round(sum(each.rows for each in flat) / len(splits))
    treated, untreated = (float(np.mean([getattr(each, name) for each in flat])) for name in ("treated", "untreated"))
    return Effect(rows, treated, untreated, differences)


def gains(splits: Sequence[Sequence[Gain]]) -> Gain:
    """Gains by split and half as one."""
    share = float(np.mean([each.share for split in splits for each in split]))
    names = ("over_nobody", "over_everybody", "over_chance")
    return Gain(share, *(middle([averaged([getattr(e, n) for e in split]) for split in splits]) for n in names))
