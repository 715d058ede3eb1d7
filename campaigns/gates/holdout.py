"""Who is left alone on purpose, so that one can see what the campaign caused."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged
from triggers.sqltext import draw

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket


class Holdout(Gate):
    """A salted hash of the customer, never a dice: the same customer is held out in every run, edit and restart."""

    name = "holdout"
    order = 40
    reasons: ClassVar = {
        "holdout_global": "the customer is in the group that gets nothing but contract notices",
        "holdout_campaign": "the customer is in this campaign's control group",
    }

    def evidence(self, docket: Docket) -> str | None:
        """Two draws in [0, 1): md5 of salt, scope and customer, its first 52 bits (exact in a double)."""
        everyone, own = "$salt || ':global:' || b.customer_id", "$salt || ':' || b.campaign || ':' || b.customer_id"
        return f"select b.place, {draw(everyone)} as holdout_global, {draw(own)} as holdout_campaign from batch b"

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Hold out the lowest draws; contract notices always go."""
        own, everyone = case.campaign.holdout, case.policy.holdout
        if case.campaign.purpose == "contract":
            return judged(table, "contract notices are never held out", [])
        return judged(
            table,
            f"draw >= {own:g} for the campaign and >= {everyone:g} overall",
            [
                (
                    "holdout_global",
                    table["holdout_global"] < everyone,
                    table["holdout_global"].map("{:.6f}".format).to_numpy(object),
                ),
                (
                    "holdout_campaign",
                    table["holdout_campaign"] < own,
                    table["holdout_campaign"].map("{:.6f}".format).to_numpy(object),
                ),
            ],
            Verdict.HOLD_OUT,
            seen=table["holdout_campaign"].map("{:.6f}".format).to_numpy(object),
        )
