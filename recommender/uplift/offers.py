"""What offers cause: the effect of each offer in each segment, and whether it wears off with the times it was made.

Compared are customers to whom the offer was made and customers held out for whom the same offer had been chosen: whoever
would have got another offer is another comparison. The columns `offer` and `exposure` are therefore those of both groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.effect.effect import told
from recommender.effect.multiple import benjamini_hochberg, same_everywhere
from recommender.uplift.learner import LEAST, Floats
from recommender.uplift.rates import Effect, Span, Z, effect_among, rounded

Words = NDArray[np.object_]


@dataclass(frozen=True)
class Cell:
    """One offer, one segment or one exposure. `p_value` is adjusted for all cells told beside it; NaN: too few rows."""

    name: Mapping[str, str]
    effect: Effect
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        found = self.effect
        rates = {"treated_rate": rounded(found.treated), "untreated_rate": rounded(found.untreated)}
        return {
            **self.name,
            "rows": found.rows,
            **rates,
            "effect": found.difference.as_dict(),
            "p_value": told(self.p_value),
        }


@dataclass(frozen=True)
class Cells:
    """Effects side by side. `differ_p`: how likely they would lie so far apart if they were the same (Cochran's Q)."""

    cells: tuple[Cell, ...]
    differ_p: float

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"differ_p_value": told(self.differ_p), "cells": [cell.as_dict() for cell in self.cells]}


@dataclass(frozen=True)
class Fatigue:
    """The effect the first time, the second and so on, and its slope: what one more time changes. A slope below 0 is fatigue."""

    exposures: Cells
    slope: Span

    @property
    def verdict(self) -> str:
        """What may be said."""
        if self.slope.high < 0:
            return "the effect wears off"
        return "the effect grows" if self.slope.low > 0 else "no evidence that the effect changes with the times"

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"verdict": self.verdict, "slope": self.slope.as_dict(), **self.exposures.as_dict()}


def effects_by(columns: Mapping[str, Words], treatment: Floats, outcome: Floats) -> Cells:
    """The effect for each combination of values of the columns that comes up; p-values by Benjamini and Hochberg 1995."""
    keys = np.array([list(each) for each in zip(*columns.values(), strict=True)], dtype=object).astype(str)
    distinct, place = np.unique(keys, axis=0, return_inverse=True)
    found = [_among(place.ravel() == number, treatment, outcome) for number in range(len(distinct))]
    errors = [_error(each) for each in found]
    plain = [_p_value(each, error) for each, error in zip(found, errors, strict=True)]
    names = [dict(zip(columns, (str(value) for value in row), strict=True)) for row in distinct]
    cells = [Cell(*each) for each in zip(names, found, benjamini_hochberg(plain), strict=True)]
    usable = [(each.difference.value, error) for each, error in zip(found, errors, strict=True) if error > 0]
    differ = same_everywhere([value for value, _ in usable], [error for _, error in usable]) if usable else nan
    return Cells(tuple(cells), differ)


def fatigue(exposure: NDArray[np.int64], treatment: Floats, outcome: Floats) -> Fatigue:
    """Effects by exposure (1 is the first time), and the slope over them by weighted least squares.

    Weights are one over the squared standard error of each effect, so that the slope's variance is 1 / sum w (x - mean)^2.
    """
    numbers = [int(each) for each in np.unique(exposure)]
    cells = effects_by({"exposure": exposure.astype(str).astype(object)}, treatment, outcome)
    by_number = {int(cell.name["exposure"]): cell for cell in cells.cells}
    ordered = tuple(by_number[number] for number in numbers)
    known = [(number, by_number[number].effect, _error(by_number[number].effect)) for number in numbers]
    return Fatigue(Cells(ordered, cells.differ_p), _slope([each for each in known if each[2] > 0]))


def _among(rows: NDArray[np.bool_], treatment: Floats, outcome: Floats) -> Effect:
    return effect_among(treatment[rows], outcome[rows], np.ones(int(rows.sum())))


def _error(found: Effect) -> float:
    """Standard error of the difference from its interval; NaN where one of the groups is too small to say."""
    half = (found.difference.high - found.difference.low) / 2
    return half / Z if found.rows >= 2 * LEAST and not np.isnan(half) else nan


def _p_value(found: Effect, error: float) -> float:
    from scipy.stats import norm

    return float(2 * norm.sf(abs(found.difference.value) / error)) if error > 0 else nan


def _slope(known: list[tuple[int, Effect, float]]) -> Span:
    if len(known) < 2:
        return Span(nan, nan, nan)
    x = np.array([number for number, _, _ in known], dtype=np.float64)
    y = np.array([each.difference.value for _, each, _ in known])
    weight = 1 / np.array([error for _, _, error in known]) ** 2
    away = x - np.average(x, weights=weight)
    spread = float(weight @ away**2)
    middle, half = float((weight * away) @ y) / spread, Z / sqrt(spread)
    return Span(middle, middle - half, middle + half)
