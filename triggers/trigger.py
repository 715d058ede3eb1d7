"""What every kind of trigger has in common: which occasions count when they come late, and how it is asked."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlglot import exp

from triggers.candidates import MOMENT_COLUMNS, Candidates, Requirement
from triggers.condition_faults import ConditionError, Scopes
from triggers.conditions import bind, conjuncts, parse_condition, views_named
from triggers.durations import Span
from triggers.errors import TriggersError
from triggers.lateness import Late, Reach, on_time, reach
from triggers.terms import text, written

if TYPE_CHECKING:
    from triggers.facts import Facts

__all__ = ["MOMENT_COLUMNS", "Clause", "Columns", "FieldError", "Near", "Trigger"]

Columns = Mapping[str, Mapping[str, str]]
"""View name -> column name -> SQL type: what there is to ask about."""


_NOT_NULL = re.compile(r"\bNOT (\w+(?:\.\w+)?) IS NULL\b")


@dataclass(frozen=True)
class Clause:
    """One condition of a trigger as it stood for one customer: what was wanted, what was seen, in words."""

    path: str
    passed: bool
    wanted: str
    seen: str
    words: str


class FieldError(TriggersError):
    """A field of a trigger does not fit the insurer's columns.

    `field` is its name in the campaign file; `line` and `column` count from 1 within `where`, else they are 1.
    """

    def __init__(self, field: str, message: str, hint: str | None = None, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.field, self.message, self.hint, self.line, self.column = field, message, hint, line, column


class Trigger(BaseModel, ABC):
    """Base of all kinds. A kind adds its fields and says where its occasions are found (`candidates`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False, validate_by_alias=True)

    due_path: ClassVar[str]
    """The field that says when an occasion is due."""
    remembers: ClassVar[bool] = False
    """Whether the kind compares who is a member now (`members`) with who was when Kairos last looked (`memberships`)."""

    kind: str
    where: str | None = Field(
        default=None,
        description="SQL condition over the columns of the view the trigger is about",
        examples=["line = 'motor' and status = 'active'"],
    )
    late: Late = Field(
        default="nearest",
        description="what happens to occasions already overdue: fire all, skip all not due today, or only the last "
        "due of each subject",
        examples=["nearest"],
    )
    max_age: Span = Field(
        default="7d",
        validate_default=True,
        description="an occasion overdue by more than this never fires",
        examples=["20d"],
    )

    @property
    def dated(self) -> str | None:
        """The column of policies whose date is the occasion: another date there is another occasion. None for other kinds."""
        return None

    @abstractmethod
    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Where occasions are found. `within` narrows them to what can be due; None = also those far from it."""

    @abstractmethod
    def scopes(self, columns: Columns) -> Scopes:
        """What `where` may look at, the default view first."""

    @abstractmethod
    def none_found(self, customer_id: str) -> str:
        """In words: this customer has nothing the trigger could be about."""

    @abstractmethod
    def due_words(self, near: Near, now: datetime) -> str:
        """In words and figures: how far this occasion is from being due, and what the campaign wants."""

    def members(self, columns: Columns, now: datetime) -> exp.Select:
        """Who is a member at `now`: customer_id, subject. TypeError for kinds that remember nothing."""
        raise TypeError(f"a trigger of kind {self.kind} has no members")

    def begun_by(self, types: Collection[str]) -> bool:
        """Whether events of these types, by themselves, can bring a moment; those of time alone are found without them."""
        return False

    def ended_by(self, types: Collection[str]) -> bool:
        """Whether events of these types can take the ground from under a moment that waits."""
        return False

    def own_faults(self, columns: Columns) -> list[FieldError]:
        """What does not fit the columns, `where` aside."""
        return []

    def faults(self, columns: Columns, now: datetime) -> list[FieldError]:
        """Everything about this trigger that does not fit the columns; the conditions are put before the database."""
        from triggers.proof import check_condition

        found = self.own_faults(columns)
        if self.where is None or found:
            return found
        scopes = self.scopes(columns)
        try:
            check_condition(self.where, scopes, next(iter(scopes)), now)
        except ConditionError as error:
            return [FieldError("where", error.message, error.hint, error.line, error.column)]
        return []

    def select(self, columns: Columns, now: datetime) -> exp.Select:
        """The query that finds the moments: MOMENT_COLUMNS, ordered. `now` is aware and in the insurer's zone.

        Raises FieldError or ConditionError where the trigger does not fit the columns.
        """
        for fault in self.own_faults(columns):
            raise fault
        within = reach(self.late, self.max_age, now)
        candidates = self.candidates(columns, now, within)
        nearest = self.late == "nearest" and not candidates.single
        return on_time(candidates.found(), within, last_of=candidates.alike if nearest else ())

    def nearest(self, facts: Facts, customer_id: str) -> list[Clause]:
        """How close this customer is to a moment, clause by clause, the closest occasion first.

        The first clause (path `trigger`) is the verdict: passed exactly where `select` finds a moment.
        """
        from triggers.closeness import explain

        return explain(self, facts, customer_id)

    def views_asked(self, columns: Columns) -> set[str]:
        """The views `where` looks at."""
        return views_named(condition) if (condition := self._condition(columns)) is not None else set()

    def where_requirements(self, columns: Columns, now: datetime) -> tuple[Requirement, ...]:
        """The parts of `where` that must all hold, each by itself."""
        condition = self._condition(columns)
        if condition is None:
            return ()
        default = next(iter(self.scopes(columns)))
        return tuple(_requirement(part, default, now) for part in conjuncts(condition))

    def _condition(self, columns: Columns) -> exp.Expr | None:
        scopes = self.scopes(columns)
        return parse_condition(self.where, scopes, next(iter(scopes))) if self.where is not None else None


@dataclass(frozen=True)
class Near:
    """An occasion looked at for one customer: what it is, what it is reckoned from and when it is due."""

    customer_id: str
    subject: str
    occasion: str | None
    label: str
    base: date | datetime
    due_at: datetime | None

    @property
    def instant(self) -> datetime:
        """The base of kinds that reckon from an instant; TypeError for a day."""
        if not isinstance(self.base, datetime):
            raise TypeError(f"{self.label} is reckoned from a day, not from an instant")
        return self.base


def _requirement(part: exp.Expr, default: str, now: datetime) -> Requirement:
    return Requirement("where", exp.paren(bind(part, now)), _as_read(part, default), _values(part, default))


def _as_read(part: exp.Expr, default: str) -> str:
    def plain(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return exp.column(node.name, table=None if node.table == default else node.table)
        return exp.column(node.name) if isinstance(node, exp.Placeholder) else node

    # SQLGlot writes `NOT x IS NULL` where people write `x IS NOT NULL`
    return _NOT_NULL.sub(r"\1 IS NOT NULL", part.transform(plain).sql("duckdb"))


def _values(part: exp.Expr, default: str) -> exp.Expr:
    columns = {_as_read(column, default): column for column in part.find_all(exp.Column)}
    seen: exp.Expr = text("")
    for number, (name, column) in enumerate(columns.items()):
        lead = f"{', ' if number else ''}{name} = "
        value = exp.Coalesce(this=written(column.copy()), expressions=[text("nothing")])
        seen = exp.DPipe(this=seen, expression=exp.DPipe(this=text(lead), expression=value))
    return seen
