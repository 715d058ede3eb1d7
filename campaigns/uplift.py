"""Whom a campaign leaves out because a contact would not help, or would put them off."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from campaigns.policy import Share


class Uplift(BaseModel):
    """Whom the campaign leaves out by the view `uplift`: those a contact would do less for than `least`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: float = Field(
        default=0.0,
        ge=-1,
        le=1,
        description="least that a contact must add to the probability of the goal; 0 leaves out those it would put off",
        examples=[0.01],
    )
    model: str | None = Field(
        default=None,
        min_length=1,
        description="only what this model says (column `model` of the view, any of its versions); whatever is there where absent",
        examples=["renewal-call"],
    )
    unknown: Literal["send", "leave_out"] = Field(
        default="send", description="what happens to customers of whom nothing is known, or who refused personalisation"
    )
    explore: Share = Field(
        default=0.0,
        description="share of those it would leave out who are contacted all the same, so that one can see whether it is right",
        examples=["5%"],
    )

    @property
    def words(self) -> str:
        """All of it in a few words."""
        said = f"a contact adds at least {self.least:g}"
        return (
            said
            + (f" by {self.model}" if self.model else "")
            + (f", {self.explore:.3g} explored" if self.explore else "")
        )
