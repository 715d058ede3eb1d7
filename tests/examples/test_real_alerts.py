"""The Shanghai gale of 3 April 2023 over the demo insurer: who is warned, and who is not sold to meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from kairos.cli.app import app

pytestmark = pytest.mark.real_data

DAY, BEFORE, DURING = "2023-04-03", "2023-04-03T10:00", "2023-04-03T11:00"
GALE = "qweather:10102010020230403103000500681616"
MARKETING = (("health-cross-sell", "health_cross_sell"), ("motor-service-offer", "motor_service_offer"))

# Six digits that begin with 31; a code with a letter in it is a slip of the pen, and no place at all.
INSURED = """
select distinct p.customer_id
from policies p join customers c using (customer_id)
where p.status = 'active' and date '2023-04-03' between p.effective_date and coalesce(p.expiry_date, 'infinity')
  and p.recorded_at <= timestamptz '2023-04-03 11:00:00+08'
  and regexp_full_match(coalesce(p.insured_region_code, c.region_code), '31[0-9]{4}')"""
THERE = """
select customer_id from customers where regexp_full_match(region_code, '31[0-9]{4}')
union
select customer_id from policies where status = 'active' and regexp_full_match(insured_region_code, '31[0-9]{4}')
  and recorded_at <= timestamptz '2023-04-03 11:00:00+08'"""


@dataclass(frozen=True)
class Gale:
    """The same insurer half an hour before the warning and half an hour after it."""

    before: Any
    during: Any
    reports: dict[str, dict[str, Any]]
    db: duckdb.DuckDBPyConnection

    def customers(self, sql: str) -> set[str]:
        return {customer for (customer,) in self.db.execute(sql).fetchall()}


@pytest.fixture(scope="session")
def gale(example: Callable[[str, str], Any], tmp_path_factory: pytest.TempPathFactory) -> Gale:
    overlay = example("real-alerts", "disaster-alerts")
    insurer = replace(overlay, folder=tmp_path_factory.mktemp("insurer"))
    made = ["init", str(insurer.folder), "--demo", "--customers", "8000", "--seed", "1", "--as-of", DAY]
    assert CliRunner().invoke(app, made).exit_code == 0
    shutil.copytree(overlay.folder, insurer.folder, dirs_exist_ok=True)
    insurer.kairos("recommend", "fit", "--as-of", DAY)
    before = replace(insurer, folder=_copied(insurer.folder, tmp_path_factory.mktemp("before")))
    reports = {BEFORE: before.run(BEFORE), DURING: insurer.run(DURING)}
    db = duckdb.connect()
    for table in ("customers", "policies"):
        db.execute(f"create view {table} as from '{insurer.folder}/facts/{table}/*.parquet'")
    return Gale(before, insurer, reports, db)


def _copied(folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(folder, target, dirs_exist_ok=True, symlinks=True))


def test_the_workspace_has_no_problems(gale: Gale) -> None:
    assert gale.during.kairos("lint") == {"campaigns": 14, "problems": []}


def test_whoever_insures_something_in_shanghai_is_warned_and_nobody_else(gale: Gale) -> None:
    warned = {customer for customer, _ in gale.during.moments("gale-care")}
    assert warned == gale.customers(INSURED)
    assert len(warned) > 300
    assert gale.during.ledger("select distinct occasion from moments where campaign = 'gale-care'") == [(GALE,)]


def test_before_the_warning_is_issued_nobody_knows_of_it(gale: Gale) -> None:
    assert gale.before.moments("gale-care") == set()


def test_a_warning_of_the_lowest_step_is_not_enough_for_the_campaign_that_asks_for_more(gale: Gale) -> None:
    assert gale.during.moments("disaster-care") == set()


def test_nobody_in_shanghai_is_sold_to_while_the_warning_lasts(gale: Gale) -> None:
    there = gale.customers(THERE)
    for campaign, step in MARKETING:
        assert not gale.during.verdicts(campaign, step, "sent") & there
        assert gale.during.verdicts(campaign, step, "sent")


def test_whoever_is_not_sold_to_for_the_warning_would_have_been_half_an_hour_earlier(gale: Gale) -> None:
    refused = "select m.customer_id from decisions d join moments m using (moment_id) where d.reason = 'disaster'"
    paused = {customer for (customer,) in gale.during.ledger(refused)}
    earlier = {
        customer
        for campaign, step in MARKETING
        for verdict in ("sent", "held_out")
        for customer in gale.before.verdicts(campaign, step, verdict)
    }
    assert paused
    assert paused <= gale.customers(THERE) & earlier
    assert gale.before.ledger(refused) == []


def test_care_goes_on(gale: Gale) -> None:
    line = gale.reports[DURING]["campaigns"]["gale-care"]
    assert line["sent"] + line["held_out"] + line["refused"] == line["moments"]
    assert line["sent"] > 0.8 * line["moments"]
    assert "circumstance.disaster" not in line["reasons"]


def test_alerts_of_other_places_and_years_are_read_and_concern_nobody(gale: Gale) -> None:
    counted = gale.reports[DURING]["facts"]["alerts"]
    assert (counted["read"], counted["kept"]) == (13, 11)
    assert counted["reasons"] == {"alert_fault": 3, "unreadable_alert": 1}
