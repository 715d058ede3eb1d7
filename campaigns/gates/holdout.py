"""Who is left alone on purpose, so that one can see what the campaign caused."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged
from triggers.sqltext import draw

if TYPE_CHECKING:
    import numpy as np
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

    def rule(self, case: Case) -> str:
        """The shares held out."""
        if case.campaign.purpose == "contract":
            return "contract notices are never held out"
        return f"draw >= {case.campaign.holdout:g} for the campaign and >= {case.policy.holdout:g} overall"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Hold out the lowest draws; contract notices always go."""
        import numpy as np

        drawn = docket.of(table, lambda case: case.campaign.purpose != "contract", bool)
        of_all, own = table["holdout_global"].to_numpy(float), table["holdout_campaign"].to_numpy(float)
        out_of_all = drawn & (of_all < docket.policy.holdout)
        out = drawn & (own < docket.of(table, lambda case: case.campaign.holdout, float))
        seen = np.where(drawn, _shown(own), "").astype(object)
        checks = [("holdout_global", out_of_all, _shown(of_all)), ("holdout_campaign", out, seen)]
        return judged(table, checks, Verdict.HOLD_OUT, seen)


def _shown(draws: np.ndarray) -> np.ndarray:
    """Draws as text, to six digits."""
    import numpy as np

    return np.array([f"{each:.6f}" for each in draws.tolist()], dtype=object)
