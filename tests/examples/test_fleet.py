"""Company fleets, 2011 to 2013: what runs finds, against SQL over the files that knows nothing of Kairos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Any

import duckdb
import pytest

pytestmark = pytest.mark.real_data

FIRST, SECOND, LATER = date(2012, 11, 1), date(2012, 11, 2), date(2013, 2, 12)

RENEWALS = """
select PolicyID::varchar, 'policy:' || PolicyID || '-2012' from periods where Year = 2012
group by PolicyID having min(BeginDate) <= $day"""
CLAIMS = """
select PolicyID::varchar from claims where EndDate between $day - 5 and $day - 1"""
NEWCOMERS = """
select PolicyID::varchar, 'policy:' || PolicyID || '-' || Year
from (select distinct on (PolicyID) * from periods order by PolicyID, BeginDate, LicNb)
where BeginDate + 30 between $day - 6 and $day and PolicyAgeCateg = '0-1 year'"""
RENEWED = """
select PolicyID::varchar from periods where Year = 2013 and PolicyID in (select PolicyID from periods where Year = 2012)
group by PolicyID having min(BeginDate) <= $day"""


@dataclass(frozen=True)
class Fleet:
    """Four runs one after the other: their reports, and the moments there were after each."""

    workspace: Any
    reports: tuple[dict[str, Any], ...]
    moments: tuple[dict[str, set[tuple[str, str]]], ...]
    messages: tuple[int, ...]
    outcomes: tuple[int, ...]
    db: duckdb.DuckDBPyConnection

    def rows(self, sql: str, day: date) -> list[tuple[Any, ...]]:
        return self.db.execute(sql, {"day": day}).fetchall()

    def added(self, campaign: str) -> set[tuple[str, str]]:
        """What the next day's run added."""
        return self.moments[2][campaign] - self.moments[1][campaign]


@pytest.fixture(scope="session")
def fleet(example: Callable[[str, str], Any]) -> Fleet:
    workspace = example("fleet", "cas-policy-lifecycle")
    reports, moments, messages, outcomes = [], [], [], []
    for day in (FIRST, FIRST, SECOND, LATER):
        reports.append(workspace.run(day.isoformat()))
        moments.append({name: workspace.moments(name) for name in reports[-1]["campaigns"]})
        messages.append(workspace.ledger("select count(*) from messages")[0][0])
        outcomes.append(workspace.ledger("select count(*) from outcomes")[0][0])
    db = duckdb.connect()
    for table, file in (("periods", "pg16_policy_periods"), ("claims", "pg16_claims")):
        path = workspace.data / "cas-policy-lifecycle" / f"{file}.csv.gz"
        db.execute(f"create table {table} as from read_csv('{path}')")
    return Fleet(workspace, tuple(reports), tuple(moments), tuple(messages), tuple(outcomes), db)


def test_the_workspace_has_no_problems(fleet: Fleet) -> None:
    assert fleet.workspace.kairos("lint") == {"campaigns": 3, "problems": []}


def test_every_company_with_a_term_in_2012_is_asked_about_its_renewal_sixty_days_before_the_year_ends(
    fleet: Fleet,
) -> None:
    assert fleet.moments[0]["fleet-renewal"] == set(fleet.rows(RENEWALS, FIRST))
    assert fleet.reports[0]["campaigns"]["fleet-renewal"]["moments"] == 11_096


def test_claims_of_the_last_five_days_are_followed_up(fleet: Fleet) -> None:
    claimants = sorted(customer for customer, _ in fleet.moments[0]["claim-follow-up"])
    assert claimants == sorted(customer for (customer,) in fleet.rows(CLAIMS, FIRST))
    assert fleet.reports[0]["campaigns"]["claim-follow-up"]["moments"] == 17


def test_companies_a_month_into_their_first_term_are_looked_after(fleet: Fleet) -> None:
    assert fleet.moments[0]["newcomer-check"] == set(fleet.rows(NEWCOMERS, FIRST))
    assert fleet.reports[0]["campaigns"]["newcomer-check"]["moments"] == 81


def test_a_second_run_the_same_day_adds_nothing(fleet: Fleet) -> None:
    again = fleet.reports[1]
    assert (again["totals"]["new"], again["reserved"]) == (0, 0)
    assert fleet.moments[1] == fleet.moments[0]
    assert fleet.messages[1] == fleet.messages[0] == fleet.reports[0]["reserved"] > 0


def test_the_next_day_adds_only_what_that_day_brought(fleet: Fleet) -> None:
    assert fleet.added("fleet-renewal") == set(fleet.rows(RENEWALS, SECOND)) - set(fleet.rows(RENEWALS, FIRST))
    assert fleet.added("newcomer-check") == set(fleet.rows(NEWCOMERS, SECOND)) - set(fleet.rows(NEWCOMERS, FIRST))
    fresh = "select count(*) from claims where EndDate = $day - 1"
    assert [(len(fleet.added("claim-follow-up")),)] == fleet.rows(fresh, SECOND)
    assert {name: len(fleet.added(name)) for name in fleet.moments[0]} == {
        "claim-follow-up": 0,
        "fleet-renewal": 5,
        "newcomer-check": 4,
    }


def test_the_terms_of_2013_are_not_known_in_2012(fleet: Fleet) -> None:
    begun = "select count(*) from (select 1 from periods group by PolicyID, Year having min(BeginDate) <= $day)"
    assert [(fleet.reports[0]["facts"]["policies"]["kept"],)] == fleet.rows(begun, FIRST)
    assert fleet.outcomes == (0, 0, 0, 5_550)


def test_a_new_term_is_the_goal_reached_whether_a_task_was_written_or_not(fleet: Fleet) -> None:
    asked = {customer for customer, _ in fleet.moments[3]["fleet-renewal"]}
    renewed = {customer for (customer,) in fleet.rows(RENEWED, LATER)} & asked
    assert fleet.workspace.reached("fleet-renewal") == renewed


def test_whoever_has_renewed_is_not_asked_why_they_have_not(fleet: Fleet) -> None:
    treated = fleet.workspace.verdicts("fleet-renewal", "fleet_renewal", "sent")
    renewed = {customer for (customer,) in fleet.rows(RENEWED, LATER)}
    assert fleet.workspace.verdicts("fleet-renewal", "fleet_win_back", "retracted") == treated & renewed
    assert fleet.workspace.verdicts("fleet-renewal", "fleet_win_back", "sent") == treated - renewed


def test_tasks_nobody_ever_did_changed_nothing(fleet: Fleet) -> None:
    """The file was written years before: both groups must renew alike, or the comparison is not a fair one."""
    reached = fleet.workspace.reached("fleet-renewal")
    shares = []
    for verdict in ("sent", "held_out"):
        group = fleet.workspace.verdicts("fleet-renewal", "fleet_renewal", verdict)
        shares.append((len(group & reached) / len(group), len(group)))
    (treated, n), (control, m) = shares
    assert abs(treated - control) < 2 * sqrt(treated * (1 - treated) / n + control * (1 - control) / m)
    assert 0.09 < m / (n + m) < 0.11


def test_why_tells_a_company_that_left_in_2011_that_it_has_no_term_to_renew(fleet: Fleet) -> None:
    ((customer,),) = fleet.db.execute(
        "select min(PolicyID)::varchar from (select PolicyID from periods group by all having max(Year) = 2011)"
    ).fetchall()
    (story,) = fleet.workspace.kairos("why", customer, "--campaign", "fleet-renewal", "--on", FIRST.isoformat())
    assert story["summary"] == (
        f"policy {customer}-2011: wanted the date has not passed, seen 2011-12-31; "
        f"policy {customer}-2011 is overdue by 366 days, the campaign takes up to 20 days"
    )
