from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from triggers.facts import Facts
from triggers.kinds.dormancy import DormancyTrigger
from triggers.moments import moments
from triggers.occurrences import DERIVED
from triggers.outcomes import BOUGHT, RENEWED
from triggers.testing import facts

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 9, tzinfo=ZONE)


def silence(length: str, **fields: Any) -> DormancyTrigger:
    return DormancyTrigger.model_validate({"kind": "dormancy", "for": length, **fields})


def keys(trigger: DormancyTrigger, known: Facts) -> list[tuple[str, str]]:
    rows = [row for batch in moments(trigger, known) for row in batch.to_pylist()]
    assert all(row["subject"] == "customer" for row in rows)
    return [(row["customer_id"], row["occasion"]) for row in rows]


def event(name: str, at: str, kind: str = "call", customer: str = "C1") -> dict[str, Any]:
    return {"event_id": name, "customer_id": customer, "type": kind, "occurred_at": at}


CUSTOMERS = [{"customer_id": "C1", "joined_on": "2020-01-01"}, {"customer_id": "C2", "joined_on": None}]


def test_the_silence_is_counted_in_local_days() -> None:
    with facts(NOW, customers=CUSTOMERS, events=[event("E1", "2026-02-19T23:30")]) as known:
        assert keys(silence("10d"), known) == [("C1", "2026-02-19")]
        assert keys(silence("11d"), known) == []
    with facts(NOW, customers=CUSTOMERS, events=[event("E1", "2026-02-20T00:30")]) as known:
        assert keys(silence("10d"), known) == []


def test_hours_are_counted_from_the_very_contact() -> None:
    with facts(NOW, customers=CUSTOMERS, events=[event("E1", "2026-02-28T09:00")]) as known:
        assert keys(silence("24h"), known) == [("C1", "2026-02-28")]
        assert keys(silence("25h"), known) == []


def test_the_last_contact_counts_and_a_new_silence_is_a_new_occasion() -> None:
    events = [event("E1", "2025-12-01T10:00"), event("E2", "2026-02-15T10:00", "app_login")]
    with facts(NOW, customers=CUSTOMERS, events=events) as known:
        assert keys(silence("10d"), known) == [("C1", "2026-02-15")]
        assert keys(silence("80d", contact=["call"]), known) == [("C1", "2025-12-01")]


def test_joining_begins_the_silence_where_no_contact_followed() -> None:
    customers = [{"customer_id": "C3", "joined_on": "2026-02-15"}, {"customer_id": "C4", "joined_on": "2026-02-15"}]
    events = [event("E1", "2026-02-10T10:00", customer="C3"), event("E2", "2026-02-18T10:00", customer="C4")]
    with facts(NOW, customers=customers, events=events) as known:
        assert keys(silence("10d"), known) == [("C3", "2026-02-15"), ("C4", "2026-02-18")]


def test_derived_events_are_no_contact_unless_they_are_named() -> None:
    policy = {
        "policy_id": "P1", "customer_id": "C1", "status": "active", "line": "motor", "effective_date": "2026-02-18",
    }  # fmt: skip
    events = [event("E1", "2026-02-10T10:00")]
    with facts(NOW, customers=CUSTOMERS, policies=[policy], events=events) as known:
        assert keys(silence("10d"), known) == [("C1", "2026-02-10")]
        assert keys(silence("10d", contact="policy_bought"), known) == [("C1", "2026-02-18")]


def test_a_silence_older_than_the_campaign_takes_never_fires() -> None:
    with facts(NOW, customers=CUSTOMERS, events=[event("E1", "2026-01-01T10:00")]) as known:
        assert keys(silence("20d"), known) == []
        assert keys(silence("20d", max_age="40d"), known) == [("C1", "2026-01-01")]


def test_where_looks_at_the_customer() -> None:
    customers = [{"customer_id": "C1", "joined_on": "2026-02-15", "tier": "gold"}]
    with facts(NOW, customers=customers) as known:
        assert keys(silence("10d", where="tier = 'gold'"), known) == [("C1", "2026-02-15")]
        assert keys(silence("10d", where="tier = 'none'"), known) == []


def test_the_field_is_called_for_in_the_file_and_nothing_else() -> None:
    with pytest.raises(ValidationError):
        DormancyTrigger.model_validate({"kind": "dormancy", "silence": "10d"})
    assert silence("10d").model_dump(mode="json", by_alias=True)["for"] == "10d"


def test_nearest_counts_the_days_of_silence() -> None:
    with facts(NOW, customers=CUSTOMERS, events=[event("E1", "2026-02-19T23:30")]) as known:
        words = silence("180d").nearest(known, "C1")[0].words
        assert words == "the last sign of customer C1 was on 2026-02-19, 10 days ago, the campaign waits for 180 days"
        nothing = silence("180d").nearest(known, "C2")[0].words
        assert nothing == "customer C2 has neither a contact nor a day of joining, so no silence can be reckoned"
        assert silence("10d").nearest(known, "C1")[0].passed


def refill(known: Facts, events: Sequence[dict[str, Any]]) -> None:
    """Put these events in place of all others."""
    known.db.execute("DELETE FROM events")
    columns = ("event_id", "customer_id", "type", "occurred_at", "subject_id")
    if events:
        rows = [[row.get(name) for name in columns] for row in events]
        known.db.executemany(f"INSERT INTO events ({', '.join(columns)}) VALUES (?, ?, ?, ?, ?)", rows)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Facts]:
    """Facts whose events a test may replace."""
    with facts(NOW, customers=[], events=[]) as known:
        yield known


@settings(max_examples=30, deadline=None)
@given(
    customers=st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=1, max_size=6),
    contacts=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60 * 24)), max_size=10),
    length=st.integers(0, 40),
    max_age=st.integers(0, 30),
    late=st.sampled_from(["fire", "skip", "nearest"]),
)
def test_the_query_finds_what_the_rules_say(
    scratch: Facts, customers: list[int | None], contacts: list[tuple[int, int]], length: int, max_age: int, late: str
) -> None:
    first = date(2025, 12, 31)
    rows = [
        {
            "customer_id": f"C{number}",
            "joined_on": (first + timedelta(days=day)).isoformat() if day is not None else None,
        }
        for number, day in enumerate(customers)
    ]
    midnight = datetime.combine(first, time(), ZONE)
    events = [
        event(f"E{number}", (midnight + timedelta(hours=hour)).isoformat(), customer=f"C{who}")
        for number, (who, hour) in enumerate(contacts)
        if who < len(customers) and midnight + timedelta(hours=hour) <= NOW
    ]
    expected = []
    for number, joined in enumerate(customers):
        days = [hour // 24 for who, hour in contacts if who == number and midnight + timedelta(hours=hour) <= NOW]
        days += [joined] if joined is not None else []
        if not days:
            continue
        due_at = midnight + timedelta(days=max(days) + length)
        on_day = late != "skip" or due_at.date() == NOW.date()
        if NOW - timedelta(days=max_age) <= due_at <= NOW and on_day:
            expected.append((f"C{number}", (first + timedelta(days=max(days))).isoformat()))
    refill(scratch, events)
    scratch.db.execute("DELETE FROM customers")
    pairs = [[row["customer_id"], row["joined_on"]] for row in rows]
    scratch.db.executemany("INSERT INTO customers (customer_id, joined_on) VALUES (?, ?)", pairs)
    assert keys(silence(f"{length}d", max_age=f"{max_age}d", late=late), scratch) == sorted(expected)


def test_the_events_left_out_are_those_that_are_derived() -> None:
    assert set(DERIVED) == {BOUGHT, RENEWED}
