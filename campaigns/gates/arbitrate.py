"""Is this the message the customer should get now, of all that could go?"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import TYPE_CHECKING, Any, ClassVar

from campaigns.budgets import day_after
from campaigns.contacts import medium_place
from campaigns.gate import Case, Gate, Judgement, Verdict
from campaigns.localdays import leaves_period
from campaigns.policy import PURPOSES
from campaigns.stakes import COLUMNS, class_of, competes, nothing_at_stake
from campaigns.windows import home_zone, zone_of

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd

    from campaigns.contacts import Contacts
    from campaigns.docket import Docket


class Arbitrate(Gate):
    """One message within the window, of those whose purpose competes: the higher class first, then the greater expected value.

    `campaigns.arbitration` decides the best moment of each customer first; here it is seen whether the window is still free.
    """

    name = "arbitrate"
    order = 45
    scope = "channel"
    reasons: ClassVar = {
        "outranked": "a message of a higher class has taken the customer's window",
        "outvalued": "another message has taken the customer's window: it was worth more, or came first",
        "outbid": "the channel's day goes to messages that are worth more",
    }

    def applies(self, case: Case) -> bool:
        """Where the contact policy lets messages of this purpose compete."""
        return competes(case.campaign, case.policy)

    def prepare(self, db: duckdb.DuckDBPyConnection, docket: Docket) -> None:
        """Lay out what is at stake."""
        stakes = next(iter(docket.cases.values())).stakes or nothing_at_stake({})
        db.register("arbitrate_stakes", stakes.table)

    def evidence(self, docket: Docket) -> str | None:
        """What is at stake for each moment, and whether it may use the channel."""
        return """
            select b.place, x.propensity as arbitrate_propensity, x.value as arbitrate_value, x.uplift as arbitrate_uplift,
                   x.expected as arbitrate_expected, coalesce(x.rivals, 0) as arbitrate_rivals,
                   coalesce(contains(x.channels, ',' || b.medium || ','), true) as arbitrate_allowed,
                   coalesce(x.channels = '', false) as arbitrate_none
              from batch b left join arbitrate_stakes x on x.moment_id = b.moment_id"""

    def recount(self, table: pd.DataFrame, contacts: Contacts, docket: Docket) -> Mapping[str, Any]:
        """The best message that has the window, of no lower class than this one's, and until when the window is taken."""
        import numpy as np
        import pandas as pd

        size, policy = len(table), _policy(next(iter(docket.cases.values())))
        winner, class_ = np.full(size, None, dtype=object), np.full(size, np.nan)
        until = np.full(size, np.datetime64("NaT", "us"))
        taken = contacts.only(contacts.within(policy.window, table, docket) & contacts.for_(policy.purposes))
        if len(taken):
            pairs = _rivals(table, taken, docket)
            best = pairs.sort_values(["row", "class", "at", "campaign"]).drop_duplicates("row")
            winner[best["row"]], class_[best["row"]] = best["campaign"], best["class"]
            last = pairs.groupby("row")["at"].max()
            until[last.index] = last
        ends = pd.DatetimeIndex(until).tz_localize("UTC")
        return {"arbitrate_winner": winner, "arbitrate_class": class_, "arbitrate_until": ends}

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


def _rivals(table: pd.DataFrame, taken: Contacts, docket: Docket) -> pd.DataFrame:
    """Each row (`row`) with the contacts of its customer that may have its window: their `campaign`, `at` and `class`."""
    import numpy as np
    import pandas as pd

    classes = next(iter(docket.cases.values())).stakes or nothing_at_stake({})
    by_purpose = pd.Series([class_of(each) for each in PURPOSES])
    told = pd.Series(taken.campaign).map(dict(classes.classes)).fillna(pd.Series(by_purpose.to_numpy()[taken.purpose]))
    contacts = pd.DataFrame(
        {
            "person": taken.person, "campaign": taken.campaign, "at": taken.at, "class": told.astype(float),
            "moment": taken.moment, "medium": taken.medium,
        }
    )  # fmt: skip
    rows = pd.DataFrame(
        {
            "row": np.arange(len(table)), "person": table["person"].to_numpy(np.intp), "own_moment": table["moment_id"].to_numpy(),
            "own_class": docket.of(table, _class, float), "own_medium": docket.of(table, lambda case: medium_place(case.medium.name), int),
            "by_channel": docket.of(table, lambda case: _lose(case) == "next", bool),
        }
    )  # fmt: skip
    pairs = rows.merge(contacts, on="person")
    other = (pairs["moment"] != pairs["own_moment"]) & (pairs["class"] <= pairs["own_class"])
    return pairs[other & (~pairs["by_channel"] | (pairs["medium"] == pairs["own_medium"]))]


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

    zones = lost["timezone"].astype(object).where(lost["timezone"].notna(), "")
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
