"""A campaign as marketing ops write it: whom, when, what, and what for."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from campaigns.policy import Hours, Limit, Purpose, Share
from campaigns.slot import Offers
from campaigns.steps import Ending, SendStep, Step, WaitStep
from campaigns.uplift import Uplift
from campaigns.variants import Variant
from triggers.durations import Span
from triggers.kinds import AnyTrigger

if TYPE_CHECKING:
    from triggers.workdays import Calendar

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class Suits(BaseModel):
    """Whom the campaign suits; everybody else is refused, and so is whoever cannot be told to be one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str | None = Field(
        default=None,
        min_length=1,
        description="the product it is about: its `eligibility` in the catalogue must hold, and the customer not have it",
        examples=["health_medical"],
    )
    age_from: int | None = Field(default=None, ge=0, le=130, description="youngest", examples=[18])
    age_to: int | None = Field(default=None, ge=0, le=130, description="oldest", examples=[60])
    regions: tuple[str, ...] = Field(
        default=(), description="region codes with all below them; everywhere where absent", examples=[["31", "3205"]]
    )
    not_regions: tuple[str, ...] = Field(default=(), description="region codes left out, with all below them")
    where: str = Field(
        default="",
        description="a condition in the language of `eligibility`: age, gender, region_code, tier, tenure_years, holds_<line>",
        examples=["holds_motor and tenure_years >= 1"],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Suits:
        if self.age_from is not None and self.age_to is not None and self.age_from > self.age_to:
            raise ValueError(f"nobody is from {self.age_from} to {self.age_to} | write the younger age first")
        if not self.words:
            raise ValueError(
                "this suits everybody | name a product, ages, regions or a condition, or leave `suits` out"
            )
        return self

    @property
    def words(self) -> str:
        """All of it in a few words."""
        aged = self.age_from is not None or self.age_to is not None
        ages = f"{self.age_from or 0} to {'any age' if self.age_to is None else self.age_to}"
        parts = {
            "eligible for and without ": self.product or "",
            "aged ": ages if aged else "",
            "in ": "/".join(self.regions),
            "not in ": "/".join(self.not_regions),
            "where ": self.where,
        }
        return ", ".join(name + said for name, said in parts.items() if said)


class Rivalry(BaseModel):
    """How a campaign's messages stand against others of the same customer, where the contact policy lets them compete."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority: Literal["high", "normal", "low"] = Field(
        default="normal", description="class before anything else; within it the purposes in their order"
    )
    worth: float | None = Field(
        default=None,
        ge=0,
        description="what reaching the goal is worth, in `currency`; the margin of the best offer where there is one",
        examples=[120],
    )
    lose: Literal["wait", "next", "expire"] | None = Field(
        default=None, description="what losing does; as the contact policy says where absent"
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
    suits: Suits | None = Field(
        default=None, description="whom it suits", examples=[{"product": "health_medical", "age_to": 60}]
    )
    uplift: Uplift | None = Field(
        default=None, description="whom it leaves out because a contact would not help", examples=[{"least": 0.01}]
    )
    arbitrate: Rivalry = Field(
        default=Rivalry(), description="how it stands against other campaigns", examples=[{"priority": "high"}]
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
    variants: tuple[Variant, ...] = Field(
        default=(), description="arms that differ in words, channels, offer or hours, each with its share of customers"
    )
    _as_published: str = PrivateAttr("")
    _arm: str = PrivateAttr("")

    @model_validator(mode="after")
    def _coherent(self) -> Campaign:
        if self.purpose == "contract" and self.holdout:
            raise ValueError("a contract notice cannot be held out | remove `holdout`, or change `purpose`")
        if self.purpose == "contract" and self.budget:
            raise ValueError("a contract notice cannot be held back | remove `budget`, or change `purpose`")
        if self.purpose == "contract" and self.uplift:
            raise ValueError("a contract notice leaves nobody out | remove `uplift`, or change `purpose`")
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

    @model_validator(mode="after")
    def _comparable(self) -> Campaign:
        names = [variant.name for variant in self.variants]
        if len(names) == 1 or len(set(names)) < len(names):
            raise ValueError("arms are compared by name | name two `variants` or more, each once")
        if names and not any(variant.weight for variant in self.variants):
            raise ValueError("no arm takes anybody | give one of the `variants` a weight above 0")
        keys = {step.send.key for step in self.sends}
        for variant in self.variants:
            for key in variant.steps:
                if key not in keys:
                    raise ValueError(f"the arm {variant.name!r} changes {key!r} | steps: {', '.join(sorted(keys))}")
        return self

    @property
    def sends(self) -> tuple[SendStep, ...]:
        """The steps that send, in order."""
        return tuple(step for step in self.steps if isinstance(step, SendStep))

    @property
    def version(self) -> str:
        """Short fingerprint of everything the campaign says."""
        if self._as_published:
            return self._as_published
        body = json.dumps(self.body(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(body.encode()).hexdigest()[:12]

    def body(self) -> dict[str, Any]:
        """Everything the campaign says, defaults included."""
        said = self.model_dump(mode="json", by_alias=True)
        later = ("variants", "uplift")  # fields campaigns published before them have no word of
        return {name: value for name, value in said.items() if value or name not in later}

    @property
    def arm(self) -> str:
        """The arm this is the campaign of; "" for the campaign as it stands."""
        return self._arm

    def in_arm(self, variant: Variant) -> Campaign:
        """The campaign as it is in an arm: steps keep their identity, and the version is the campaign's own."""
        own = self.model_copy(
            update={
                "steps": tuple(_changed(step, variant) for step in self.steps),
                "offers": variant.offers or self.offers,
                "hours": variant.hours or self.hours,
            }
        )
        own._as_published, own._arm = self.version, variant.name
        return own

    def reaching(self, key: str, medium: str) -> Campaign:
        """The campaign, or else the arm of it, in which the send with this key may use this channel. KeyError without the send."""
        arms = [self, *(self.in_arm(variant) for variant in self.variants)]
        return next((each for each in arms if medium in each.send_step(key)[1].send.channels), self)

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


def _changed(step: Step, variant: Variant) -> Step:
    if not isinstance(step, SendStep) or step.send.key not in variant.steps:
        return step
    change = variant.steps[step.send.key]
    said = {"template": change.template, "channels": change.channels}
    update = {"id": step.send.key, **{name: value for name, value in said.items() if value}}
    return step.model_copy(update={"send": step.send.model_copy(update=update)})
