"""Would the gateway take it? Asked of the kind of message here, and of its words once they are rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd


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

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Marketing only where the gateway lets insurers promote."""
        refused = case.campaign.purpose == "marketing" and not case.profile.promotes_insurance
        return judged(
            table,
            f"{case.campaign.purpose} on {case.medium.name}",
            [("promotion_refused", [refused] * len(table), "marketing")],
            seen=case.campaign.purpose,
        )
