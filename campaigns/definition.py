"""A campaign as marketing ops write it: whom, when, what, and what for."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from campaigns.policy import Hours, Purpose, Share
from channels.contract import MEDIA
from triggers.durations import Span
from triggers.kinds import AnyTrigger

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
TEMPLATE = r"^[a-z][a-z0-9_]*$"


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


class Send(BaseModel):
    """Words and the channels for them, best first: the first one that may and can be used is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str = Field(pattern=TEMPLATE, description="name of the template", examples=["motor_renewal"])
    channels: tuple[str, ...] = Field(
        min_length=1, description=f"of {', '.join(MEDIA)}; best first", examples=[["push", "sms"]]
    )
    id: str = Field(
        default="", description="name of the step, kept when the template changes; the template's name where absent"
    )

    @field_validator("channels")
    @classmethod
    def _known(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        for channel in channels:
            if channel not in MEDIA:
                raise ValueError(f"unknown channel {channel!r} | known: {', '.join(MEDIA)}")
        if len(set(channels)) < len(channels):
            raise ValueError("a channel stands here twice | name each channel once")
        return channels

    @property
    def key(self) -> str:
        """The step's identity: editing around it never makes it another step."""
        return self.id or self.template


class SendStep(BaseModel):
    """A step that sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    send: Send = Field(description="what to send and how")


class WaitStep(BaseModel):
    """A step that waits, and may end the campaign for those who reached the goal meanwhile."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait: Span = Field(description="how long", examples=["14d"])
    unless: Literal["goal"] | None = Field(default=None, description="`goal`: go on only where it is not reached")


def _step_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "wait" if "wait" in value else "send"
    return "wait" if isinstance(value, WaitStep) else "send"


Step = Annotated[Annotated[SendStep, Tag("send")] | Annotated[WaitStep, Tag("wait")], Discriminator(_step_kind)]


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
        keys = [step.send.key for step in self.steps if isinstance(step, SendStep)]
        if len(set(keys)) < len(keys):
            raise ValueError("two steps have the same identity | give one of them an `id:`")
        if not isinstance(self.steps[0], SendStep):
            raise ValueError("the first step must send | use the trigger's offset or delay to wait first")
        if isinstance(self.steps[-1], WaitStep):
            raise ValueError("the last step waits for nothing | remove it, or add a step that sends")
        if any(isinstance(step, WaitStep) and step.unless == "goal" for step in self.steps) and not self.goal:
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

    def after(self, key: str, now: datetime) -> tuple[str, datetime] | None:
        """Key of the send that follows the one with this key, and when it is due; None where that was the last."""
        index, _ = self.send_step(key)
        due = now
        for step in self.steps[index + 1 :]:
            if isinstance(step, SendStep):
                return step.send.key, due
            due = step.wait.after(due)
        return None
