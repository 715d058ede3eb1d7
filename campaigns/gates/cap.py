"""Has the customer heard from us often enough?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from campaigns.gate import Case, Gate, Judgement, Verdict
from campaigns.localdays import leaves_period
from campaigns.policy import Cap as Rule
from campaigns.windows import home_zone, zone_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from campaigns.contacts import Contacts
    from campaigns.docket import Docket


class Cap(Gate):
    """Counts the reservations of all campaigns in the customer's local days, the rows before in the same table included.

    A message counts on the day it goes or is to go; one that should have gone by now and has not counts as of now.
    """

    name = "cap"
    order = 50
    scope = "channel"
    reasons: ClassVar = {"cap_met": "the customer has had as many contacts as the contact policy allows in the period"}

    def applies(self, case: Case) -> bool:
        """Where a rule of the contact policy is about this purpose and channel; contract notices have none."""
        return bool(self._rules(case))

    def recount(self, table: pd.DataFrame, contacts: Contacts, docket: Docket) -> Mapping[str, Any]:
        """Per rule: contacts in its period, and the one that must leave it before there is room again."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for index, rule in enumerate(docket.policy.caps):
            counted = contacts.within(rule.per, table, docket) & contacts.for_(rule.purposes)
            if rule.channels:
                counted &= contacts.on(rule.channels)
            count, leaving = _counted(contacts.only(counted), rule.max, table["person"].to_numpy("intp"))
            columns[f"cap_{index}"], columns[f"cap_leaving_{index}"] = (
                count,
                pd.DatetimeIndex(leaving).tz_localize("UTC"),
            )
        return columns

    @staticmethod
    def _asks(rule: Rule, case: Case) -> bool:
        """Whether a rule is about the purpose and the channel."""
        return case.campaign.purpose in rule.purposes and (not rule.channels or case.medium.name in rule.channels)

    def _rules(self, case: Case) -> list[Rule]:
        return [rule for rule in case.policy.caps if self._asks(rule, case)]

    def rule(self, case: Case) -> str:
        """The room there is."""
        return "; ".join(
            f"under {rule.max} per {rule.per} on {'/'.join(rule.channels) or 'any channel'}"
            for rule in self._rules(case)
        )

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Rows beyond the room that is left are dropped, held until there is room, or sent to the next channel."""
        import numpy as np

        size = len(table)
        verdict = np.zeros(size, dtype=np.int8)
        reason = np.full(size, "", dtype=object)
        seen = np.full(size, "", dtype=object)
        until = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]")
        before = table.groupby("customer_id", sort=False).cumcount().to_numpy()
        outcome = docket.of(
            table, lambda case: Verdict.HOLD if case.campaign.cap == "hold" else Verdict.REFUSE, np.int8
        )
        for index, rule in enumerate(docket.policy.caps):
            asked = docket.of(table, partial(self._asks, rule), bool)
            if not asked.any():
                continue
            count = table[f"cap_{index}"].to_numpy(dtype=np.int64) + before
            hit = asked & (count >= rule.max)
            shown = asked & (hit | (seen == ""))
            seen[shown] = np.char.add(count[shown].astype(str), f" in {rule.per}").astype(object)
            until[hit] = np.fmax(until[hit], _room(table.loc[hit], index, rule, docket))
            verdict[hit] = outcome[hit]
            reason[hit] = "cap_met"
        final = docket.of(table, lambda case: case.campaign.cap != "next", bool)
        return Judgement(verdict, reason, seen, until=until, final=final)


def _counted(contacts: Contacts, most: int, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of these people how many contacts there are, and when the one goes with whose leaving there are `most` less one."""
    import numpy as np

    count = np.bincount(contacts.person, minlength=contacts.people)
    at = contacts.at[np.lexsort((contacts.at, contacts.person))]
    place = (np.cumsum(count) - count) + np.maximum(count - most, 0)
    has = (count[people] > 0) & (most > 0)  # where none is allowed no leaving makes room
    leaving = np.full(len(people), np.datetime64("NaT", "us"))
    leaving[has] = at[place[people[has]]]
    return count[people], leaving


def _room(hit: pd.DataFrame, index: int, rule: Rule, docket: Docket) -> np.ndarray:
    """The earliest instant at which each row may find room: a look at the calendar per zone and day, not per customer."""
    import numpy as np

    home = home_zone(docket.timezone)
    places = hit["timezone"].astype(object).where(hit["timezone"].notna(), "").to_numpy(object)
    leaving = hit[f"cap_leaving_{index}"].astype("datetime64[us, UTC]").fillna(docket.now)
    found = np.full(len(hit), np.datetime64("NaT", "us"), dtype="datetime64[us]")
    for name in set(places):
        zone, rows = zone_of(name) or home, places == name
        found[rows] = _leave(leaving[rows], rule, zone)
    return found


def _leave(at: pd.Series[pd.Timestamp], rule: Rule, zone: ZoneInfo) -> np.ndarray:
    """When the period of the rule no longer holds each of these instants."""
    import numpy as np
    import pandas as pd

    clocks = at.dt.tz_convert("UTC" if rule.per.unit == "h" else zone).dt.tz_localize(None)
    codes, distinct = pd.factorize(clocks if rule.per.unit == "h" else clocks.dt.normalize() + pd.Timedelta(hours=12))
    where = UTC if rule.per.unit == "h" else zone
    leaves = [leaves_period(each.to_pydatetime().replace(tzinfo=where), rule.per, zone) for each in distinct]
    found: np.ndarray = np.array([each.replace(tzinfo=None) for each in leaves], dtype="datetime64[us]")[codes]
    return found
