"""How good one learner's ranking is on customers it has not seen, in figures an analyst can act on."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from recommender.uplift.curves import Coefficients, cells_of, coefficients, groups_of, qini_curve
from recommender.uplift.learner import Floats
from recommender.uplift.policy import Gain, Money, best_share, gain, worth_contacting
from recommender.uplift.propensity import weights
from recommender.uplift.rates import Effect, Span, effect_among, rounded

TENTHS = 10
POINTS = 50
"""Of a curve that is drawn."""


@dataclass(frozen=True)
class Unseen:
    """The customers a ranking is tried on."""

    treatment: Floats
    outcome: Floats
    propensity: Floats

    @property
    def weight(self) -> Floats:
        """Inverse-propensity weights; 1 for all in a trial with one probability."""
        return weights(self.treatment, self.propensity)

    def effect(self, chosen: Floats) -> Effect:
        """The effect among those chosen (1)."""
        mine = chosen > 0
        return effect_among(self.treatment[mine], self.outcome[mine], self.weight[mine])

    def average(self) -> Effect:
        """The effect among all."""
        return self.effect(np.ones(len(self.outcome)))


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers by score, the best first: the mean score and what the contact did."""

    score: float
    effect: Effect

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        found = self.effect
        rates = {"treated_rate": rounded(found.treated), "untreated_rate": rounded(found.untreated)}
        return {"rows": found.rows, "score": rounded(self.score), **rates, "effect": found.difference.as_dict()}


@dataclass(frozen=True)
class Measured:
    """One ranking: its coefficients, tenths, the effect in the best share, the gain of contacting whom it says, its Qini curve."""

    qini: float
    auuc: float
    tenths: tuple[Tenth, ...]
    best: Effect
    worth: Gain | None
    curve: tuple[tuple[float, float], ...]


def measure(scores: Floats, tested: Unseen, *, best: float, money: Money, causal: bool) -> Measured:
    """Measure a ranking. `best`: the share whose effect is told; `causal`: scores are effects, so that they say whom to contact."""
    cells = cells_of(groups_of(scores), tested.treatment, tested.outcome, tested.weight)
    found: Coefficients = coefficients(cells)
    chosen = worth_contacting(scores, money) if causal else None
    worth = None if chosen is None else gain(chosen, tested.treatment, tested.outcome, tested.propensity, money)
    return Measured(
        qini=float(found.qini),
        auuc=float(found.auuc),
        tenths=tenths(scores, tested),
        best=tested.effect(best_share(scores, best)),
        worth=worth,
        curve=_drawn(cells),
    )


def tenths(scores: Floats, tested: Unseen) -> tuple[Tenth, ...]:
    """Ten groups of equal size by score, equal scores in the order of the rows."""
    order = np.argsort(-scores, kind="stable")
    parts = [rows for rows in np.array_split(order, TENTHS) if len(rows)]
    weight = tested.weight
    return tuple(
        Tenth(float(scores[rows].mean()), effect_among(tested.treatment[rows], tested.outcome[rows], weight[rows]))
        for rows in parts
    )


def unknown() -> Span:
    """A value nobody knows."""
    return Span(nan, nan, nan)


def _drawn(cells: Floats) -> tuple[tuple[float, float], ...]:
    """The Qini curve as shares: of the customers contacted, and outcomes gained a customer."""
    rows, gained = qini_curve(cells)
    size = rows[-1]
    at = np.linspace(0, size, POINTS + 1)
    points = np.interp(at, rows, gained) / size
    return tuple((round(float(x / size), 4), round(float(y), 8)) for x, y in zip(at, points, strict=True))
