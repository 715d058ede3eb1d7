"""Would a contact help this customer, or rather put them off?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged
from triggers.sqltext import draw

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket
    from campaigns.uplift import Uplift as ByUplift

_KEY = "$salt || ':explore:' || b.campaign || ':' || b.customer_id"


class Uplift(Gate):
    """What a contact adds to the probability of the goal, as the view `uplift` has it: uplift, times propensity where given.

    Asked before the holdout is drawn, so that both groups hold only people one would contact. A share of those it would
    leave out, by a salted hash of the customer, goes on all the same: without them nobody would ever see it is wrong.
    """

    name = "uplift"
    order = 37
    reasons: ClassVar = {
        "put_off": "a contact would do less for the customer than the campaign asks for, or put them off",
        "not_known": "nothing is known of what a contact does to the customer, and the campaign leaves such people out",
    }

    def applies(self, case: Case) -> bool:
        """Where the campaign leaves people out by their uplift."""
        return case.campaign.uplift is not None

    def constants(self, case: Case) -> Mapping[str, Any]:
        """The model that counts."""
        rule = case.campaign.uplift
        return {"uplift_model": (rule.model or "") if rule else ""}

    def evidence(self, docket: Docket) -> str | None:
        """What the view says of the customer; of several rows the greatest; nothing of whoever refused personalisation."""
        return f"""
            select b.place, any_value({draw(_KEY)}) as uplift_draw,
                   max(u.uplift * coalesce(u.propensity, 1)) filter (coalesce(c.personalisation, true)) as uplift_adds
              from batch b left join customers c on c.customer_id = b.customer_id
              left join uplift u on u.customer_id = b.customer_id and u.campaign = b.campaign
                   and (b.uplift_model = '' or u.model = b.uplift_model or starts_with(u.model, b.uplift_model || '@'))
             group by b.place"""

    def rule(self, case: Case) -> str:
        """What a contact must add."""
        return _asked(case).words

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Refuse whom a contact does too little for."""
        import numpy as np

        adds = table["uplift_adds"].to_numpy(float, na_value=np.nan)
        explores = docket.of(table, lambda case: _asked(case).explore, float)
        least = docket.of(table, lambda case: _asked(case).least, float)
        leaves_out = docket.of(table, lambda case: _asked(case).unknown == "leave_out", bool)
        known, explored = ~np.isnan(adds), table["uplift_draw"].to_numpy(float) < explores
        told = np.array([f"{each:+.4f}" for each in adds], dtype=object)
        seen = np.where(known, told, "not known").astype(object)
        little, unknown = known & (adds < least), ~known & leaves_out
        shown = np.where((little | unknown) & explored, seen + ", explored", seen).astype(object)
        checks = [("put_off", little & ~explored, seen), ("not_known", unknown & ~explored, seen)]
        return judged(table, checks, seen=shown)


def _asked(case: Case) -> ByUplift:
    """What the campaign asks of the uplift; `applies` has seen that it does."""
    rule = case.campaign.uplift
    assert rule is not None  # noqa: S101
    return rule
