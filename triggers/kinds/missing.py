"""Something that should have followed has not: a quote without a purchase, a claim that waits for documents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triggers.candidates import Candidates
from triggers.condition_faults import Scopes
from triggers.durations import WorkingSpan
from triggers.lateness import Reach
from triggers.occurrences import Occurrence, claims_reaching, events_of
from triggers.terms import instant
from triggers.trigger import Columns, Near, Trigger
from triggers.types import ClaimStates, EventTypes
from triggers.words import since, waits


class Beginning(BaseModel):
    """What began the wait: an event, or a state a claim has reached. Exactly one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: EventTypes = Field(default=(), description="type or types of the event", examples=["quote_started"])
    claim_status: ClaimStates = Field(default=(), description="state of the claim", examples=["awaiting_documents"])

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.event) == bool(self.claim_status):
            raise ValueError("name either `event` or `claim_status`")
        return self


class MissingTrigger(Trigger):
    """The wait that `after` began has lasted `for` so long, and nothing of what was `expected` has come to this day.

    A claim that has left the state is no longer waiting; `expected` may name events (an upload, say) that end its wait
    as well. What comes after the moment was due but before it is looked at still counts as having come.
    """

    due_path: ClassVar[str] = "for"

    kind: Literal["missing"]
    after: Beginning = Field(
        description="what began the wait", examples=[{"event": "quote_started"}, {"claim_status": "awaiting_documents"}]
    )
    wait: WorkingSpan = Field(alias="for", description="how long to wait for it", examples=["24h", "2d", "3wd"])
    expected: EventTypes = Field(
        default=(), description="types of events that should have followed", examples=["policy_bought"]
    )

    @model_validator(mode="after")
    def _something_expected(self) -> Self:
        if self.after.event and not self.expected:
            raise ValueError("name the events that were `expected` to follow")
        return self

    def scopes(self, columns: Columns) -> Scopes:
        """The event or claim, and what it is about."""
        about = ("claims", "policies", "customers")
        return {view: columns[view] for view in (("events", *about) if self.after.event else about)}

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Waits that nothing has ended."""
        begun = self._begun()
        requirements = self.where_requirements(columns, now)
        if self.expected:
            requirements += (begun.unanswered(self.expected, instant(now), "expected"),)
        return replace(begun.due_after(self.wait, within), requirements=requirements)

    def begun_by(self, types: Collection[str]) -> bool:
        """Events that begin the wait."""
        return not set(types).isdisjoint(self.after.event)

    def ended_by(self, types: Collection[str]) -> bool:
        """Events that were expected."""
        return not set(types).isdisjoint(self.expected)

    def none_found(self, customer_id: str) -> str:
        """Nothing began a wait."""
        if self.after.event:
            return f"customer {customer_id} has no event of type {' or '.join(self.after.event)}"
        return f"customer {customer_id} has no claim that is {' or '.join(self.after.claim_status)}"

    def due_words(self, near: Near, now: datetime) -> str:
        """`claim L1, now awaiting_documents has waited 30 hours, the campaign waits for 2 days`."""
        return f"{near.label} has waited {since(near.instant, now)}, the campaign {waits(self.wait)}"

    def _begun(self) -> Occurrence:
        return events_of(self.after.event) if self.after.event else claims_reaching(self.after.claim_status)
