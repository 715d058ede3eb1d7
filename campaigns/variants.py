"""Arms of an experiment: what differs in each, and the share of customers it gets."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from campaigns.media import Channels
from campaigns.policy import Hours
from campaigns.slot import Offers
from campaigns.steps import TEMPLATE

ARM = r"^[a-z][a-z0-9_]*$"


class Change(BaseModel):
    """What an arm does otherwise in one step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str = Field(
        default="", pattern=TEMPLATE + "|^$", description="other words", examples=["motor_renewal_short"]
    )
    channels: Channels = Field(default=(), description="other channels, best first", examples=[["sms"]])


class Variant(BaseModel):
    """One arm: its share, and what it does otherwise. An arm that changes nothing is the campaign as it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=ARM, description="name of the arm, kept for ever", examples=["short"])
    weight: float = Field(
        default=1.0, ge=0, description="share among the arms' weights; 0 takes nobody new", examples=[1]
    )
    steps: dict[str, Change] = Field(
        default_factory=dict,
        description="step (its `id`, else its template) -> other template or channels",
        examples=[{"motor_renewal": {"template": "motor_renewal_short"}}],
    )
    offers: Offers | None = Field(default=None, description="another slot for the recommender")
    hours: Hours | None = Field(default=None, description="other local hours")
