"""When may the message arrive? Sets the send time; drops nothing that still has a decent hour before it expires."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict, judged
from campaigns.windows import Interval, home_zone, hours_for, in_utc, next_window, zone_of

if TYPE_CHECKING:
    import numpy as np
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

    def rule(self, case: Case) -> str:
        """The hours that must all hold where the zone is known."""
        rules = hours_for(case.policy, case.campaign, case.profile)
        return f"local {' and '.join(f'{rule.opens:%H:%M}-{rule.closes:%H:%M}' for rule in rules)}"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Give each row the next window of its zone, or let it expire."""
        import numpy as np
        import pandas as pd

        zones, names = pd.factorize(table["timezone"].astype(object).where(table["timezone"].notna(), ""))
        places, pairs = pd.factorize(table["case_number"].to_numpy(np.int64) * len(names) + zones)
        found = _windows([(names[pair % len(names)], docket.cases[pair // len(names)]) for pair in pairs.tolist()])
        starts, ends = found[0][places], found[1][places]
        limits = docket.of(table, lambda case: in_utc(case.campaign.valid_for.after(case.now)), "datetime64[us]")
        until = table["hours_until"].dt.tz_convert(None).to_numpy("datetime64[us]")
        expires = np.fmin(until, limits)
        late = np.isnat(starts) | (starts >= expires)
        seen = np.array([name or docket.timezone for name in names], dtype=object)[zones]
        result = judged(table, [("no_window", late, seen)], Verdict.EXPIRE, seen=seen)
        times = {"not_before": starts, "not_after": np.minimum(ends, expires), "expires_at": expires}
        result.changes = {name: pd.DatetimeIndex(values).tz_localize("UTC") for name, values in times.items()}
        return result


def _windows(asked: Sequence[tuple[str, Case]]) -> tuple[np.ndarray, np.ndarray]:
    """Where the next window of each zone and case begins and ends; those alike are looked up once."""
    import numpy as np

    known: dict[tuple[object, ...], Interval | None] = {}
    windows = []
    for name, case in asked:
        home = home_zone(case.timezone)
        zone = zone_of(name) if name else home
        # an unreadable zone gets the strictest hours, in the insurer's zone
        rules = hours_for(case.policy, case.campaign, case.profile, known_zone=zone is not None)
        until = case.campaign.valid_for.after(case.now)
        key = (zone or home, rules, until)
        if key not in known:
            known[key] = next_window(case.now, until, zone or home, rules, case.calendar)
        windows.append(known[key])
    sides = ([in_utc(window[side]) if window else None for window in windows] for side in (0, 1))
    starts, ends = (np.array(side, dtype="datetime64[us]") for side in sides)
    return starts, ends
