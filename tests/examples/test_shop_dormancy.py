"""A record shop, 1997 to 1998: who fell silent, and who came back, against the file read line by line."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Any

import pytest

pytestmark = pytest.mark.real_data

FIRST, SECOND, LATER = date(1998, 3, 2), date(1998, 3, 3), date(1998, 4, 20)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Shop:
    """Four runs one after the other, and the days each customer bought on."""

    workspace: Any
    reports: tuple[dict[str, Any], ...]
    moments: tuple[set[str], ...]
    outcomes: tuple[int, ...]
    days: dict[str, set[date]]

    def silent(self, day: date) -> set[str]:
        """Whose last purchase, as known in the morning of `day`, was a year to a year and six days before."""
        last = {customer: max((d for d in days if d < day), default=None) for customer, days in self.days.items()}
        return {c for c, d in last.items() if d is not None and timedelta(0) <= day - d - YEAR <= timedelta(days=6)}


@pytest.fixture(scope="session")
def shop(example: Callable[[str, str], Any]) -> Shop:
    workspace = example("shop-dormancy", "cdnow-transactions")
    reports, moments, outcomes = [], [], []
    for day in (FIRST, FIRST, SECOND, LATER):
        reports.append(workspace.run(day.isoformat()))
        moments.append({customer for customer, _ in workspace.moments("reactivation")})
        outcomes.append(workspace.ledger("select count(*) from outcomes")[0][0])
    days = defaultdict(set)
    with gzip.open(workspace.data / "cdnow-transactions" / "CDNOW_master.txt.gz", "rt", encoding="ascii") as file:
        next(file)
        for line in file:
            customer, written, _, _ = line.split()
            days[customer].add(date(int(written[:4]), int(written[4:6]), int(written[6:])))
    return Shop(workspace, tuple(reports), tuple(moments), tuple(outcomes), dict(days))


def test_the_workspace_has_no_problems(shop: Shop) -> None:
    assert shop.workspace.kairos("lint") == {"campaigns": 1, "problems": []}


def test_every_line_but_the_header_is_a_purchase_those_of_one_day_together(shop: Shop) -> None:
    facts = shop.reports[0]["facts"]
    assert facts["customers"]["kept"] == len(shop.days) == 23_570
    assert facts["events"]["read"] == sum(len(days) for days in shop.days.values()) == 67_591
    assert facts["events"]["kept"] == sum(d < FIRST for days in shop.days.values() for d in days)
    assert facts["events"]["set_aside"] == 0


def test_customers_who_fell_silent_a_year_ago_are_found(shop: Shop) -> None:
    assert shop.moments[0] == shop.silent(FIRST)
    assert shop.reports[0]["campaigns"]["reactivation"]["moments"] == 1_359


def test_a_second_run_the_same_day_adds_nothing(shop: Shop) -> None:
    assert (shop.reports[1]["totals"]["new"], shop.reports[1]["reserved"]) == (0, 0)
    assert shop.moments[1] == shop.moments[0]


def test_the_next_day_adds_only_whose_year_ended_that_day(shop: Shop) -> None:
    fresh = {c for c, days in shop.days.items() if max((d for d in days if d < SECOND), default=None) == SECOND - YEAR}
    assert shop.moments[2] - shop.moments[1] == fresh == shop.silent(SECOND) - shop.silent(FIRST)
    assert len(fresh) == 185


def test_a_later_run_writes_down_who_came_back(shop: Shop) -> None:
    asked = shop.silent(FIRST) | shop.silent(SECOND)
    back = {c for c in asked if any(LATER > d > max(d for d in shop.days[c] if d < SECOND) for d in shop.days[c])}
    assert shop.workspace.reached("reactivation") == back
    assert len(back) == 39
    assert shop.outcomes[:2] == (0, 0)


def test_a_tenth_is_left_alone_and_comes_back_as_often_as_the_others(shop: Shop) -> None:
    """Nobody was really written to: a difference between the groups would be a fault of the comparison."""
    reached = shop.workspace.reached("reactivation")
    treated, control = (
        shop.workspace.verdicts("reactivation", "reactivation", verdict) for verdict in ("sent", "held_out")
    )
    assert treated | control == shop.moments[3]
    assert 0.07 < len(control) / len(shop.moments[3]) < 0.13
    p, q = len(treated & reached) / len(treated), len(control & reached) / len(control)
    assert abs(p - q) < 2 * sqrt(p * (1 - p) / len(treated) + q * (1 - q) / len(control))
