"""Has the customer done it already, or has the occasion itself gone away?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged
from triggers.sqltext import identifier
from triggers.sqltext import text as literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from campaigns.docket import Docket

_REACHED = """
    select b.place, min(e.occurred_at) as reached_at from batch b join events e on e.customer_id = b.customer_id and e.type = b.goal
     where (b.goal_of_subject and e.subject_id in (b.policy_id, b.claim_id) and e.occurred_at >= b.due_at - to_seconds(b.goal_within))
        or (e.occurred_at >= b.due_at
            and (not b.goal_of_subject or e.subject_id is null or (b.policy_id is null and b.claim_id is null)))
     group by 1"""
# A term that renews this one is known from when it was agreed or began, like the events derived from it.
_SUCCEEDED = """
    select e.subject_id as policy_id, min(e.occurred_at) as renewed_at,
           min(s.effective_date) filter (where s.effective_date <= $now::date) as replaced_on
      from events e semi join batch b on b.policy_id = e.subject_id
      left join policies s on e.event_id = 'renewal:' || s.policy_id and s.status <> 'cancelled'
     where e.type = 'policy_renewed' group by 1"""


class Already(Gate):
    """Withdraws moments whose goal is reached or whose policy is renewed, cancelled, or no longer dated as it was."""

    name = "already"
    order = 10
    stands = True
    reasons: ClassVar = {
        "goal_reached": "the customer has already done what the campaign is for",
        "policy_renewed": "the policy is already renewed",
        "policy_replaced": "another policy has taken its place before its end",
        "policy_cancelled": "the policy was cancelled",
        "date_moved": "the date the moment stood on has moved since",
        "gone": "the occasion is gone: what made it one is no longer so",
        "stopped": "the campaign was stopped for good",
        "step_removed": "the campaign no longer has the step this moment was waiting for",
    }

    def constants(self, case: Case) -> Mapping[str, Any]:
        """The goal, whether it must be about the moment's subject, its window in seconds; the date the trigger is about."""
        goal = case.campaign.goal
        return {
            "goal": goal.event if goal else None,
            "goal_of_subject": goal is not None and goal.of == "subject",
            "goal_within": (case.now - goal.within.before(case.now)).total_seconds() if goal else 0.0,
            "dated": case.campaign.trigger.dated,
        }

    def evidence(self, docket: Docket) -> str | None:
        """Goal events after the moment was due, or early ones about its subject; the policy as it is today.

        Early means no earlier than the goal's own window before it: last year's premium does not pay this year's.
        """
        dates = sorted({each.campaign.trigger.dated for each in docket.cases.values() if each.campaign.trigger.dated})
        when = " ".join(f"when {literal(name)} then p.{identifier(name)}::date::varchar" for name in dates)
        return f"""
            select b.place, r.reached_at as already_at, p.status as already_status,
                   {f"case b.dated {when} end" if dates else "null::varchar"} as already_date,
                   n.renewed_at as already_renewed, n.replaced_on < p.expiry_date as already_replaced
              from batch b
              left join ({_REACHED}) r using (place)
              left join ({_SUCCEEDED}) n on n.policy_id = b.policy_id and b.claim_id is null and b.subject not in ('customer')
              left join policies p on p.policy_id = b.policy_id and b.claim_id is null and b.subject not in ('customer')"""

    def rule(self, case: Case) -> str:
        """The goal, where there is one."""
        return f"no {case.campaign.goal.event} yet" if case.campaign.goal else "the occasion still stands"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Retract what is done or gone."""
        at, status, date = table["already_at"], table["already_status"], table["already_date"]
        replaced = table["already_replaced"].fillna(False).astype(bool)
        expires = docket.of(table, lambda case: case.campaign.trigger.dated == "expiry_date", bool)
        renewed = table["already_renewed"].notna() & expires
        moved = date.notna() & (date.astype(object) != table["occasion"].astype(object))
        return judged(
            table,
            [
                ("step_removed", table["step_removed"], table["step"]),
                ("goal_reached", at.notna(), _shown(at)),
                ("policy_renewed", status == "renewed", "status renewed"),
                ("policy_cancelled", status == "cancelled", "status cancelled"),
                ("policy_replaced", replaced, "a policy that renews it has begun"),
                ("policy_renewed", renewed, "a policy renews it"),
                ("date_moved", moved, date.astype(object).to_numpy(object)),
                ("gone", ~table["standing"], table["occasion"].to_numpy(object)),
            ],
            Verdict.RETRACT,
        )


def _shown(at: pd.Series[pd.Timestamp]) -> np.ndarray:
    """Instants as text; most moments have none."""
    import numpy as np

    shown = np.full(len(at), "", dtype=object)
    known = at.notna().to_numpy(bool)
    shown[known] = at[known].astype(object).astype(str).to_numpy(object)
    return shown
