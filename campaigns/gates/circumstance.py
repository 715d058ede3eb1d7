"""Is this a time to leave the customer alone?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket

_CLAIMS = """(select c.* from claims c semi join batch b using (customer_id) union all by name
              select c.* replace (p.customer_id as customer_id)
                from claims c join policies p using (policy_id) semi join batch b on b.customer_id = p.customer_id
               where c.customer_id is null)"""  # a claim that names nobody is the policyholder's
# Each finds customer_id and what was seen; of what arrived some may lie ahead of now. An alert that names no end is taken to last a week.
_EVIDENCE = {
    "open_claim": f"""
        select customer_id, min_by(claim_id || ' ' || status, reported_at) as seen
          from (select c.* replace (case when c.updated_at > $now then 'reported' else c.status end as status)
                  from {_CLAIMS} c)
         where status in ('reported', 'accepted', 'in_review', 'awaiting_documents', 'approved') group by 1""",
    "denied_claim": f"""
        select c.customer_id, max_by(c.claim_id || ' denied', c.updated_at) as seen
          from {_CLAIMS} c
         where c.status = 'denied' and c.updated_at > $denied_since and c.updated_at <= $now group by 1""",
    "open_complaint": """
        select c.customer_id, min(c.complaint_id) as seen
          from complaints c semi join batch b using (customer_id) where coalesce(c.closed_at > $now, true) group by 1""",
    "bereavement": """
        select e.customer_id, max(e.occurred_at)::varchar as seen
          from events e semi join batch b using (customer_id)
         where e.type = 'bereavement' and e.occurred_at > $bereaved_since group by 1""",
    "disaster": """select r.customer_id, min(a.event || ' ' || a.alert_id) as seen
                     from (select c.customer_id, c.region_code from customers c semi join batch b using (customer_id)
                           union all
                           select p.customer_id, p.insured_region_code from policies p semi join batch b using (customer_id)
                            where p.status = 'active' and coalesce(p.effective_date <= $now::date, true)
                              and coalesce(p.expiry_date >= $now::date, true)) r
                     join alert_cover v on v.region_code = r.region_code
                     join alerts a on a.alert_id = v.alert_id
                    where a.status = 'active' and a.effective_at <= $now and coalesce(a.expires_at, a.effective_at + interval 7 day) > $now
                    group by 1""",
    "deceased": """select c.customer_id, c.deceased_on::varchar as seen from customers c semi join batch b using (customer_id)
                    where c.deceased_on <= $now::date""",
}


class Circumstance(Gate):
    """No selling after a denied claim, during a complaint, in mourning, or under a typhoon; care and contract notices pass."""

    name = "circumstance"
    order = 30
    stands = True
    reasons: ClassVar = {
        "open_claim": "a claim is open",
        "denied_claim": "a claim was denied recently",
        "open_complaint": "a complaint is open",
        "bereavement": "there was a death in the family recently",
        "disaster": "a disaster alert is in force where the customer lives or insures something",
        "deceased": "the customer has died",
    }

    def evidence(self, docket: Docket) -> str | None:
        """One column a circumstance that matters for any of the purposes, holding what was found."""
        kinds = sorted({kind for case in docket.cases.values() for kind in _silencing(case)})
        joins = " ".join(
            f"left join ({_EVIDENCE[kind]}) {kind} on {kind}.customer_id = b.customer_id" for kind in kinds
        )
        columns = "".join(f", {kind}.seen as circumstance_{kind}" for kind in kinds)
        return f"select b.place{columns} from batch b {joins}" if kinds else None

    def parameters(self, docket: Docket) -> Mapping[str, Any]:
        """Since when a denied claim or a bereavement counts."""
        rules = docket.policy.circumstances
        return {
            "denied_since": rules.denied_claim_within.before(docket.now),
            "bereaved_since": rules.bereavement_within.before(docket.now),
        }

    def rule(self, case: Case) -> str:
        """What silences the purpose."""
        return f"{case.campaign.purpose}: not under {', '.join(_silencing(case)) or 'any circumstance'}"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Refuse in the circumstances the policy names for the purpose, in its order."""
        kinds = {case.campaign.purpose: _silencing(case) for case in docket.cases.values()}
        purpose = docket.of(table, lambda case: case.campaign.purpose)
        found = {
            kind: (table[f"circumstance_{kind}"].notna().to_numpy(bool), table[f"circumstance_{kind}"].to_numpy(object))
            for kind in sorted(set().union(*kinds.values()))
        }
        checks = [
            (kind, found[kind][0] & (purpose == name), found[kind][1])
            for name, silencing in kinds.items()
            for kind in silencing
            if found[kind][0].any()
        ]
        return judged(table, checks, seen="none")


def _silencing(case: Case) -> tuple[str, ...]:
    """The circumstances in which nothing of the case's purpose goes."""
    kinds: tuple[str, ...] = getattr(case.policy.circumstances, case.campaign.purpose)
    return kinds
