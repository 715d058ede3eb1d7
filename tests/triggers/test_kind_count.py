"""Several of something within a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers.kinds.count import CountTrigger
from triggers.moments import moments
from triggers.testing import facts

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, tzinfo=ZONE)
COMPLAINTS = {"kind": "count", "of": "complaints", "at_least": 3, "within": "7d", "max_age": "30d", "late": "fire"}


def count(**fields: Any) -> CountTrigger:
    return CountTrigger.model_validate(COMPLAINTS | fields)


def complaints(*days_ago: float, customer: str = "C1") -> list[dict[str, Any]]:
    return [
        {"complaint_id": f"{customer}-K{number}", "customer_id": customer, "opened_at": NOW - timedelta(days=ago)}
        for number, ago in enumerate(days_ago)
    ]


def found(trigger: CountTrigger, now: datetime = NOW, **tables: Any) -> list[tuple[str, str, str]]:
    customers = [{"customer_id": name} for name in ("C1", "C2")]
    with facts(now, customers=customers, **tables) as opened:
        rows = [row for batch in moments(trigger, opened) for row in batch.to_pylist()]
        return [(row["customer_id"], row["subject"], row["occasion"]) for row in rows]


def why(trigger: CountTrigger, customer: str, **tables: Any) -> str:
    with facts(NOW, customers=[{"customer_id": "C1"}, {"customer_id": "C2"}], **tables) as opened:
        return trigger.nearest(opened, customer)[0].words


def test_the_third_complaint_in_a_week_is_the_moment():
    assert found(count(), complaints=complaints(9, 6, 1, 0)) == [("C1", "customer", "2026-11-23")]


def test_a_complaint_exactly_a_week_before_still_counts_and_an_hour_more_does_not():
    assert len(found(count(), complaints=complaints(8, 4, 1))) == 1
    assert found(count(), complaints=complaints(8 + 1 / 24, 4, 1)) == []


def test_a_fourth_and_a_fifth_are_no_moments_of_their_own():
    assert found(count(), complaints=complaints(6, 5, 4, 3, 2)) == [("C1", "customer", "2026-11-19")]


def test_once_it_has_been_quiet_it_may_happen_again():
    assert found(count(), complaints=complaints(25, 24, 23, 3, 2, 1)) == [
        ("C1", "customer", "2026-10-31"),
        ("C1", "customer", "2026-11-22"),
    ]


def test_an_earlier_one_of_the_day_that_becomes_known_late_makes_no_second_occasion():
    known = complaints(4, 3, 0.1)
    assert [row[2] for row in found(count(), complaints=known)] == ["2026-11-23"]
    later = [*known, {"complaint_id": "K9", "customer_id": "C1", "opened_at": NOW - timedelta(hours=5)}]
    assert [row[2] for row in found(count(), complaints=later)] == ["2026-11-23"]


def test_events_are_counted_by_type_and_where_and_subject():
    rows = [
        {"event_id": f"E{n}", "customer_id": "C1", "type": kind, "occurred_at": NOW - timedelta(hours=n), "subject_id": subject, "channel": via}
        for n, (kind, subject, via) in enumerate(
            [("harsh_braking", "P1", "car"), ("harsh_braking", "P2", "car"), ("harsh_braking", "P1", "car"), ("call", "P1", "car"), ("harsh_braking", "P1", "app")]
        )
    ]  # fmt: skip
    policies = [{"policy_id": name, "customer_id": "C1"} for name in ("P1", "P2")]
    braking = {"of": "events", "type": "harsh_braking", "at_least": 2, "within": "24h"}
    assert found(count(**braking), events=rows, policies=policies) == [("C1", "customer", "2026-11-23")]
    each = count(**braking, per="subject", where="channel = 'car'")
    assert found(each, events=rows, policies=policies) == [("C1", "policy:P1", "2026-11-23")]
    assert found(count(**braking | {"at_least": 4}, where="channel = 'car'"), events=rows, policies=policies) == []


def test_claims_are_counted_for_the_claimant():
    policies = [{"policy_id": "P1", "customer_id": "C2"}]
    claims = [
        {
            "claim_id": f"L{n}",
            "policy_id": "P1",
            "customer_id": "C1" if n else None,
            "status": "reported",
            "reported_at": NOW - timedelta(days=n),
        }
        for n in range(3)
    ]
    assert found(count(of="claims", at_least=2), policies=policies, claims=claims) == [("C1", "customer", "2026-11-22")]


def test_why_tells_how_many_there_were():
    rows = complaints(3, 1)
    assert why(count(), "C1", complaints=rows) == "complaint C1-K1: wanted 3 complaints within 7 days, seen 2"
    assert why(count(), "C2", complaints=rows) == "customer C2 has no complaint that counts"
    assert why(count(), "C1", complaints=complaints(6, 5, 4)).startswith("complaint C1-K2 is a moment (2026-11-19)")
    fourth = why(count(max_age="1d"), "C1", complaints=complaints(6, 5, 4, 0.5))
    assert "wanted the number was lower before it, seen 4" in fourth


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"of": "events"}, "names their `type`"), ({"type": "call"}, "names their `type`"), ({"per": "subject"}, "about the customer"), ({"at_least": 1}, "greater than or equal to 2")],
)  # fmt: skip
def test_a_count_that_makes_no_sense_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        count(**fields)


def plainly(hours: list[int], at_least: int, within: int) -> set[str]:
    """Days on which the count comes up to the number, found the long way."""
    times = sorted(NOW - timedelta(hours=each) for each in hours)
    full = [
        sum(1 for other in times[: place + 1] if other >= at - timedelta(hours=within)) >= at_least
        for place, at in enumerate(times)
    ]
    rises = [place for place, is_full in enumerate(full) if is_full and not (place and full[place - 1])]
    return {times[place].date().isoformat() for place in rises if times[place] >= NOW - timedelta(days=30)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 900), max_size=14), st.integers(2, 4), st.integers(1, 90))
def test_the_query_finds_what_counting_by_hand_finds(hours, at_least, within):
    rows = [
        {"complaint_id": f"K{number:02}", "customer_id": "C1", "opened_at": NOW - timedelta(hours=ago)}
        for number, ago in enumerate(sorted(hours, reverse=True))
    ]
    trigger = count(at_least=at_least, within=f"{within}h")
    assert {row[2] for row in found(trigger, complaints=rows)} == plainly(hours, at_least, within)
