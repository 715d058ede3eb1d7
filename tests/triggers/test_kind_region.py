from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from triggers.facts import Facts
from triggers.kinds.region import RegionTrigger
from triggers.moments import moments
from triggers.testing import facts

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 7, 1, 9, tzinfo=ZONE)
CUSTOMERS = [
    {"customer_id": "C1", "region_code": "440300", "tier": "gold"},
    {"customer_id": "C2", "region_code": "110000"},
    {"customer_id": "C3"},
]


def trigger(**fields: Any) -> RegionTrigger:
    return RegionTrigger.model_validate({"kind": "region", **fields})


def found(trigger: RegionTrigger, known: Facts) -> list[tuple[str, str, str | None]]:
    rows = [row for batch in moments(trigger, known) for row in batch.to_pylist()]
    assert all(row["subject"] == "customer" and row["occasion"] == row["alert_id"] for row in rows)
    return [(row["customer_id"], row["alert_id"], row["policy_id"]) for row in rows]


def policy(name: str, customer: str, region: str | None = None, status: str = "active") -> dict[str, Any]:
    return {
        "policy_id": name, "customer_id": customer, "line": "home", "status": status, "insured_region_code": region,
    }  # fmt: skip


def alert(name: str, **columns: Any) -> dict[str, Any]:
    return {
        "alert_id": name, "source": "test", "event": "typhoon", "severity": "severe", "status": "active",
        "effective_at": "2026-07-01T06:00", "expires_at": "2026-07-02T06:00", "region_codes": ["440000"], **columns,
    }  # fmt: skip


def known_at(now: datetime, policies: Sequence[Any], *alerts: Any) -> Facts:
    return facts(now, customers=CUSTOMERS, policies=list(policies), alerts=list(alerts))


HOMES = [
    policy("P3", "C1"), policy("P2", "C1", "440305"), policy("P5", "C2", "440100"), policy("P6", "C2"),
    policy("P7", "C3"), policy("P8", "C1", status="lapsed"), policy("P1", "C1", "110000"),
]  # fmt: skip


def test_one_moment_per_customer_and_alert_however_many_policies_lie_there() -> None:
    with known_at(NOW, HOMES, alert("A1")) as known:
        assert found(trigger(), known) == [("C1", "A1", "P2"), ("C2", "A1", "P5")]


def test_of_customers_looks_at_where_they_live() -> None:
    with known_at(NOW, HOMES, alert("A1")) as known:
        assert found(trigger(of="customers"), known) == [("C1", "A1", None)]


def test_the_first_policy_that_fulfils_where_stands_for_all() -> None:
    with known_at(NOW, HOMES, alert("A1")) as known:
        chosen = trigger(where="policy_id <> 'P2' and tier = 'gold' and alerts.event = 'typhoon'")
        assert found(chosen, known) == [("C1", "A1", "P3")]


@pytest.mark.parametrize(
    ("columns", "fires"),
    [
        ({}, True),
        ({"status": "cancelled"}, False),
        ({"status": "test"}, False),
        ({"status": None}, True),
        ({"event": "earthquake"}, False),
        ({"severity": "extreme"}, True),
        ({"severity": "moderate"}, False),
        ({"severity": None}, False),
        ({"expires_at": "2026-07-01T09:00"}, False),
        ({"expires_at": None}, True),
        ({"effective_at": "2026-06-20T06:00"}, False),
    ],
)
def test_only_alerts_in_force_and_bad_enough_count(columns: dict[str, Any], fires: bool) -> None:
    with known_at(NOW, HOMES, alert("A1", **columns)) as known:
        looked = trigger(of="customers", events=["typhoon", "rainstorm"], severity="severe")
        assert found(looked, known) == ([("C1", "A1", None)] if fires else [])


def test_the_guide_after_is_reckoned_from_the_end_of_the_alert() -> None:
    over = alert("A1", effective_at="2026-06-28T06:00", expires_at="2026-06-30T09:00")
    endless = alert("A2", effective_at="2026-06-28T06:00", expires_at=None)
    with known_at(NOW, HOMES, over, endless) as known:
        assert found(trigger(of="customers", phase="after", offset="1d"), known) == [("C1", "A1", None)]
        assert found(trigger(of="customers", phase="after", offset="25h"), known) == []
        assert found(trigger(of="customers", phase="warning"), known) == [("C1", "A2", None)]


def test_care_may_come_before_an_alert_that_is_known_ahead() -> None:
    ahead = alert("A1", effective_at="2026-07-02T08:00", expires_at="2026-07-03T08:00", recorded_at="2026-06-30T08:00")
    with known_at(NOW, HOMES, ahead) as known:
        assert found(trigger(of="customers"), known) == []
        assert found(trigger(of="customers", offset="-24h"), known) == [("C1", "A1", None)]


def test_of_two_alerts_due_nearest_keeps_the_later() -> None:
    alerts = (alert("A1"), alert("A2", event="rainstorm", effective_at="2026-07-01T07:00"))
    with known_at(NOW, HOMES, *alerts) as known:
        assert found(trigger(of="customers"), known) == [("C1", "A2", None)]
        assert found(trigger(of="customers", late="fire"), known) == [("C1", "A1", None), ("C1", "A2", None)]


@pytest.mark.parametrize("name", ["') OR 1=1 --", "'; DROP TABLE alerts; --"])
def test_kinds_of_alert_are_values_and_never_code(name: str) -> None:
    with known_at(NOW, HOMES, alert("A1")) as known:
        assert found(trigger(events=[name]), known) == []
        assert known.db.sql("SELECT count(*) FROM alerts").fetchall() == [(1,)]


def test_unknown_severities_and_phases_are_refused() -> None:
    with pytest.raises(ValidationError):
        trigger(severity="terrible")
    with pytest.raises(ValidationError):
        trigger(phase="before")


def test_nearest_tells_whether_an_alert_covers_the_customer_and_when_it_is_due() -> None:
    with known_at(NOW, HOMES, alert("A1")) as known:
        assert trigger().nearest(known, "C3")[0].words == (
            "no alert the campaign looks at covers an active policy of customer C3"
        )
        assert trigger(offset="6h").nearest(known, "C2")[0].words == (
            "alert A1 for policy P5 takes effect on 2026-07-01 06:00, the campaign looks at 6 hours after"
        )
        verdict = trigger().nearest(known, "C2")[0]
        assert verdict.passed
        assert verdict.words == "alert A1 for policy P5 is a moment (A1), due since 2026-07-01 06:00"


def test_an_alert_that_never_ends_has_no_time_after_it() -> None:
    with known_at(NOW, HOMES, alert("A1", expires_at=None)) as known:
        verdict = trigger(of="customers", phase="after").nearest(known, "C1")[0]
        assert verdict.words == "alert A1 for the customer is never due: the time it is reckoned from is not known"


REGIONS = st.sampled_from([None, "440300", "440100", "110000"])


@settings(max_examples=12, deadline=None)
@given(
    homes=st.lists(st.tuples(st.integers(0, 2), REGIONS, st.sampled_from(["active", "lapsed"])), max_size=6),
    alerts=st.lists(
        st.tuples(st.sampled_from(["440000", "110000", "440100"]), st.integers(0, 12), st.integers(6, 20)), max_size=3
    ),
)
def test_the_query_finds_what_the_rules_say(
    homes: list[tuple[int, str | None, str]], alerts: list[tuple[str, int, int]]
) -> None:
    rows = [policy(f"P{number}", f"C{who + 1}", place, status) for number, (who, place, status) in enumerate(homes)]
    warnings = [
        alert(
            f"A{n}", region_codes=[code], effective_at=f"2026-07-01T{start:02}:00", expires_at=f"2026-07-01T{end:02}:00"
        )
        for n, (code, start, end) in enumerate(alerts)
        if start < end
    ]
    expected: dict[tuple[str, str], str] = {}
    for n, (code, start, end) in enumerate(alerts):
        for number, (who, place, status) in enumerate(homes):
            region = place or CUSTOMERS[who].get("region_code")
            inside = region is not None and (region == code or (code.endswith("0000") and region[:2] == code[:2]))
            if inside and status == "active" and start <= 9 < end:
                key = (f"C{who + 1}", f"A{n}")
                expected[key] = min(expected.get(key, f"P{number}"), f"P{number}")
    with known_at(NOW, rows, *warnings) as known:
        assert found(trigger(late="fire"), known) == sorted((*key, first) for key, first in expected.items())
