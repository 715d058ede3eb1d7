"""Would the gateway take it? Asked of the kind of message here, and of its words once they are rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket


class Gateway(Gate):
    """The channel's capability profile. `campaigns.compose` gives the content reasons after rendering."""

    name = "gateway"
    order = 70
    scope = "channel"
    reasons: ClassVar = {
        "promotion_refused": "this gateway takes no promotion of insurance",
        "content_refused": "this gateway would refuse the rendered words",
        "template_failed": "the words could not be rendered for this customer",
        "no_offer": "the recommender has nothing this customer may be offered",
    }

    def rule(self, case: Case) -> str:
        """The kind of message."""
        return f"{case.campaign.purpose} on {case.medium.name}"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Marketing only where the gateway lets insurers promote."""
        purpose = docket.of(table, lambda case: case.campaign.purpose)
        refuses = docket.of(table, lambda case: not case.profile.promotes_insurance, bool)
        refused = refuses & (purpose == "marketing")
        return judged(table, [("promotion_refused", refused, "marketing")], seen=purpose)
