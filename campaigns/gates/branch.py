"""Does what became of the last message lead to this step?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket


class Branch(Gate):
    """Ends the campaign where a wait's `unless` has come true, and leaves out a step whose `when` has not."""

    name = "branch"
    order = 15
    reasons: ClassVar = {
        "delivered": "the last message arrived, and the campaign goes no further then",
        "answered": "the customer answered the last message, and the campaign goes no further then",
        "not_taken": "the last message did not fare as this step asks; the next step follows",
    }

    def evidence(self, docket: Docket) -> str | None:
        """State of the moment's last message, and whether it was answered; nothing where nobody asks."""
        if not any(case.campaign.branches for case in docket.cases.values()):
            return None
        return """select b.place, d.state as branch_state, coalesce(d.answered, false) as branch_answered
                    from batch b left join deliveries d using (moment_id)"""

    def rule(self, case: Case) -> str:
        """Whom the step is for, by what became of the last message."""
        asked = [f"only where {case.step.when}"] if case.step.when else []
        asked += [f"not where {ending}" for ending in _endings(case)]
        return "; ".join(asked) or "everybody"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """End, leave out, or go on."""
        import numpy as np

        asking = docket.of(table, lambda case: case.step.when is not None or bool(_endings(case)), bool)
        if not asking.any():
            return judged(table, [], seen="everybody")
        answered = table["branch_answered"].to_numpy(bool)
        fared = {"delivered": (table["branch_state"] == "delivered").to_numpy(bool), "answered": answered}
        state = table["branch_state"].fillna("no message").to_numpy(object)
        seen = np.where(asking, np.where(answered, state + ", answered", state), "everybody").astype(object)
        endings = [
            (ending, fared[ending] & docket.of(table, partial(_ends, ending), bool), seen) for ending in sorted(fared)
        ]
        ends = judged(table, endings, Verdict.RETRACT, seen)
        left_out = np.zeros(len(table), dtype=bool)
        for name, hits in fared.items():
            left_out |= ~hits & docket.of(table, partial(_only, name), bool)
            left_out |= hits & docket.of(table, partial(_only, f"not_{name}"), bool)
        leaves = judged(table, [("not_taken", left_out, seen)], Verdict.SKIP, seen)
        ended = ends.verdict != Verdict.PASS
        verdict = np.where(ended, ends.verdict, leaves.verdict).astype(np.int8)
        return Judgement(verdict, np.where(ended, ends.reason, leaves.reason), seen)


def _endings(case: Case) -> list[str]:
    """What ends the campaign before this step, the goal aside."""
    return sorted(case.campaign.endings_before(case.step.send.key) - {"goal"})


def _ends(ending: str, case: Case) -> bool:
    return ending in _endings(case)


def _only(when: str, case: Case) -> bool:
    return case.step.when == when
