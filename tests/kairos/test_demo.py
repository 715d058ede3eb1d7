"""The demo insurer: the same every time, dirty where it says so, with something to do and to learn on any day."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kairos.demo import DemoError, DemoSummary, generate
from triggers.views import VIEWS as ALL_VIEWS

VIEWS = tuple(name for name in ALL_VIEWS if name != "uplift")
"""What the demo writes: what a campaign caused is measured, not made up."""
AS_OF = date(2026, 11, 24)
DATA = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[3] / "shared" / "data"))
DIVISIONS = DATA / "china-divisions"


def demo(folder: Path, customers: int, seed: int = 7, as_of: date = AS_OF, blocks_per_part: int = 10) -> DemoSummary:
    return generate(folder, customers=customers, seed=seed, as_of=as_of, blocks_per_part=blocks_per_part)


def tables(folder: Path) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("set TimeZone = 'Asia/Shanghai'")
    for view in VIEWS:
        db.execute(f"create view {view} as from '{folder}/facts/{view}/*.parquet'")
    return db


def rows(folder: Path) -> dict[str, list[dict[str, object]]]:
    return {
        view: [row for path in sorted((folder / "facts" / view).iterdir()) for row in pq.read_table(path).to_pylist()]
        for view in VIEWS
    }


def number(db: duckdb.DuckDBPyConnection, query: str) -> float:
    ((found,),) = db.execute(query).fetchall()
    return float(found)


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return demo(tmp_path_factory.mktemp("insurer"), 10_000)


@pytest.fixture(scope="module")
def db(summary: DemoSummary) -> Iterator[duckdb.DuckDBPyConnection]:
    with tables(summary.folder) as connection:
        yield connection


def test_the_same_seed_makes_the_same_insurer(tmp_path: Path) -> None:
    first, second = demo(tmp_path / "a", 200), demo(tmp_path / "b", 200)
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    assert (first.rows, first.dirt) == (second.rows, second.dirt)


def test_another_seed_makes_another_insurer(tmp_path: Path) -> None:
    demo(tmp_path / "a", 200, seed=1), demo(tmp_path / "b", 200, seed=2)
    names = [[row["name"] for row in rows(tmp_path / folder)["customers"]] for folder in ("a", "b")]
    assert names[0] != names[1]


def test_the_facts_do_not_depend_on_how_many_customers_go_into_a_file(tmp_path: Path) -> None:
    split, whole = demo(tmp_path / "split", 20_050, blocks_per_part=1), demo(tmp_path / "whole", 20_050)
    assert len(list((tmp_path / "split/facts/policies").iterdir())) == 3
    assert len(list((tmp_path / "whole/facts/policies").iterdir())) == 1
    assert (split.rows, split.dirt) == (whole.rows, whole.dirt)
    for view in VIEWS:
        assert pq.read_table(tmp_path / "split/facts" / view) == pq.read_table(tmp_path / "whole/facts" / view), view


def test_the_summary_counts_what_was_written(summary: DemoSummary, db: duckdb.DuckDBPyConnection) -> None:
    assert summary.rows == {view: number(db, f"select count(*) from {view}") for view in VIEWS}
    copies = sum(summary.dirt[kind] for kind in ("duplicate_key", "suspected_duplicate", "encoding"))
    assert summary.rows["customers"] == summary.customers + copies


def test_all_dirt_is_there_and_counted(summary: DemoSummary, db: duckdb.DuckDBPyConnection) -> None:
    found = {
        "duplicate_key": "select count(*) - count(distinct customer_id) from customers",
        "suspected_duplicate": "select count(*) from customers a join customers b using (name, phone, birth_date) "
        "where b.customer_id[1] = 'C' and a.customer_id = 'W' || b.customer_id[2:]",
        "encoding": "select count(*) from customers where contains(name, chr(65533))",
        "mojibake": "select count(*) from customers where regexp_matches(name, '[\\x80-\\xff]')",
        "impossible_date": "select count(*) from customers where birth_date < '1900'",
        "bad_date": "select count(*) from customers where try_cast(birth_date as date) is null",
        "region_unknown": "select count(*) from customers anti join regions using (region_code)",
        "orphan": "select count(*) from claims anti join policies using (policy_id)",
    }
    counted = {kind: count for kind, count in summary.dirt.items() if kind != "phone_invalid"}
    assert counted == {kind: number(db, query) for kind, query in found.items()}
    assert min(summary.dirt.values()) > 0


def test_the_check_of_the_facts_finds_exactly_the_dirt(summary: DemoSummary, tmp_path: Path) -> None:
    from triggers.facts import open_facts
    from triggers.sources import read_sources

    now = datetime(2026, 11, 24, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
    sources = read_sources(summary.folder / "sources.yaml")
    with open_facts(sources, now, timezone="Asia/Shanghai", folder=tmp_path) as facts:
        found = dict(facts.db.sql("select reason, count(*) from rejects group by all").fetchall())
    assert found == {kind: count for kind, count in summary.dirt.items() if kind != "mojibake"}


@pytest.mark.parametrize("as_of", [AS_OF, date(2028, 2, 29), date(2027, 1, 1)], ids=str)
def test_every_campaign_has_something_to_do_on_any_day(tmp_path: Path, as_of: date) -> None:
    demo(tmp_path, 2_000, as_of=as_of)
    day, now = f"date '{as_of}'", f"timestamptz '{as_of} 00:00:00+08'"
    active, motor = "from policies where status = 'active'", "from policies where status = 'active' and line = 'motor'"
    moved = f"from claims where updated_at <= {now} and updated_at >= {now} - interval"
    heard = "from (select max(occurred_at) last from events group by customer_id)"
    lately = f"occurred_at between {now} - interval 3 day and {now}"
    occasions = {
        "motor renewal": f"{motor} and renewal_premium > 0 and expiry_date - {day} between 50 and 60",
        "premium due": f"{active} and next_premium_due - {day} between 1 and 7",
        "claim progress": f"{moved} 3 day and status in ('accepted', 'in_review', 'approved', 'paid')",
        "claim documents": f"{moved} 10 day and missing_documents is not null",
        "claim survey": f"{moved} 5 day and status in ('paid', 'closed')",
        "disaster": f"from alerts where status = 'active' and {now} between effective_at and expires_at",
        "dormancy": f"{heard} where last between {now} - interval 194 day and {now} - interval 180 day",
        "birthday": f"from customers where birth_date[6:] = '{as_of:%m-%d}'",
        "service offer": f"{motor} and {day} - effective_date between 30 and 37",
        "cross-sell": f"{active} and line = 'home' and {day} - effective_date between 90 and 97",
        "quote": f"from events where type = 'quote_started' and {lately}",
        "payment failed": f"from events where type = 'payment_failed' and occurred_at > {now} - interval 10 day",
        "renewed early": f"{active} and recorded_at < {now} and effective_date > {day} and renews_policy_id > ''",
        "open complaint": "from complaints where closed_at is null",
    }
    with tables(tmp_path) as facts:
        assert [name for name, query in occasions.items() if number(facts, f"select count(*) {query}") == 0] == []


def test_life_goes_on_after_the_day_so_that_outcomes_can_be_measured(db: duckdb.DuckDBPyConnection) -> None:
    later = f"from {{}} > timestamptz '{AS_OF + timedelta(days=1)} 00:00:00+08'"
    events = later.format("events where type = '{}' and occurred_at")
    for kind in ("app_login", "service_used", "premium_paid", "claim_progress", "survey_answered"):
        assert number(db, f"select count(*) {events.format(kind)}") > 10
    assert number(db, f"select count(*) {later.format('policies where recorded_at')} and renews_policy_id > ''") > 100
    assert number(db, f"select count(*) {later.format('claims where reported_at')}") > 10


def test_terms_of_a_chain_follow_one_another_without_a_gap(db: duckdb.DuckDBPyConnection) -> None:
    chained = "from policies later join policies earlier on earlier.policy_id = later.renews_policy_id"
    links = number(db, "select count(*) from policies where renews_policy_id is not null")
    seamless = number(
        db,
        f"select count(*) {chained} where later.effective_date = earlier.expiry_date + 1 "
        "and later.customer_id = earlier.customer_id and later.product_id = earlier.product_id",
    )
    assert links == seamless > 1_000


def test_keys_are_unique_and_times_in_order(db: duckdb.DuckDBPyConnection) -> None:
    for view, key in (("policies", "policy_id"), ("claims", "claim_id"), ("events", "event_id")):
        assert number(db, f"select count(*) - count(distinct {key}) from {view}") == 0
    assert number(db, "select count(*) from policies where expiry_date < effective_date") == 0
    assert number(db, "select count(*) from claims where updated_at < reported_at or closed_at < reported_at") == 0


def test_nothing_is_heard_of_the_dead(db: duckdb.DuckDBPyConnection) -> None:
    assert number(db, "select count(*) from customers where deceased_on is not null") > 10
    after = "from events join customers using (customer_id) where occurred_at::date > deceased_on"
    assert number(db, f"select count(*) {after}") == 0


def test_portfolio_languages_and_refusals_are_those_of_an_insurer(db: duckdb.DuckDBPyConnection) -> None:
    share = "select avg(({}) :: int) from customers where customer_id like 'C%'"
    in_force = f"status = 'active' and date '{AS_OF}' between effective_date and expiry_date"
    assert 1.3 < number(db, f"select count(*) / 10_000 from policies where {in_force}") < 1.7
    assert 0.13 < number(db, share.format("locale = 'en'")) < 0.17
    assert 0.08 < number(db, share.format("coalesce(timezone, 'Asia/Shanghai') <> 'Asia/Shanghai'")) < 0.13
    assert 0.02 < number(db, share.format("not personalisation")) < 0.04
    refusals = "select count(*) from consents where not granted and purpose = '{}' and channel = '{}'"
    for purpose, channel in (("*", "*"), ("*", "ai_outbound"), ("marketing", "*"), ("marketing", "sms")):
        assert number(db, refusals.format(purpose, channel)) > 50


def test_consents_say_which_words_were_agreed_to_and_some_until_when(db: duckdb.DuckDBPyConnection) -> None:
    versions = "select count(distinct text_version) from consents where text_version in ('v1', 'v2', 'v3')"
    assert number(db, versions) == 3
    assert number(db, "select count(*) from consents where text_version is null or evidence is null") == 0
    assert number(db, f"select count(*) from consents where expires_at < date '{AS_OF}' and granted") > 10
    assert (
        number(db, 'select count(*) from consents where expires_at is not null and (not granted or expires_at <= "at")')
        == 0
    )


def test_what_customers_hold_tells_what_they_will_use(db: duckdb.DuckDBPyConnection) -> None:
    def share(service: str, group: str) -> float:
        users = f"customer_id in (select customer_id from events where subject_id = '{service}')"
        return number(db, f"select avg(({users}) :: int) from (select distinct customer_id {group})")

    everyone = "from customers"
    drivers = "from policies where line = 'motor' and status = 'active'"
    travellers = "from policies where product_id = 'travel_overseas'"
    assert share("roadside_help", drivers) > 2 * share("roadside_help", everyone)
    assert share("airport_transfer", travellers) > 1.5 * share("airport_transfer", everyone)
    assert share("designated_driver", "from events where subject_id = 'roadside_help'") > 1.2 * share(
        "designated_driver", drivers
    )


def test_regions_are_known_codes(db: duckdb.DuckDBPyConnection) -> None:
    unknown = "select count(*) from policies anti join regions on region_code = insured_region_code"
    assert number(db, f"{unknown} where insured_region_code is not null") == 0
    assert number(db, "select count(distinct region_code[:2]) from regions where region_code similar to '\\d{6}'") == 34
    codes = "select count(*) from (select unnest(region_codes) region_code from alerts) anti join regions"
    assert number(db, f"{codes} using (region_code)") == 0


@pytest.mark.real_data
@pytest.mark.skipif(not DIVISIONS.is_dir(), reason="needs china-divisions below KAIROS_DATA")
def test_divisions_are_the_real_ones(db: duckdb.DuckDBPyConnection) -> None:
    real: dict[str, str] = {}
    for name in ("provinces", "cities", "areas"):
        with (DIVISIONS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            real |= {row["code"].ljust(6, "0"): row["name"] for row in csv.DictReader(file)}
    mainland = "region_code similar to '[1-6]\\d{5}'"
    ours = dict(db.sql(f"select region_code, name from regions where {mainland}").fetchall())
    assert len(ours) > 150
    assert {code: real.get(code) for code in ours} == ours


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**63), st.dates(date(1990, 1, 1), date(2090, 12, 31)))
def test_any_size_seed_and_day_make_a_whole_insurer(
    tmp_path_factory: pytest.TempPathFactory, customers: int, seed: int, as_of: date
) -> None:
    folder = tmp_path_factory.mktemp("any")
    made = demo(folder, customers, seed, as_of)
    written = rows(folder)
    assert {view: len(found) for view, found in written.items()} == made.rows
    latest = datetime.combine(as_of, datetime.min.time(), ZoneInfo("Asia/Shanghai")) + timedelta(days=60)
    assert all(event["occurred_at"] < latest for event in written["events"])  # type: ignore[operator]


def test_facts_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "customers.csv").write_text("customer_id\n1\n")
    with pytest.raises(DemoError, match="holds facts already"):
        demo(tmp_path, 10)
    assert [path.name for path in (tmp_path / "facts").iterdir()] == ["customers.csv"]


def test_what_an_interrupted_run_left_behind_is_removed(tmp_path: Path) -> None:
    (tmp_path / "facts.partial" / "policies").mkdir(parents=True)
    (tmp_path / "facts.partial" / "policies" / "part-0009.parquet").write_bytes(b"torn")
    demo(tmp_path, 10)
    assert [path.name for path in (tmp_path / "facts" / "policies").iterdir()] == ["part-0001.parquet"]
    assert not (tmp_path / "facts.partial").exists()


def test_sources_are_written_unless_there_are_some(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "sources.yaml").write_text("customers: mine.csv\n")
    demo(tmp_path / "a", 5), demo(tmp_path / "b", 5)
    assert "policies: facts/policies/*.parquet" in (tmp_path / "a" / "sources.yaml").read_text()
    assert (tmp_path / "b" / "sources.yaml").read_text() == "customers: mine.csv\n"


@pytest.mark.parametrize(("customers", "seed"), [(0, 1), (5, -1)])
def test_impossible_orders_are_refused(tmp_path: Path, customers: int, seed: int) -> None:
    with pytest.raises(DemoError, match="must be"):
        demo(tmp_path, customers, seed)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    generate(tmp_path, customers=10_500, seed=1, as_of=AS_OF, progress=lambda *step: told.append(step))
    assert told == [("demo", 10_000, 10_500), ("demo", 10_500, 10_500)]


def test_the_package_loads_nothing_heavy_before_it_is_used() -> None:
    code = "import sys, kairos.demo; sys.exit(any(name in sys.modules for name in ('numpy', 'pyarrow', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
