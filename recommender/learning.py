"""What an offer that was made teaches, by what came of it: declared in kairos.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Learning(BaseModel):
    """How much outcomes of offers count in a fit. A product somebody has, offered or not, counts 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purchased: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="for the product, where it was bought or used after it was offered: this much more",
    )
    clicked: float = Field(default=0.3, ge=0, le=100, description="for the product, where it was looked at and no more")
    refused: float = Field(
        default=0.5, ge=0, le=100, description="against the product, that is for all others, where it was refused"
    )
    ignored: float = Field(
        default=0.05,
        ge=0,
        le=100,
        description="against the product, where nothing came of it before `within_days` had passed",
    )
    within_days: int = Field(
        default=30, ge=1, le=365, description="days in which what happens is an outcome of the offer"
    )
    purchase_events: tuple[str, ...] = Field(
        default=("offer_accepted",),
        description="events that say a product was taken, beside a policy that begins and a service that is used",
    )
    click_events: tuple[str, ...] = Field(default=("offer_clicked",), description="events that say it was looked at")
    refusal_events: tuple[str, ...] = Field(
        default=("offer_refused", "opted_out"),
        description="events that say it was refused; opted_out: no more such messages were wanted after this one",
    )
