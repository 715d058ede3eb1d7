"""How messages are handed over, as kairos.yaml says under `delivery`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from triggers.durations import Span


class Delivery(BaseModel):
    """How messages are handed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(
        default=5, ge=1, description="how often a temporary error is tried again before the message fails"
    )
    settle_seconds: float = Field(
        default=120, ge=0, description="how long after a lost answer a provider's 'never seen' is believed"
    )
    reconcile_within: Span = Field(
        default="24h",
        validate_default=True,
        description="how long to ask a provider that cannot say; then marketing is given up and the rest sent again",
    )
