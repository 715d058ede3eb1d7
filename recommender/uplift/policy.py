"""What a rule of whom to contact would gain, by inverse propensity: known from a trial, without trying the rule.

With f = (t / e - (1 - t) / (1 - e)) (y - mean y), whose mean is the average effect, a rule that contacts the customers with
d = 1 gains mean(d f) outcomes a customer over contacting nobody (Horvitz and Thompson 1952, JASA 47; the mean of the
outcome taken off changes no expectation and makes the estimate surer).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import numpy as np

from recommender.uplift.learner import Floats
from recommender.uplift.rates import Span, Z, rounded


@dataclass(frozen=True)
class Money:
    """What an outcome is worth and a contact costs, in one currency."""

    value: float = 1.0
    cost: float = 0.0

    @property
    def least(self) -> float:
        """The effect at which a contact pays for itself."""
        return self.cost / self.value


@dataclass(frozen=True)
class Gain:
    """Of contacting `share` of the customers: money a customer over contacting nobody, everybody, and as many by chance."""

    share: float
    over_nobody: Span
    over_everybody: Span
    over_chance: Span

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        overs = {name: getattr(self, name).as_dict() for name in ("over_nobody", "over_everybody", "over_chance")}
        return {"share": rounded(self.share), **overs}


def gain(contacted: Floats, treatment: Floats, outcome: Floats, propensity: Floats, money: Money) -> Gain:
    """The gain of a rule: `contacted` is 1 for whom it contacts."""
    balance = treatment / propensity - (1 - treatment) / (1 - propensity)
    worth = money.value * balance * (outcome - outcome.mean()) - money.cost
    share = float(contacted.mean())
    others = (0.0, 1.0, share)
    return Gain(share, *(_mean((contacted - other) * worth) for other in others))


def worth_contacting(effect: Floats, money: Money) -> Floats:
    """1 for whom a contact would pay for itself, as the model has it."""
    return (effect > money.least).astype(np.float64)


def best_share(scores: Floats, share: float) -> Floats:
    """1 for the best share of the customers; equal scores are taken in the order of the rows."""
    chosen = np.zeros(len(scores))
    chosen[np.argsort(-scores, kind="stable")[: round(share * len(scores))]] = 1
    return chosen


def _mean(values: Floats) -> Span:
    if len(values) < 2:
        return Span(nan, nan, nan)
    middle, half = float(values.mean()), Z * float(values.std(ddof=1)) / sqrt(len(values))
    return Span(middle, middle - half, middle + half)
