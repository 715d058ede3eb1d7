"""What every kind of trigger promises, whichever it is."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
import sqlglot
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError
from sqlglot import exp

from triggers.condition_faults import ConditionError
from triggers.facts import Facts
from triggers.kinds import KINDS, AnyTrigger
from triggers.memberships import remember
from triggers.moments import moments
from triggers.testing import facts
from triggers.trigger import MOMENT_COLUMNS, Trigger

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 9, tzinfo=ZONE)
EXAMPLES: dict[str, dict[str, Any]] = {
    "date": {"of": "policies.expiry_date", "offset": "-60d"},
    "event": {"type": "call"},
    "missing": {"after": {"event": "call"}, "for": "1h", "expected": "answer"},
    "dormancy": {"for": "2d", "contact": ["call"]},
    "region": {"severity": "moderate"},
    "count": {"type": "call", "at_least": 2, "within": "7d"},
    "segment": {"holds": ["motor"], "where": "region_code is not null"},
    "score": {"of": "policies.lapse_risk", "above": 0.8},
}


def example(kind: str, **fields: Any) -> Trigger:
    return TypeAdapter(AnyTrigger).validate_python({"kind": kind, **EXAMPLES[kind], **fields})


@pytest.fixture(scope="module")
def known() -> Iterator[Facts]:
    """Customers of whom the first fires every kind, and others who are close to none."""
    day, names = "2026-02-27T08:00", [f"C{number}" for number in range(1, 4)]
    with facts(
        NOW,
        customers=[{"customer_id": name, "region_code": "440300"} for name in [*names, "C9"]],
        policies=[
            {
                "policy_id": f"P{number}",
                "customer_id": name,
                "status": "active",
                "line": "motor",
                "expiry_date": expiry,
                "lapse_risk": 0.9 - number / 4,
            }
            for number, (name, expiry) in enumerate(zip(names, ["2026-04-30", "2026-05-09", None], strict=True))
        ],
        events=[
            {"event_id": f"E{number}", "customer_id": name, "type": "call", "occurred_at": day, "subject_id": None}
            for number, name in enumerate(["C1", "C1", "C2"])
        ],
        alerts=[
            {
                "alert_id": "A1",
                "event": "typhoon",
                "severity": "severe",
                "effective_at": day,
                "region_codes": ["440000"],
            }
        ],
    ) as opened:
        entered = {"customer_id": ["C1"] * 2, "subject": ["customer", "policy:P0"], "entered_at": [NOW] * 2}
        remember(opened.db, pa.table({**entered, "left_at": pa.nulls(2), "initial": [False] * 2}))
        yield opened


every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def test_every_kind_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(KINDS)


@every_kind
def test_every_kind_projects_the_columns_of_a_moment(kind: str, known: Facts) -> None:
    batches = list(moments(example(kind), known))
    assert batches and batches[0].num_rows
    schema = batches[0].schema
    assert schema.names == list(MOMENT_COLUMNS)
    assert {str(schema.field(name).type) for name in MOMENT_COLUMNS if name != "due_at"} <= {"string", "string_view"}
    assert str(schema.field("due_at").type) == "timestamp[us, tz=Asia/Shanghai]"


@every_kind
def test_every_kind_comes_in_a_total_order_and_in_batches(kind: str, known: Facts) -> None:
    trigger = example(kind, late="fire")
    whole = [row for batch in moments(trigger, known) for row in batch.to_pylist()]
    keys = [(row["customer_id"], row["subject"], row["occasion"]) for row in whole]
    assert keys == sorted(set(keys))
    small = list(moments(trigger, known, rows=1))
    assert [row for batch in small for row in batch.to_pylist()] == whole


@every_kind
def test_every_kind_leaves_the_connection_free_while_it_is_read(kind: str, known: Facts) -> None:
    reading = moments(example(kind), known, rows=1)
    first = next(reading)
    assert known.db.sql("SELECT 1").fetchall() == [(1,)]
    assert first.num_rows == 1
    reading.close()  # type: ignore[attr-defined]


@every_kind
def test_every_kind_explains_every_customer_as_it_selects(kind: str, known: Facts) -> None:
    trigger = example(kind)
    chosen = {row["customer_id"] for batch in moments(trigger, known) for row in batch.to_pylist()}
    for customer in ("C1", "C2", "C3", "C9", "nobody", "' OR 1=1 --", ""):
        verdict, *clauses = trigger.nearest(known, customer)
        assert (verdict.path, verdict.passed) == ("trigger", customer in chosen)
        assert verdict.words and all(clause.words and clause.path.startswith("trigger.") for clause in clauses)


@every_kind
@pytest.mark.parametrize(
    "where", ["1=1; drop table customers", "customer_id in (select 'x')", "getenv('HOME') = 'x'", "nothing = 1", "1 +"]
)
def test_every_kind_refuses_what_is_no_condition(kind: str, where: str, known: Facts) -> None:
    trigger = example(kind, where=where)
    (fault,) = trigger.faults(known.columns, NOW)
    assert (fault.field, fault.line) == ("where", 1)
    with pytest.raises(ConditionError):
        trigger.select(known.columns, NOW)


@every_kind
def test_every_kind_has_no_faults_where_there_are_none(kind: str, known: Facts) -> None:
    assert example(kind, where="customers.region_code = '440300'").faults(known.columns, NOW) == []
    filtered = example(kind, where="customers.region_code = '110000'")
    assert [batch.num_rows for batch in moments(filtered, known) if batch.num_rows] == []


@every_kind
def test_every_kind_takes_nothing_newer_than_now_and_nothing_overdue(kind: str, known: Facts) -> None:
    for late in ("fire", "skip", "nearest"):
        for age in ("1h", "2d", "30d"):
            trigger = example(kind, late=late, max_age=age)
            for batch in moments(trigger, known):
                for row in batch.to_pylist():
                    assert trigger.max_age.before(NOW) <= row["due_at"] <= NOW
                    assert late != "skip" or row["due_at"].astimezone(ZONE).date() == NOW.date()


@every_kind
def test_every_kind_wants_to_know_which_instant_now_is(kind: str, known: Facts) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        example(kind).select(known.columns, NOW.replace(tzinfo=None))


@every_kind
def test_every_kind_selects_the_same_text_for_the_same_question(kind: str, known: Facts) -> None:
    texts = {example(kind).select(known.columns, NOW).sql("duckdb") for _ in range(3)}
    assert len(texts) == 1


@every_kind
def test_every_kind_can_be_written_for_spark(kind: str, known: Facts) -> None:
    written = example(kind, where="lower(customers.region_code) like '44%'").select(known.columns, NOW).sql("spark")
    assert isinstance(sqlglot.parse_one(written, read="spark"), exp.Select)
    assert "TIMESTAMPTZ" not in written and "TEXT" not in written


@every_kind
def test_every_field_of_every_kind_is_described_and_exemplified(kind: str) -> None:
    schema = KINDS[kind].model_json_schema()
    for name, field in schema["properties"].items():
        if name != "kind":
            assert field.get("description"), name
            assert field.get("examples"), name


@every_kind
def test_every_example_is_accepted_by_the_schema_and_survives_a_round_trip(kind: str) -> None:
    adapter: TypeAdapter[Trigger] = TypeAdapter(AnyTrigger)
    document = {"kind": kind, **EXAMPLES[kind]}
    Draft202012Validator(adapter.json_schema()).validate(document)
    trigger = adapter.validate_python(document)
    assert adapter.validate_json(trigger.model_dump_json(by_alias=True)) == trigger


@every_kind
def test_every_kind_refuses_fields_it_does_not_have(kind: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        example(kind, wher="line = 'x'")


def test_kinds_are_told_apart_by_their_name() -> None:
    with pytest.raises(ValidationError, match="does not match any of the expected tags: 'count', 'date'"):
        TypeAdapter(AnyTrigger).validate_python({"kind": "dat"})


def test_the_kinds_load_without_the_heavy_libraries() -> None:
    code = "import sys, triggers.kinds; print({'pandas', 'pyarrow', 'duckdb', 'sklearn', 'shapely'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "set()\n"
