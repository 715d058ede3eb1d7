"""Two models in one list: which one's offers are taken, by team draft (Radlinski, Kurup, Joachims 2008, CIKM, section 4.2).

As two captains pick players: in each round a coin says which model picks first, and each picks its best offer that is not
in the list yet. Whoever takes an offer votes for the model that picked it. Every customer is a comparison, so far fewer
are needed than for two groups with a model each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.effect.effect import told
from recommender.errors import UpliftError
from recommender.uplift.learner import Floats
from recommender.uplift.rates import Span, Z

Items = NDArray[np.int64]
NONE = -1
BLOCK = 10_000
"""Customers drafted at once."""


@dataclass(frozen=True)
class Draft:
    """Lists to show, customers x k: `items` (-1: nothing left) and `teams`, 0 or 1 for the model that picked each (-1: nobody)."""

    items: Items
    teams: Items


@dataclass(frozen=True)
class Preference:
    """Customers who voted for either model. `delta`: share voting for the first, ties half, less a half (Chapelle, Joachims,
    Radlinski, Yue 2012, ACM TOIS 30(1)): 0 where nobody prefers any, +-0.5 at most; `p_value` of the sign test, two-sided."""

    customers: int
    first: int
    second: int
    ties: int
    delta: Span
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """As plain values, with the verdict."""
        counts = {name: getattr(self, name) for name in ("customers", "first", "second", "ties")}
        return {**counts, "delta": self.delta.as_dict(), "p_value": told(self.p_value), "verdict": self.verdict}

    @property
    def verdict(self) -> str:
        """What may be said."""
        if not self.p_value < 0.05:
            return "no evidence that either model's offers are preferred"
        return f"the {'first' if self.first > self.second else 'second'} model's offers are preferred"


def draft(first: Items, second: Items, k: int, coins: Floats) -> Draft:
    """Lists of k from two rankings, customers x items, best first, -1 for none; `coins` customers x rounds in [0, 1).

    Where one model has nothing left the other one picks. Raises UpliftError where the shapes do not match.
    """
    rounds = (k + 1) // 2
    if len(first) != len(second) or coins.shape != (len(first), rounds):
        raise UpliftError(
            f"{len(first)} and {len(second)} rankings need as many rows of {rounds} coins, got {coins.shape}"
        )
    items, teams = np.full((len(first), k), NONE), np.full((len(first), k), NONE)
    for start in range(0, len(first), BLOCK):
        rows = slice(start, start + BLOCK)
        _fill(items[rows], teams[rows], (first[rows], second[rows]), coins[rows])
    return Draft(items, teams)


def preference(teams: Items, taken: NDArray[np.bool_]) -> Preference:
    """Who was voted for: `teams` of a draft and what was taken of it, both customers x k."""
    votes = [((teams == team) & taken).sum(axis=1) for team in (0, 1)]
    return preference_of(votes[0], votes[1])


def preference_of(first: NDArray[np.integer], second: NDArray[np.integer]) -> Preference:
    """From the offers taken of each model, one number a customer: a customer has one vote, however much was taken."""
    from scipy.stats import binomtest

    sign = np.sign(first.astype(np.int64) - second.astype(np.int64))
    wins, losses = int((sign > 0).sum()), int((sign < 0).sum())
    p_value = float(binomtest(wins, wins + losses).pvalue) if wins + losses else nan
    return Preference(len(sign), wins, losses, len(sign) - wins - losses, _delta(sign), p_value)


def _fill(items: Items, teams: Items, rankings: tuple[Items, Items], coins: Floats) -> None:
    """Pick by pick, for all customers at once."""
    for place in range(items.shape[1]):
        begins = (coins[:, place // 2] >= 0.5).astype(np.int64)
        turn = begins if place % 2 == 0 else 1 - begins
        best = [_next(ranking, items[:, :place]) for ranking in rankings]
        turn = np.where(np.where(turn == 0, best[0], best[1]) == NONE, 1 - turn, turn)
        picked = np.where(turn == 0, best[0], best[1])
        items[:, place] = picked
        teams[:, place] = np.where(picked == NONE, NONE, turn)


def _next(ranking: Items, shown: Items) -> Items:
    """The best item of each row that is not shown yet; -1 where there is none."""
    free = (ranking != NONE) & ~(ranking[:, :, None] == shown[:, None, :]).any(axis=2)
    place = free.argmax(axis=1)
    rows = np.arange(len(ranking))
    found: Items = np.where(free[rows, place], ranking[rows, place], NONE)
    return found


def _delta(sign: NDArray[np.int64]) -> Span:
    if len(sign) < 2:
        return Span(nan, nan, nan)
    middle, half = float(sign.mean()) / 2, Z * float(sign.std(ddof=1)) / sqrt(len(sign)) / 2
    return Span(middle, middle - half, middle + half)
