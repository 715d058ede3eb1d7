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
from recommender.sentence import Sentence

ROWS = 100
"""Rows a group needs before anything is said of it."""
OUTCOMES = 30
"""Rows with the outcome and without it that a share needs in each group: with 30 to be expected a 95 % interval of a rare
share's difference (2 %, nine to one) holds the truth in 94.5 % of trials, with 10 in 93.5 %."""
WORTH = 0.2
"""An effect worth seeing where nobody says one: a fifth of the control's level, or of its standard deviation where that is 0."""


OTHER_SIZES = Sentence("the groups are not as large as they were meant to be: find out who was lost first")
MORE_WITH = "the interval excludes 0: more with the treatment"
LESS_WITH = "the interval excludes 0: less with the treatment"
BY_CHANCE = "with as many comparisons as these so much is chance (adjusted p = {p:.3f})"
ALL_ALIKE = "the rows of each group are all alike: nothing tells how far off the difference may be"
SEEN_SELDOM = "an effect of {size:.4g} would be found with probability {chance:.0%} only"
WOULD_BE_SEEN = "the interval holds 0; an effect of {size:.4g} would be found with probability {chance:.0%}"
FEW_ROWS = "rows of the {group} group: {n:,}; nothing is said below {least}"
NO_BASE = "the {group} group has no {per} to divide by"
FEW_WITH = "rows of the {group} group with the outcome: {n:g}; nothing is said below {least}"
FEW_WITHOUT = "rows of the {group} group without the outcome: {n:g}; nothing is said below {least}"


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
    fault: str,
    p_value: float,
    critical: float,
    alpha: float = 0.05,
    worth: float | None = None,
) -> Judged:
    """Judge a difference by its interval and its p-value (adjusted where others are looked at beside it).

    `critical`: how many standard errors wide the interval is on a side. `scarce`: what there is too little of
    (`too_little`). `fault`: why the groups cannot be compared; "" where they can.
    """
    if fault or scarce:
        return Judged(Verdict.BROKEN if fault else Verdict.MORE, fault or scarce)
    if not interval.holds(0.0):
        if p_value >= alpha:
            return Judged(Verdict.NONE, Sentence(BY_CHANCE, p=p_value))
        return Judged(Verdict.EFFECT, Sentence(MORE_WITH if found.estimate > 0 else LESS_WITH))
    size = worth_seeing(found, worth)
    chance = power_of(found.error, size, critical)
    if isnan(chance):
        return Judged(Verdict.MORE, Sentence(ALL_ALIKE))
    enough = chance >= POWER
    form = WOULD_BE_SEEN if enough else SEEN_SELDOM
    return Judged(Verdict.NONE if enough else Verdict.MORE, Sentence(form, size=size, chance=chance))


def too_little(treated: Sums, control: Sums, metric: Metric) -> str:
    """What there is too little of; "" where there is enough to begin with."""
    for name, sums in (("treated", treated), ("control", control)):
        if sums.n < ROWS:
            return Sentence(FEW_ROWS, group=Sentence(name), n=sums.n, least=ROWS)
        reached, whole = sums.total(metric.outcome), sums.n if metric.per is None else sums.total(metric.per)
        if not whole:
            return Sentence(NO_BASE, group=Sentence(name), per=metric.per)
        if _counts(sums, metric, reached, whole) and min(reached, whole - reached) < OUTCOMES:
            form = FEW_WITH if reached < OUTCOMES else FEW_WITHOUT
            return Sentence(form, group=Sentence(name), n=min(reached, whole - reached), least=OUTCOMES)
    return ""


def _counts(sums: Sums, metric: Metric, reached: float, whole: float) -> bool:
    """Whether the outcome is one thing a row or, of a ratio, some of the things a row has: not an amount."""
    return sums.is_share(metric.outcome) if metric.per is None else 0 <= reached <= whole and whole >= sums.n
