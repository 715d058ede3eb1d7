"""Is this the message the customer should get now, of all that could go?"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.budgets import day_after
from campaigns.gate import Case, Gate, Judgement, Verdict
from campaigns.localdays import leaves_period, period_start, zones_lived_in
from campaigns.policy import PURPOSES
from campaigns.stakes import COLUMNS, class_of, competes, nothing_at_stake
from campaigns.windows import home_zone, zone_of

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd

    from campaigns.docket import Docket


class Arbitrate(Gate):
    """One message within the window, of those whose purpose competes: the higher class first, then the greater expected value.

    `campaigns.arbitration` decides the best moment of each customer first; here it is seen whether the window is still free.
    """

    name = "arbitrate"
    order = 45
    scope = "channel"
    live = True
    reasons: ClassVar = {
        "outranked": "a message of a higher class has taken the customer's window",
        "outvalued": "another message has taken the customer's window: it was worth more, or came first",
        "outbid": "the channel's day goes to messages that are worth more",
    }

    def applies(self, case: Case) -> bool:
        """Where the contact policy lets messages of this purpose compete."""
        return competes(case.campaign, case.policy)

    def prepare(self, db: duckdb.DuckDBPyConnection, docket: Docket) -> None:
        """Lay out when the window began in each zone, what is at stake, and the class of each campaign."""
        import pyarrow as pa

        case = next(iter(docket.cases.values()))
        window = _policy(case).window
        zones = zones_lived_in(db)
        starts = pa.array([period_start(case.now, window, zone) for zone in zones.values()], pa.timestamp("us", "UTC"))
        db.register("arbitrate_zones", pa.table({"timezone": pa.array(zones, pa.string()), "start": starts}))
        stakes = case.stakes or nothing_at_stake({})
        classes = {**{f"purpose:{each}": class_of(each) for each in PURPOSES}, **stakes.classes}
        db.register("arbitrate_stakes", stakes.table)
        db.register(
            "arbitrate_classes",
            pa.table({"name": pa.array(classes, pa.string()), "class": pa.array(classes.values(), pa.int64())}),
        )

    def constants(self, case: Case) -> Mapping[str, Any]:
        """The campaign's own class; whether only messages of the same channel take its window."""
        return {"arbitrate_own": _class(case), "arbitrate_by_channel": _lose(case) == "next"}

    def evidence(self, docket: Docket) -> str | None:
        """The best message that has the window, of no lower class than this one's; what is at stake."""
        purposes = ", ".join(f"'{name}'" for name in _policy(next(iter(docket.cases.values()))).purposes)
        return f"""
            select b.place, c.timezone as arbitrate_timezone, k.winner as arbitrate_winner, k.class as arbitrate_class,
                   k.last_at as arbitrate_until, x.propensity as arbitrate_propensity, x.value as arbitrate_value,
                   x.uplift as arbitrate_uplift, x.expected as arbitrate_expected, coalesce(x.rivals, 0) as arbitrate_rivals,
                   coalesce(contains(x.channels, ',' || b.medium || ','), true) as arbitrate_allowed,
                   coalesce(x.channels = '', false) as arbitrate_none
              from batch b left join customers c using (customer_id) left join arbitrate_stakes x on x.moment_id = b.moment_id
              left join (
                select o.place, arg_min(t.campaign, (coalesce(n.class, p.class), t."at", t.campaign)) as winner,
                       min(coalesce(n.class, p.class)) as class, max(t."at") as last_at
                  from batch o join contacts t on t.customer_id = o.customer_id and t.moment_id <> o.moment_id
                  left join arbitrate_classes n on n.name = t.campaign
                  left join arbitrate_classes p on p.name = 'purpose:' || t.purpose
                  left join customers c on c.customer_id = o.customer_id
                  left join arbitrate_zones z on z.timezone = c.timezone
                 where t."at" >= coalesce(z.start, $arbitrate_start::timestamptz) and t.purpose in ({purposes})
                   and (t.medium = o.medium or not o.arbitrate_by_channel) and coalesce(n.class, p.class) <= o.arbitrate_own
                 group by 1) k on k.place = b.place"""

    def parameters(self, docket: Docket) -> Mapping[str, Any]:
        """When the window began in the insurer's zone."""
        window = _policy(next(iter(docket.cases.values()))).window
        return {"arbitrate_start": period_start(docket.now, window, home_zone(docket.timezone))}

    def rule(self, case: Case) -> str:
        """Which messages share a window."""
        policy = _policy(case)
        where = f" on {case.medium.name}" if _lose(case) == "next" else ""
        priority = case.campaign.arbitrate.priority
        return f"one of {'/'.join(policy.purposes)} per {policy.window}{where}, best first; this one is {priority}"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Those beaten wait for room, try the next channel or expire, as declared."""
        import numpy as np

        size, own = len(table), docket.of(table, _class, float)
        outcome = docket.of(table, lambda case: _OUTCOMES[_lose(case)], np.int8)
        tries_next = docket.of(table, lambda case: _lose(case) == "next", bool)
        verdict, reason = np.zeros(size, dtype=np.int8), np.full(size, "", dtype=object)
        until = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]")
        before = table.groupby("customer_id", sort=False).cumcount().to_numpy() > 0
        taken = table["arbitrate_winner"].notna().to_numpy(bool)
        classes = table["arbitrate_class"].to_numpy(float, na_value=np.nan)
        higher = taken & (np.where(np.isnan(classes), own, classes) < own)
        dealt = ~table["arbitrate_allowed"].to_numpy(bool)
        nothing = table["arbitrate_none"].to_numpy(bool)
        for name, hits in (("outranked", higher), ("outvalued", taken | before), ("outbid", dealt)):
            new = hits & (verdict == Verdict.PASS)
            verdict[new], reason[new] = outcome[new], name
        elsewhere = (reason == "outbid") & ~nothing  # it has got another one of its channels
        verdict[elsewhere] = Verdict.REFUSE
        lost = reason != ""
        until[lost] = _room(table.loc[lost], docket)
        until[reason == "outbid"] = _tomorrow(docket)
        return Judgement(verdict, reason, _seen(table, lost | before), until=until, final=~tries_next & ~elsewhere)


_OUTCOMES = {"wait": Verdict.HOLD, "next": Verdict.REFUSE, "expire": Verdict.EXPIRE}


def _policy(case: Case) -> Any:
    return case.policy.arbitrate


def _class(case: Case) -> int:
    return class_of(case.campaign.purpose, case.campaign.arbitrate.priority)


def _lose(case: Case) -> str:
    return case.campaign.arbitrate.lose or str(_policy(case).lose)


def _tomorrow(docket: Docket) -> np.datetime64:
    import numpy as np

    zone = home_zone(docket.timezone)
    day = docket.now.astimezone(zone).date().isoformat()
    return np.datetime64(day_after(day, zone).replace(tzinfo=None), "us")


def _room(lost: pd.DataFrame, docket: Docket) -> np.ndarray:
    """When the window is free again: a look at the calendar per zone and instant."""
    import numpy as np
    import pandas as pd

    zones = lost["arbitrate_timezone"].astype(object).where(lost["arbitrate_timezone"].notna(), "")
    taken = lost["arbitrate_until"].astype("datetime64[us, UTC]").fillna(pd.Timestamp(docket.now))
    codes, distinct = pd.MultiIndex.from_arrays([zones, taken]).factorize()
    home, window = home_zone(docket.timezone), _policy(next(iter(docket.cases.values()))).window
    free = [leaves_period(at.to_pydatetime(), window, zone_of(name) or home) for name, at in distinct]
    found: np.ndarray = np.array([each.replace(tzinfo=None) for each in free], dtype="datetime64[us]")[codes]
    return found


def _seen(table: pd.DataFrame, lost: np.ndarray) -> np.ndarray:
    """The expected value with its parts, and who has the window; nothing is worked out where nobody competes."""
    import numpy as np

    seen = np.full(len(table), "no rival", dtype=object)
    rows = np.flatnonzero(lost | (table["arbitrate_rivals"].to_numpy(np.int64) > 0))
    names = ["arbitrate_winner", "arbitrate_rivals", *(f"arbitrate_{name}" for name in COLUMNS)]
    known = table[names].iloc[rows].astype(dict.fromkeys(names[2:], float))
    parts = zip(*(known[name].tolist() for name in names), strict=True)
    seen[rows] = [_told(*each) for each in parts]
    return seen


def _told(winner: object, rivals: int, *numbers: float) -> str:
    *factors, expected = ["?" if isnan(number) else f"{number:.4g}" for number in numbers]
    worth = f"expected {expected} = propensity {factors[0]} x value {factors[1]} x uplift {factors[2]}"
    beaten = f"; {winner} has the window" if isinstance(winner, str) else ""
    return f"{worth}, of {max(rivals, 1)}{beaten}"
