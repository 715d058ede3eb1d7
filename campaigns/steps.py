"""The steps of a campaign: send, wait, and what became of the last message decides how it goes on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from campaigns.media import Channels
from channels.contract import MEDIA
from channels.tasks import Priority
from triggers.durations import WorkingSpan

TEMPLATE = r"^[a-z][a-z0-9_]*$"

Branch = Literal["delivered", "not_delivered", "answered", "not_answered"]
"""What became of the last message that went out: whether it arrived, whether the customer answered."""

Ending = Literal["goal", "delivered", "answered"]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Endings = Annotated[tuple[Ending, ...], BeforeValidator(_listed, json_schema_input_type=Ending | tuple[Ending, ...])]
"""One reason to go no further or several; a single one may be written without brackets."""


class Send(BaseModel):
    """Words and the channels for them, best first: the first one that may and can be used is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str = Field(pattern=TEMPLATE, description="name of the template", examples=["motor_renewal"])
    channels: Channels = Field(
        min_length=1, description=f"of {', '.join(MEDIA)}; best first", examples=[["push", "sms"]]
    )
    general: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_]*)?$",
        description="marketing: template for those who refused personalisation; the template's name with `_general` where absent",
    )
    id: str = Field(
        default="", description="name of the step, kept when the template changes; the template's name where absent"
    )
    due: WorkingSpan | None = Field(
        default=None,
        description="agent tasks: in how long it must be done, from when it may be begun",
        examples=["2d", "1wd"],
    )
    priority: Priority | None = Field(
        default=None,
        description="agent tasks: how urgent; `urgent` for contract notices and `normal` for others where absent",
        examples=["high"],
    )

    @field_validator("channels")
    @classmethod
    def _once(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(channels)) < len(channels):
            raise ValueError("a channel stands here twice | name each channel once")
        return channels

    @model_validator(mode="after")
    def _for_agents(self) -> Send:
        if (self.due or self.priority) and "agent_task" not in self.channels:
            raise ValueError("`due` and `priority` are for agent tasks | add agent_task to `channels`, or remove them")
        return self

    def words(self, *, personal: bool) -> str:
        """Name of the template: the general one for those who refused personalisation."""
        return self.template if personal else self.general or f"{self.template}_general"

    @property
    def key(self) -> str:
        """The step's identity: editing around it never makes it another step."""
        return self.id or self.template


class SendStep(BaseModel):
    """A step that sends, to everybody who came so far or only where the last message fared as `when` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    send: Send = Field(description="what to send and how")
    when: Branch | None = Field(
        default=None,
        description="only where this became of the last message that went out; others go on to the next step",
        examples=["not_answered"],
    )


class WaitStep(BaseModel):
    """A step that waits, and may end the campaign for those who reached the goal, got the message or answered it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait: WorkingSpan = Field(description="how long", examples=["14d", "3wd"])
    unless: Endings = Field(
        default=(),
        description="the campaign ends here where the goal is reached, or the last message was delivered or answered",
        examples=["goal", ["goal", "answered"]],
    )


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "wait" if "wait" in value else "send"
    return "wait" if isinstance(value, WaitStep) else "send"


Step = Annotated[Annotated[SendStep, Tag("send")] | Annotated[WaitStep, Tag("wait")], Discriminator(_kind)]
"""Any step, told apart by its key."""
