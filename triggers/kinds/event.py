"""An event arrived or a claim reached a state; after a delay, unless something else came meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from triggers.candidates import Candidates
from triggers.condition_faults import Scopes
from triggers.durations import WorkingSpan
from triggers.lateness import Reach
from triggers.occurrences import Occurrence, claims_reaching, events_of
from triggers.trigger import Columns, Near, Trigger
from triggers.types import ClaimStates, EventTypes
from triggers.words import since, waits


class EventTrigger(Trigger):
    """An event of a type arrived, or (`of: claims`) a claim reached a state, `after` a delay.

    Events: the occasion is the event. Claims: the occasion is the state and the local day it was reached, and only
    the state a claim is in now is seen. `unless` names events that, arriving by the time it is due and not about
    something else, make it void. `late: nearest` keeps the last due of each claim or policy, else of the customer.
    """

    due_path: ClassVar[str] = "after"

    kind: Literal["event"]
    of: Literal["events", "claims"] = Field(
        default="events", description="events that arrive, or states that claims reach", examples=["claims"]
    )
    type: EventTypes = Field(
        default=(), description="type or types of the event", examples=["payment_failed", ["app_login", "call"]]
    )
    status: ClaimStates = Field(
        default=(), description="states of the claim (with `of: claims`)", examples=[["accepted", "paid"]]
    )
    after: WorkingSpan = Field(
        default="0d", validate_default=True, description="how long after it the moment is due", examples=["1d", "3wd"]
    )
    unless: EventTypes = Field(
        default=(),
        description="types of events that make it void when they come meanwhile",
        examples=["payment_received"],
    )

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if self.of == "events" and (not self.type or self.status):
            raise ValueError("a trigger on events names their `type`, and no `status`")
        if self.of == "claims" and (not self.status or self.type):
            raise ValueError("a trigger on claims names their `status`, and no `type`")
        return self

    def scopes(self, columns: Columns) -> Scopes:
        """The event or claim, and what it is about."""
        views = (
            ("events", "claims", "policies", "customers")
            if self.of == "events"
            else ("claims", "policies", "customers")
        )
        return {view: columns[view] for view in views}

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Occurrences with their due time; void ones are left out."""
        found = self._occurrence().due_after(self.after, within)
        requirements = self.where_requirements(columns, now)
        if self.unless:
            requirements += (self._occurrence().unanswered(self.unless, found.due, "unless"),)
        return replace(found, requirements=requirements)

    def begun_by(self, types: Collection[str]) -> bool:
        """Events of the types it is about."""
        return not set(types).isdisjoint(self.type)

    def ended_by(self, types: Collection[str]) -> bool:
        """Events that make it void."""
        return not set(types).isdisjoint(self.unless)

    def none_found(self, customer_id: str) -> str:
        """No such event or claim."""
        if self.of == "events":
            return f"customer {customer_id} has no event of type {' or '.join(self.type)}"
        return f"customer {customer_id} has no claim that is {' or '.join(self.status)}"

    def due_words(self, near: Near, now: datetime) -> str:
        """`event E1 of type call was 3 hours ago, the campaign waits for 1 day`."""
        return f"{near.label} was {since(near.instant, now)} ago, the campaign {waits(self.after)}"

    def _occurrence(self) -> Occurrence:
        return events_of(self.type) if self.of == "events" else claims_reaching(self.status)
