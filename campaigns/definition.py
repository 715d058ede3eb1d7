"""A campaign as marketing ops write it: whom, when, what, and what for."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from campaigns.policy import Hours, Limit, Purpose, Share
from campaigns.steps import Ending, SendStep, Step, WaitStep
from triggers.durations import Span
from triggers.kinds import AnyTrigger

if TYPE_CHECKING:
    from triggers.workdays import Calendar

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class Offers(BaseModel):
    """A slot the recommender fills; a customer for whom nothing fits gets no message."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["insurance", "service"] = Field(description="what to offer", examples=["service"])
    top: int = Field(default=1, ge=1, le=10, description="how many offers", examples=[1])
    line: str | None = Field(default=None, description="only of this line of business", examples=["motor"])
    only: tuple[str, ...] = Field(
        default=(), description="product ids to choose from; all of the kind where absent", examples=[["roadside_help"]]
    )


class Goal(BaseModel):
    """What success is: an event of this type within this time after the moment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: str = Field(
        min_length=1,
        description="type of the event, also derived ones such as policy_renewed",
        examples=["policy_renewed"],
    )
    within: Span = Field(description="in how long after the moment", examples=["75d"])
    of: Literal["subject", "customer"] = Field(
        default="subject",
        description="`subject`: an event about the moment's policy or claim, or about nothing named; `customer`: any of the customer's",
    )


class Campaign(BaseModel):
    """One campaign file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=NAME,
        description="identity of the campaign, for ever; same as the file's name",
        examples=["motor-renewal"],
    )
    title: dict[str, str] = Field(
        min_length=1, description="name people read, per language", examples=[{"en": "Motor renewal reminder"}]
    )
    purpose: Purpose = Field(
        description="contract (must know), service (about what they have), care (kindness), marketing (selling)"
    )
    trigger: AnyTrigger = Field(description="when there is a moment")
    offers: Offers | None = Field(default=None, description="a slot the recommender fills")
    goal: Goal | None = Field(default=None, description="what success is")
    holdout: Share = Field(
        default=0.0, description="share of customers held out to measure the effect", examples=["10%"]
    )
    hours: Hours | None = Field(default=None, description="local hours; the insurer's where absent, never wider")
    cap: Literal["drop", "hold", "next"] = Field(
        default="next",
        description="what a met cap does: drop the message, hold it until there is room, or try the next channel",
    )
    budget: Limit | None = Field(
        default=None, description="daily limits of this campaign, over all its channels", examples=[{"volume": 5000}]
    )
    valid_for: Span = Field(
        default="3d",
        validate_default=True,
        description="how long after it was due a message still makes sense",
        examples=["3d"],
    )
    enabled: bool = Field(default=True, description="false = known, but not run")
    steps: tuple[Step, ...] = Field(min_length=1, description="what happens, in order")

    @model_validator(mode="after")
    def _coherent(self) -> Campaign:
        if self.purpose == "contract" and self.holdout:
            raise ValueError("a contract notice cannot be held out | remove `holdout`, or change `purpose`")
        if self.purpose == "contract" and self.budget:
            raise ValueError("a contract notice cannot be held back | remove `budget`, or change `purpose`")
        keys = [step.send.key for step in self.steps if isinstance(step, SendStep)]
        if len(set(keys)) < len(keys):
            raise ValueError("two steps have the same identity | give one of them an `id:`")
        if not isinstance(self.steps[0], SendStep):
            raise ValueError("the first step must send | use the trigger's offset or delay to wait first")
        if isinstance(self.steps[-1], WaitStep):
            raise ValueError("the last step waits for nothing | remove it, or add a step that sends")
        if self.steps[0].when:
            raise ValueError("nothing went out before the first step | remove its `when:`")
        if any(isinstance(step, WaitStep) and "goal" in step.unless for step in self.steps) and not self.goal:
            raise ValueError("`unless: goal` needs a goal | add `goal: {event: ..., within: ...}`")
        return self

    @property
    def sends(self) -> tuple[SendStep, ...]:
        """The steps that send, in order."""
        return tuple(step for step in self.steps if isinstance(step, SendStep))

    @property
    def version(self) -> str:
        """Short fingerprint of everything the campaign says."""
        body = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()[:12]

    def send_step(self, key: str) -> tuple[int, SendStep]:
        """Index in `steps` and step of the send with this key; KeyError where an edit took it away."""
        for index, step in enumerate(self.steps):
            if isinstance(step, SendStep) and step.send.key == key:
                return index, step
        raise KeyError(key)

    def endings_before(self, key: str) -> frozenset[Ending]:
        """What ends the campaign instead of the send with this key: `unless` of the waits just before it."""
        index, _ = self.send_step(key)
        found: set[Ending] = set()
        for step in reversed(self.steps[:index]):
            if isinstance(step, SendStep):
                break
            found |= set(step.unless)
        return frozenset(found)

    @property
    def branches(self) -> bool:
        """Whether what became of a message decides how the campaign goes on."""
        endings = {ending for step in self.steps if isinstance(step, WaitStep) for ending in step.unless}
        return any(step.when for step in self.sends) or bool(endings - {"goal"})

    def after(self, key: str, now: datetime, calendar: Calendar | None = None) -> tuple[str, datetime] | None:
        """Key of the send that follows the one with this key, and when it is due; None where that was the last.

        ValueError where a step waits for working days and there is no calendar.
        """
        index, _ = self.send_step(key)
        due = now
        for step in self.steps[index + 1 :]:
            if isinstance(step, SendStep):
                return step.send.key, due
            due = step.wait.after(due, calendar)
        return None
