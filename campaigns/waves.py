"""In which order moments are decided: at once whatever cannot interfere, one after the other where one counts for the next.

What a customer is sent counts for the customer's next message, and what a budget pays for is gone for whoever comes later.
So a wave holds of each customer the moments of one campaign and step, and all waves together each customer's in the order
of the campaigns. Where a budget is shared, everybody's moments of a campaign and step are a wave, those of others before or after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Group:
    """Moments of one campaign and step: positions, the budgets they take from (`("campaign", name)`; `None` where none)."""

    rows: np.ndarray
    budget: str | None = None


def waves(customers: np.ndarray, groups: Sequence[Group], *, shared: bool) -> list[np.ndarray]:
    """The positions decided together, wave by wave. `customers`: codes from 0, one a position; every position is in one group.

    `shared` says that all groups take from the same budgets; otherwise those with the same `budget` do.
    """
    import numpy as np

    number = np.zeros(len(customers), dtype=np.int64)
    following = np.zeros(int(customers.max(initial=-1)) + 1, dtype=np.int64)  # the first wave each customer may be in
    free: dict[str, int] = {}
    for group in groups:
        whose = customers[group.rows]
        own = following[whose]
        if shared or group.budget is not None:
            key = "" if shared else str(group.budget)
            own = np.full(len(own), max(int(own.max(initial=0)), free.get(key, 0)))
            free[key] = int(own[0]) + 1 if len(own) else free.get(key, 0)
        number[group.rows] = own
        following[whose] = own + 1
    order = np.argsort(number, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(number[order])) + 1) if len(order) else []
