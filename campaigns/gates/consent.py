"""May we write to this customer, for this purpose, on this channel? In doubt: no."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd


class Consent(Gate):
    """Reads the insurer's consent records and the opt-outs Kairos itself was told of."""

    name = "consent"
    order = 20
    scope = "channel"
    stands = True
    reasons: ClassVar = {
        "opted_out": "the customer told us to stop",
        "consent_refused": "the customer's latest word on this purpose and channel is no",
        "no_consent": "this purpose needs a yes, and there is none on record",
    }

    def evidence(self, case: Case) -> str | None:
        """The latest word per (purpose, channel) that covers this one, wildcards included; and opt-outs."""
        return """
            with latest as (
                select c.customer_id, c.purpose, c.channel, max_by(c.granted, (c."at", not c.granted)) as granted
                  from consents c semi join batch b on b.customer_id = c.customer_id
                 where c.purpose in ($purpose, '*') and c.channel in ($medium, '*') group by all),
            word as (select customer_id, bool_and(granted) as granted from latest group by 1),
            stopped as (select customer_id, min(o."at") as stopped_at from opt_outs o
                         where purpose in ($purpose, '*') and medium in ($medium, '*') group by 1)
            select b.moment_id, w.granted as consent_granted, s.stopped_at as consent_stopped
              from batch b left join word w using (customer_id) left join stopped s using (customer_id)"""

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Opt-outs first, then the records, by the rule of the purpose."""
        rule = getattr(case.policy.consent, case.campaign.purpose)
        granted, stopped = table["consent_granted"], table["consent_stopped"]
        asked = f"{case.campaign.purpose} on {case.medium.name}: {rule}"
        if rule == "not_required":
            return judged(table, asked, [], seen="not required")
        refused = granted.notna() & (granted == False)  # noqa: E712 - three-valued
        checks = [
            ("opted_out", stopped.notna(), stopped.astype(str).to_numpy(object)),
            ("consent_refused", refused, "no"),
        ]
        if rule == "opt_in":
            checks.append(("no_consent", granted.isna(), "nothing on record"))
        return judged(
            table,
            asked,
            checks,
            seen=granted.map({True: "yes", False: "no"}).fillna("nothing on record").to_numpy(object),
        )
