"""Is it too late for this? After an outage or a pause the backlog follows the campaign's own rule; nothing bursts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged
from campaigns.windows import home_zone

if TYPE_CHECKING:
    import pandas as pd


class Overdue(Gate):
    """Lets steps expire that come later than the trigger's `max_age` and `late` allow, whatever kept them."""

    name = "overdue"
    order = 12
    reasons: ClassVar = {
        "too_old": "the step was due longer ago than the campaign's `max_age`",
        "not_today": "the step was due on an earlier day, and the campaign skips what is late",
    }

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Expire what is overdue; a step is due once, however often it is held."""
        trigger, zone = case.campaign.trigger, home_zone(case.timezone)
        due = table["step_due_at"].dt.tz_convert(zone)
        now = case.now.astimezone(zone)
        seen = due.dt.strftime("%Y-%m-%d %H:%M").to_numpy(object)
        checks = [("too_old", due < trigger.max_age.before(now), seen)]
        rule = f"overdue by {trigger.max_age.words} at most"
        if trigger.late == "skip":
            checks.append(("not_today", due.dt.date != now.date(), seen))
            rule += ", and due today"
        return judged(table, rule, checks, Verdict.EXPIRE, seen=seen)
