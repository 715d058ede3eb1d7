"""What may be said in a sentence: an effect, none that is proven, or that it is too early."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isnan, sqrt

from recommender.effect.difference import Difference
from recommender.effect.interval import Interval
from recommender.effect.metric import Metric
from recommender.effect.power import POWER, power_of
from recommender.effect.sums import Sums

ROWS = 100
"""Rows a group needs before anything is said of it."""
OUTCOMES = 30
"""Rows with the outcome and without it that a share needs in each group: with 30 to be expected a 95 % interval of a rare
share's difference (2 %, nine to one) holds the truth in 94.5 % of trials, with 10 in 93.5 %."""
WORTH = 0.2
"""An effect worth seeing where nobody says one: a fifth of the control's level, or of its standard deviation where that is 0."""


class Verdict(StrEnum):
    """In the order in which they are ruled out."""

    BROKEN = "groups not comparable"
    MORE = "not enough data yet"
    EFFECT = "effect"
    NONE = "no proven effect"


@dataclass(frozen=True)
class Judged:
    """A verdict and the reason for it."""

    verdict: Verdict
    why: str


def worth_seeing(found: Difference, worth: float | None = None) -> float:
    """The size of an effect that must not be missed, in the outcome's unit."""
    if worth is not None:
        return abs(worth)
    base = abs(found.control.value)
    return WORTH * (base if base > 0 else found.error * sqrt(found.n) / 2)


def judge(
    found: Difference,
    interval: Interval,
    scarce: str,
    *,
    sound: bool,
    p_value: float,
    critical: float,
    alpha: float = 0.05,
    worth: float | None = None,
) -> Judged:
    """Judge a difference by its interval and its p-value (adjusted where others are looked at beside it).

    `critical`: how many standard errors wide the interval is on a side. `scarce`: what there is too little of
    (`too_little`). `sound`: whether the sizes of the groups may be chance.
    """
    if not sound:
        return Judged(
            Verdict.BROKEN, "the groups are not as large as they were meant to be: find out who was lost first"
        )
    if scarce:
        return Judged(Verdict.MORE, scarce)
    size = worth_seeing(found, worth)
    if not interval.holds(0.0) and not p_value >= alpha:
        direction = "more" if found.estimate > 0 else "less"
        return Judged(Verdict.EFFECT, f"the interval excludes 0: {direction} with the treatment")
    if not interval.holds(0.0):
        return Judged(Verdict.NONE, f"with as many comparisons as these so much is chance (adjusted p = {p_value:.3f})")
    chance = power_of(found.error, size, critical)
    if isnan(chance) or chance < POWER:
        return Judged(Verdict.MORE, f"an effect of {size:.4g} would be found with probability {chance:.0%} only")
    return Judged(
        Verdict.NONE, f"the interval holds 0; an effect of {size:.4g} would be found with probability {chance:.0%}"
    )


def too_little(treated: Sums, control: Sums, metric: Metric) -> str:
    """What there is too little of; "" where there is enough to begin with."""
    for name, sums in (("treated", treated), ("control", control)):
        if sums.n < ROWS:
            return f"the {name} group has {sums.n} rows; nothing is said below {ROWS}"
        reached, whole = sums.total(metric.outcome), sums.n if metric.per is None else sums.total(metric.per)
        counts = sums.is_share(metric.outcome) or metric.per is not None
        if counts and min(reached, whole - reached) < OUTCOMES:
            few = "with" if reached < OUTCOMES else "without"
            return f"the {name} group has {min(reached, whole - reached):g} {few} the outcome; nothing is said below {OUTCOMES}"
    return ""
