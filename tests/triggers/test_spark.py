"""The same query tree on Spark: every function, every kind, and the campaigns of the demo and of the fleet."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pydantic import TypeAdapter
from sqlglot import exp

from kairos.cli import main
from kairos.inspection import runnable
from kairos.workspace import Workspace
from triggers.conditions import bind, parse_condition
from triggers.engine import is_engine
from triggers.facts import Facts
from triggers.kinds import AnyTrigger
from triggers.memberships import remember
from triggers.moments import batches_of, local_now, moments
from triggers.spark import SparkEngine
from triggers.testing import facts
from triggers.vocabulary import FUNCTIONS

MISSING = "PySpark and a Java runtime are needed (scripts/setup-spark)"
JAVA = shutil.which("java") or os.environ.get("JAVA_HOME")
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None or not JAVA, reason=MISSING),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark", "ignore::ResourceWarning"),
    pytest.mark.xdist_group("spark"),
]
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 30, 9, tzinfo=ZONE)
ROOT = Path(__file__).parents[2]

CONDITIONS: dict[str, list[str]] = {
    "lower": ["lower(line) = 'motor'"],
    "upper": ["upper(line) = 'MOTOR'"],
    "trim": ["trim(note) = 'a b'"],
    "length": ["length(note) > 3", "length(name_zh) = 2"],
    "concat": ["concat(line, note) = 'motor'", "concat('x', null, line) = 'xmotor'"],
    "substring": ["substring(note, 2, 2) = 'bc'", "substring(note, 1) = note"],
    "left": ["left(note, 2) = 'ab'"],
    "right": ["right(note, 2) = 'ef'"],
    "replace": ["replace(note, 'b', '') = 'acdef'"],
    "starts_with": ["starts_with(note, 'ab')"],
    "ends_with": ["ends_with(note, 'ef')"],
    "contains": ["contains(note, 'cd')", "contains(note, '%')"],
    "coalesce": ["coalesce(note, 'none') = 'none'"],
    "nullif": ["nullif(line, 'motor') is null"],
    "greatest": ["greatest(premium, 100) = 100", "greatest(premium, null) > 0"],
    "least": ["least(premium, 100) = 100"],
    "abs": ["abs(premium) = 50"],
    "round": ["round(premium / 4, 1) = 12.5", "round(premium) = -50"],
    "floor": ["floor(premium / 3) = -17"],
    "ceil": ["ceil(premium / 3) = -16"],
    "date_diff": [
        f"date_diff('{unit}', effective_date, today) = {count}"
        for unit, count in [
            ("day", 30),
            ("day", 395),
            ("week", 5),
            ("month", 1),
            ("month", 13),
            ("quarter", 0),
            ("year", 1),
            ("year", 6),
        ]
    ]
    + [
        "date_diff('year', effective_date, expiry_date) = 1",
        "date_diff('hour', recorded_at, now) = 25",
        "date_diff('minute', recorded_at, now) < 1500",
    ],
    "date_add": ["date_add(effective_date, interval 1 month) < expiry_date"],
    "date_sub": ["effective_date - interval 1 month < date '2026-02-01'"],
    "date_trunc": [
        "date_trunc('month', effective_date) = date '2026-02-01'",
        "date_trunc('week', effective_date) = effective_date",
    ],
    "extract": [
        "extract(year from effective_date) = 2026",
        "extract(month from today) = 3",
        "extract(hour from recorded_at) = 3",
    ],
    "year": ["year(effective_date) = 2024"],
    "quarter": ["quarter(effective_date) = 1"],
    "month": ["month(effective_date) = 2"],
    "week": ["week(effective_date) = 9", "week(effective_date) = 53"],
    "day": ["day(effective_date) = 29"],
    "dayofmonth": ["dayofmonth(effective_date) = 28"],
    "dayofweek": [f"dayofweek(effective_date) = {day}" for day in range(7)],
    "dayofyear": ["dayofyear(effective_date) = 60"],
    "list_contains": ["list_contains(tags, 'vip')", "not list_contains(tags, 'new')"],
    "json_extract_string": ["json_extract_string(note, '$.kind') = 'fleet'", "note ->> '$.n' = '3'"],
}
"""For each function a condition may call, conditions with it; and below the operators."""
OPERATORS = [
    "premium / 0 is null", "100 / premium is null", "premium % 0 is null", "floor(premium / 3) = 16", "premium % 7 = 1", "line || note = 'motorabcdef'", "line || null is null",
    "note like 'a%f'", "note ilike 'AB%'", "note like '100\\%' escape '\\'", "premium between 0 and 100", "line in ('motor', 'home')",
    "case when premium > 0 then 'a' else 'b' end = 'a'", "cast(note as integer) = 7", "cast(cast(note as integer) as varchar) = '7'", "concat(dayofweek(effective_date), '') = '6'", "abs(date_diff('day', today, effective_date)) = 30", "try_cast(note as date) is null",
    "line is distinct from 'motor'", "cast(recorded_at as date) = date '2026-03-29'", "recorded_at < timestamptz '2026-03-29 02:30:00'",
    "effective_date + interval 1 month = date '2026-03-28'", "expiry_date - effective_date > 300", "recorded_at + interval 36 hour > now", "date_add(recorded_at, interval 25 hour) <= now", "not (premium > 0)", "-premium = 50",
]  # fmt: skip
ROWS: list[dict[str, Any]] = [
    {
        "line": line,
        "note": note,
        "name_zh": zh,
        "premium": premium,
        "effective_date": day,
        "expiry_date": day + timedelta(days=365),
        "tags": tags,
    }
    for line, note, zh, premium, day, tags in [
        ("motor", "abcdef", "李娜", 50.0, date(2026, 2, 28), ["vip"]),
        ("Motor", "  a b ", "张", -50.0, date(2024, 2, 29), []),
        ("home", None, None, None, date(2026, 3, 1), None),
        ("motor", None, "欧阳小明", 0.0, date(2025, 12, 31), ["new", "vip"]),
        ("travel", '{"kind": "fleet", "n": 3}', "", 100.0, date(2021, 1, 1), ["old"]),
        ("travel", "100%", "", 7.25, date(2026, 3, 23), ["old"]),
        ("life", "7", "%", 1e9, date(2020, 1, 5), ["vip"]),
    ]
]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkEngine]:
    engine = SparkEngine("local[2]")
    yield engine
    engine.close()


@pytest.fixture
def handed(spark: SparkEngine) -> Iterator[SparkEngine]:
    """The one session, with no table of another test in it."""
    spark._handed.clear()
    yield spark
    spark._handed.clear()


def rows_of(query: exp.Select, opened: Facts) -> list[dict[str, Any]]:
    return [row for batch in batches_of(query, opened) for row in batch.to_pylist()]


def test_every_function_and_operator_means_the_same(handed: SparkEngine):
    policies = [
        {"policy_id": f"P{n}", "customer_id": "C1", "recorded_at": NOW - timedelta(hours=25, minutes=n * 37)} | row
        for n, row in enumerate(ROWS)
    ]
    assert set(CONDITIONS) == set(FUNCTIONS.values())
    with facts(NOW, timezone="Europe/Berlin", customers=[{"customer_id": "C1"}], policies=policies) as opened:
        scopes = {"policies": opened.columns["policies"]}
        asked = [text for texts in CONDITIONS.values() for text in texts] + OPERATORS
        query = exp.select("policy_id").from_("policies").order_by("policy_id")
        for number, text in enumerate(asked):
            condition = bind(parse_condition(text, scopes, "policies"), local_now(opened))
            query = query.select(exp.alias_(exp.paren(condition), f"c{number}"))
        here, there = rows_of(query, opened), rows_of(query, replace(opened, engine=handed))
    for number, text in enumerate(asked):
        answers = [row[f"c{number}"] for row in here]
        assert [row[f"c{number}"] for row in there] == answers, text
    never = [text for number, text in enumerate(asked) if not any(row[f"c{number}"] for row in here)]
    assert len(never) < len(asked) / 3, "conditions that hold for no row prove little"


TRIGGERS: list[dict[str, Any]] = [
    {"kind": "date", "of": "policies.expiry_date", "offset": "-60d", "max_age": "20d"},
    {"kind": "date", "of": "policies.expiry_date", "offset": "-2mo", "late": "fire", "max_age": "40d"},
    {"kind": "date", "of": "policies.expiry_date", "offset": "-30wd", "max_age": "40d"},
    {"kind": "date", "of": "customers.birth_date", "yearly": True, "late": "fire", "max_age": "90d"},
    {"kind": "date", "of": "customers.birth_date", "yearly": True, "leap": "mar1", "max_age": "40d"},
    {"kind": "event", "type": ["call", "quote"], "after": "1d", "unless": "bought", "late": "fire", "max_age": "30d"},
    {"kind": "event", "type": "call", "after": "2wd", "max_age": "30d"},
    {"kind": "event", "of": "claims", "status": ["paid", "in_review"], "max_age": "30d"},
    {"kind": "missing", "after": {"event": "quote"}, "for": "36h", "expected": "bought", "max_age": "30d"},
    {"kind": "missing", "after": {"claim_status": "in_review"}, "for": "2d", "max_age": "30d"},
    {"kind": "dormancy", "for": "3d", "max_age": "90d"},
    {"kind": "region", "severity": "moderate", "max_age": "30d"},
    {"kind": "region", "of": "customers", "phase": "after", "offset": "2h", "max_age": "30d"},
    {"kind": "count", "type": "call", "at_least": 2, "within": "3d", "late": "fire", "max_age": "40d"},
    {"kind": "count", "of": "complaints", "at_least": 2, "within": "20d", "max_age": "40d"},
    {"kind": "segment", "where": "region_code is not null", "holds": ["motor"], "without": "bought", "max_age": "9d"},
    {"kind": "score", "of": "policies.lapse_risk", "above": 0.5, "rearm": 0.3, "max_age": "9d"},
]


def insurer() -> dict[str, list[dict[str, Any]]]:
    """Two dozen customers whose dates lie around NOW and around the night the clocks go forward, by a fixed rule."""
    names = [f"C{n:02}" for n in range(24)]
    when = [NOW - timedelta(hours=7 * n + 1) for n in range(24)]
    return {
        "customers": [
            {"customer_id": c, "region_code": "440300" if n % 2 else None, "birth_date": date(1984 + n % 3, 2, 29 if (1984 + n % 3) % 4 == 0 else 27), "joined_on": "2026-03-01"}
            for n, c in enumerate(names)
        ],
        "policies": [
            {"policy_id": f"P{c}", "customer_id": c, "line": "motor" if n % 3 else "home", "status": "active", "lapse_risk": n / 24,
             "expiry_date": date(2026, 5, 1) + timedelta(days=3 * n), "insured_region_code": "440305" if n % 4 == 0 else None}
            for n, c in enumerate(names)
        ],
        "claims": [
            {"claim_id": f"L{c}", "policy_id": f"P{c}", "status": ["paid", "in_review", "denied"][n % 3], "reported_at": when[n] - timedelta(days=4), "updated_at": when[n]}
            for n, c in enumerate(names) if n % 2
        ],
        "events": [
            {"event_id": f"E{c}{k}", "customer_id": c, "type": kind, "occurred_at": when[n] - timedelta(hours=11 * k), "subject_id": f"P{c}" if k else None}
            for n, c in enumerate(names) for k, kind in enumerate(["call", "quote", "call", "bought"][: n % 5])
        ],
        "complaints": [{"complaint_id": f"K{c}{k}", "customer_id": c, "opened_at": when[n] - timedelta(days=5 * k)} for n, c in enumerate(names[::5]) for k in range(3)],
        "alerts": [
            {"alert_id": "A1", "event": "typhoon", "severity": "severe", "effective_at": when[3], "expires_at": None, "region_codes": ["440000"]},
            {"alert_id": "A2", "event": "storm", "severity": "minor", "effective_at": when[9], "expires_at": when[5], "region_codes": ["440300"]},
        ],
    }  # fmt: skip


def test_every_kind_finds_the_same_moments(handed: SparkEngine):
    found = 0
    with facts(NOW, timezone="Europe/Berlin", **insurer()) as opened:
        entered = {
            "customer_id": ["C01", "C05"],
            "subject": ["customer", "policy:PC05"],
            "entered_at": [NOW, NOW - timedelta(days=2)],
        }
        remember(opened.db, pa.table({**entered, "left_at": pa.nulls(2), "initial": [False] * 2}))
        there = replace(opened, engine=handed)
        for fields in TRIGGERS:
            trigger = TypeAdapter(AnyTrigger).validate_python(fields)
            here = list(moments(trigger, opened))
            assert pa.Table.from_batches(here).equals(pa.Table.from_batches(list(moments(trigger, there)))), fields
            found += sum(batch.num_rows for batch in here)
            if trigger.remembers:
                asked = trigger.members(opened.columns, local_now(opened)).order_by("customer_id", "subject")
                assert rows_of(asked, opened) == rows_of(asked, there) != [], fields
    assert found > 100


def same_moments(place: Workspace, as_of: str, engine: SparkEngine) -> dict[str, int]:
    """How many moments each campaign has, the same on both engines, row by row and in the same order."""
    counted: dict[str, int] = {}
    with place.facts(place.instant(as_of, lambda: NOW)) as opened:
        there = replace(opened, engine=engine)
        campaigns, problems = runnable(place, opened.columns)
        assert problems == []
        for campaign in campaigns:
            tables = [
                [row for batch in moments(campaign.trigger, each) for row in batch.to_pylist()]
                for each in (opened, there)
            ]
            assert tables[0] == tables[1], campaign.name
            counted[campaign.name] = len(tables[0])
            if campaign.trigger.remembers:
                query = campaign.trigger.members(opened.columns, local_now(opened)).order_by("customer_id", "subject")
                members = rows_of(query, opened)
                assert members == rows_of(query, there), campaign.name
                counted[campaign.name] = len(members)
    return counted


def test_the_demo_insurers_campaigns_find_the_same_moments(handed: SparkEngine, tmp_path: Path, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["init", str(tmp_path / "demo"), "--demo", "--customers", "2000", "--as-of", "2026-11-23"])
    capsys.readouterr()
    counted = same_moments(Workspace(tmp_path / "demo"), "2026-11-23", handed)
    assert len(counted) == 13
    assert all(counted.values()), counted


@pytest.mark.real_data
def test_the_fleets_campaigns_find_the_same_moments(handed: SparkEngine, real_data, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("KAIROS_DATA", str(real_data("cas-policy-lifecycle").parent))
    shutil.copytree(ROOT / "docs" / "examples" / "fleet", tmp_path / "fleet")
    counted = same_moments(Workspace(tmp_path / "fleet"), "2012-11-01", handed)
    assert counted["fleet-renewal"] > 10_000


def test_an_engine_that_is_none_is_a_fault_with_a_way_out():
    assert [is_engine(each) for each in ("duckdb", "local[2]", "spark://m:7077", "yarn", "polars")] == [
        True,
        True,
        True,
        True,
        False,
    ]
