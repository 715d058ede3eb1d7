"""When may the message arrive? Sets the send time; drops nothing that still has a decent hour before it expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged
from campaigns.windows import Interval, home_zone, hours_for, next_window, zone_of

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket


class Hours(Gate):
    """One look at the calendar per zone, not per customer: `now` is the same for all."""

    name = "hours"
    order = 60
    scope = "channel"
    reasons: ClassVar = {"no_window": "no allowed hour is left before the message would be too late"}

    def evidence(self, docket: Docket) -> str | None:
        """When an alert that is the occasion ends."""
        return """select b.place, a.expires_at as hours_until
                    from batch b left join alerts a on a.alert_id = b.alert_id and b.occasion = b.alert_id"""

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Give each row the next window of its zone, or let it expire."""
        import numpy as np
        import pandas as pd

        codes, names = pd.factorize(table["timezone"].astype(object).where(table["timezone"].notna(), ""))
        windows = [self._window(name, case) or (None, None) for name in names]
        limit = case.campaign.valid_for.after(case.now)
        starts, ends = (
            pd.to_datetime(pd.Series([window[side] for window in windows], dtype=object), utc=True)
            .take(codes)
            .set_axis(table.index)
            for side in (0, 1)
        )
        expires = table["hours_until"].dt.tz_convert("UTC").fillna(limit).clip(upper=limit)
        late = (starts.isna() | (starts >= expires)).to_numpy()
        seen = np.array([name or case.timezone for name in names], dtype=object)[codes]
        rule = " and ".join(
            f"{rule.opens:%H:%M}-{rule.closes:%H:%M}" for rule in hours_for(case.policy, case.campaign, case.profile)
        )
        result = judged(table, f"local {rule}", [("no_window", late, seen)], Verdict.EXPIRE, seen=seen)
        result.changes = {"not_before": starts, "not_after": ends.clip(upper=expires), "expires_at": expires}
        return result

    @staticmethod
    def _window(name: str, case: Case) -> Interval | None:
        """The next window of a zone; an unreadable zone gets the strictest one, in the insurer's zone."""
        home = home_zone(case.timezone)
        zone = zone_of(name) if name else home
        rules = hours_for(case.policy, case.campaign, case.profile, known_zone=zone is not None)
        until = case.campaign.valid_for.after(case.now)
        return next_window(case.now, until, zone or home, rules, case.calendar)
