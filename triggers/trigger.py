"""What every kind of trigger has in common: which occasions count when they come late, and how it is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from sqlglot import exp

    from triggers.facts import Facts

Columns = Mapping[str, Mapping[str, str]]
"""View name -> column name -> SQL type: what there is to ask about."""

MOMENT_COLUMNS = (
    "customer_id",
    "subject",
    "occasion",
    "due_at",
    "policy_id",
    "claim_id",
    "event_id",
    "alert_id",
)


@dataclass(frozen=True)
class Clause:
    """One condition of a trigger as it stood for one customer: what was wanted, what was seen, in words."""

    path: str
    passed: bool
    wanted: str
    seen: str
    words: str


class Trigger(BaseModel, ABC):
    """Base of all kinds. A kind adds its fields and the query that finds its moments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    where: str | None = Field(
        default=None,
        description="SQL condition over the columns of the view the trigger is about",
        examples=["line = 'motor' and status = 'active'"],
    )
    late: Literal["fire", "skip", "nearest"] = Field(
        default="nearest",
        description="what happens to occasions already overdue: fire all, skip all, or only the last due of each subject",
        examples=["nearest"],
    )

    @abstractmethod
    def select(self, columns: Columns, now: datetime) -> exp.Select:
        """The query that finds the moments: projects MOMENT_COLUMNS, ordered, over the canonical views."""

    @abstractmethod
    def nearest(self, facts: Facts, customer_id: str) -> list[Clause]:
        """How close this customer is to a moment, clause by clause, the closest subject first."""
