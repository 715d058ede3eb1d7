"""A customer, or a policy, enters a segment or leaves it: parents of an exam-year child, members without a check-up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from sqlglot import exp

from triggers.candidates import Candidates, Requirement
from triggers.condition_faults import Scopes
from triggers.durations import Span
from triggers.lateness import Reach
from triggers.remembering import RememberingTrigger
from triggers.terms import between, column, instant, one_of, same, text
from triggers.trigger import Columns, Near
from triggers.types import EventTypes
from triggers.words import looked_for, since


class SegmentTrigger(RememberingTrigger):
    """Somebody enters the segment, or (`on: leave`) leaves it, as Kairos sees it from one look to the next.

    The segment is whoever fulfils `where`, `holds` an active policy of one of these lines and is `without` these events.
    The occasion is the local day of entering: whoever leaves and enters again on a later day is a new occasion. A moment
    that waits is withdrawn when its customer has left again.
    """

    kind: Literal["segment"]
    of: Literal["customers", "policies"] = Field(
        default="customers", description="whose segment: of customers, or of single policies", examples=["policies"]
    )
    on: Literal["enter", "leave"] = Field(
        default="enter", description="the moment is entering the segment, or leaving it", examples=["leave"]
    )
    holds: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = Field(
        default=(), description="lines of which the customer has an active policy", examples=[["health"]]
    )
    without: EventTypes = Field(
        default=(), description="types of events the customer has not had lately", examples=["checkup_done"]
    )
    lately: Span = Field(
        default="365d", validate_default=True, description="how long back `without` looks", examples=["365d"]
    )

    @model_validator(mode="after")
    def _narrower_than_everybody(self) -> Self:
        if not (self.where or self.holds or self.without):
            raise ValueError("a segment without a condition is everybody | add `where`, `holds` or `without`")
        return self

    @property
    def view(self) -> str:
        """The view whose rows are members."""
        return self.of

    def scopes(self, columns: Columns) -> Scopes:
        """The customer, and the policy where it is about policies."""
        views = ("policies", "customers") if self.of == "policies" else ("customers",)
        return {view: columns[view] for view in views}

    def belongs(self, columns: Columns, now: datetime) -> tuple[Requirement, ...]:
        """Everything the segment asks."""
        parts = list(self.where_requirements(columns, now))
        if self.holds:
            parts.append(
                Requirement("holds", exp.Exists(this=self._held()), f"an active policy of {self._lines}", text("none"))
            )
        if self.without:
            words = f"no {' or '.join(self.without)} for {self.lately.words}"
            parts.append(Requirement("without", exp.not_(exp.Exists(this=self._had(now))), words, text("there is one")))
        return tuple(parts)

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Who entered, or left."""
        return (self.entering if self.on == "enter" else self.leaving)(columns, now, within)

    def ended_by(self, types: Collection[str]) -> bool:
        """Events a member must be without."""
        return not set(types).isdisjoint(self.without)

    def none_found(self, customer_id: str) -> str:
        """Nothing that could be in the segment."""
        return f"customer {customer_id} has no {'policy' if self.of == 'policies' else 'record'} that could be in the segment"

    def due_words(self, near: Near, now: datetime) -> str:
        """`customer C1 entered the segment 3 hours ago, the campaign waits for 1 day`."""
        verb = "entered" if self.on == "enter" else "left"
        return f"{near.label} {verb} the segment {since(near.instant, now)} ago, {looked_for(self.after)}"

    @property
    def _lines(self) -> str:
        return " or ".join(self.holds)

    def _held(self) -> exp.Select:
        held = exp.alias_(exp.to_table("policies"), "held", table=True)
        return exp.select("1").from_(held).where(
            same(column("held", "customer_id"), self._customer()),
            same(column("held", "status"), text("active")),
            one_of(column("held", "line"), self.holds),
        )  # fmt: skip

    def _had(self, now: datetime) -> exp.Select:
        had = exp.alias_(exp.to_table("events"), "had", table=True)
        at = column("had", "occurred_at")
        return exp.select("1").from_(had).where(
            same(column("had", "customer_id"), self._customer()),
            one_of(column("had", "type"), self.without),
            between(at, instant(self.lately.before(now)), instant(now)),
        )  # fmt: skip
