"""How a difference is to be judged: decided before it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recommender.effect.sequence import TUNED_FOR

Reading = Literal["fixed", "always_valid", "planned"]


@dataclass(frozen=True)
class Plan:
    """`alpha`: the error allowed. `reading`: which interval decides: looked at once, at any time, or at planned looks.

    `looks`: the share of the planned rows at each look up to this one. `worth`: the smallest effect that matters, in the
    outcome's unit. `tuned_for`: rows at which the always-valid interval is narrowest.
    """

    alpha: float = 0.05
    reading: Reading = "fixed"
    looks: tuple[float, ...] = ()
    worth: float | None = None
    tuned_for: float = TUNED_FOR


def even_looks(this: int, planned: int) -> tuple[float, ...]:
    """The shares of look 1 to `this` of so many at equal distances. Raises ValueError for a look that is not planned."""
    if not 1 <= this <= planned:
        raise ValueError(f"look {this} of {planned} is not planned; the first is 1 and the last {planned}")
    return tuple(number / planned for number in range(1, this + 1))
