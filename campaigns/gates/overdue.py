"""Is it too late for this? After an outage or a pause the backlog follows the campaign's own rule; nothing bursts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged
from campaigns.windows import home_zone, in_utc

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket


class Overdue(Gate):
    """Lets steps expire that come later than the trigger's `max_age` and `late` allow, whatever kept them."""

    name = "overdue"
    order = 12
    reasons: ClassVar = {
        "too_old": "the step was due longer ago than the campaign's `max_age`",
        "not_today": "the step was due on an earlier day, and the campaign skips what is late",
    }

    def rule(self, case: Case) -> str:
        """How late is too late."""
        trigger = case.campaign.trigger
        return f"overdue by {trigger.max_age.words} at most{', and due today' if trigger.late == 'skip' else ''}"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Expire what is overdue; a step is due once, however often it is held."""
        import numpy as np
        import pandas as pd

        zone = home_zone(docket.timezone)
        now = docket.now.astimezone(zone)
        codes, distinct = pd.factorize(table["step_due_at"].dt.tz_convert(zone))
        seen = distinct.strftime("%Y-%m-%d %H:%M").to_numpy(object)[codes]
        today = np.asarray(distinct.date == now.date(), dtype=bool)[codes]
        oldest = docket.of(table, lambda case: in_utc(case.campaign.trigger.max_age.before(now)), "datetime64[us]")
        skips = docket.of(table, lambda case: case.campaign.trigger.late == "skip", bool)
        due = distinct.tz_convert(None).to_numpy("datetime64[us]")[codes]
        return judged(
            table, [("too_old", due < oldest, seen), ("not_today", skips & ~today, seen)], Verdict.EXPIRE, seen
        )
