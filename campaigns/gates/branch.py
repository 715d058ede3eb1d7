"""Does what became of the last message lead to this step?"""

from __future__ import annotations

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

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """End, leave out, or go on."""
        endings, when = case.campaign.endings_before(case.step.send.key) - {"goal"}, case.step.when
        if not endings and when is None:
            return judged(table, "everybody", [], seen="everybody")
        import numpy as np

        fared = {"delivered": table["branch_state"] == "delivered", "answered": table["branch_answered"]}
        state = table["branch_state"].fillna("no message").to_numpy(object)
        seen = np.where(fared["answered"], state + ", answered", state).astype(object)
        ends = judged(table, "", [(ending, fared[ending], seen) for ending in sorted(endings)], Verdict.RETRACT, seen)
        taken = fared[when.removeprefix("not_")] != when.startswith("not_") if when else np.ones(len(table), bool)
        leaves = judged(table, "", [("not_taken", ~np.asarray(taken, bool), seen)], Verdict.SKIP, seen)
        ended = ends.verdict != Verdict.PASS
        asked = [f"only where {when}"] if when else []
        asked += [f"not where {ending}" for ending in sorted(endings)]
        return Judgement(
            np.where(ended, ends.verdict, leaves.verdict).astype(np.int8),
            np.where(ended, ends.reason, leaves.reason),
            seen,
            "; ".join(asked),
        )
