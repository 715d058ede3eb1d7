from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from triggers.durations import Span
from triggers.facts import Facts
from triggers.kinds.count import CountTrigger
from triggers.moments import local_now, moments, rows_of, session
from triggers.testing import facts
from triggers.workdays import calendar_of

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 9, tzinfo=ZONE)
CUSTOMERS = [{"customer_id": "C1", "tier": "gold"}, {"customer_id": "C2"}]
POLICIES = [
    {"policy_id": f"P{number}", "customer_id": "C1", "product_id": "M", "line": "motor", "status": "active"}
    for number in (1, 2)
]


def complaints_of(**fields: Any) -> CountTrigger:
    asked = {"of": "complaints", "at_least": 3, "within": "7d", "late": "fire", "max_age": "30d"}
    return CountTrigger.model_validate({"kind": "count", **asked, **fields})


def braking(**fields: Any) -> CountTrigger:
    asked = {"type": "harsh_braking", "at_least": 2, "within": "24h", "late": "fire", "max_age": "30d"}
    return CountTrigger.model_validate({"kind": "count", **asked, **fields})


def found(trigger: CountTrigger, known: Facts) -> list[dict[str, Any]]:
    return [row for batch in moments(trigger, known) for row in batch.to_pylist()]


def days(trigger: CountTrigger, known: Facts) -> list[str]:
    return [row["occasion"] for row in found(trigger, known)]


def complaints(*at: str, customer: str = "C1", **columns: Any) -> list[dict[str, Any]]:
    return [
        {"complaint_id": f"{customer}-{number}", "customer_id": customer, "opened_at": day, **columns}
        for number, day in enumerate(at)
    ]


def brakes(*at: str, subject: str | None = None, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"E{number}",
            "customer_id": "C1",
            "type": "harsh_braking",
            "occurred_at": day,
            "subject_id": subject,
        }
        for number, day in enumerate(at, start)
    ]


def test_the_third_complaint_of_a_week_is_a_moment() -> None:
    opened = complaints("2026-02-22T10:00", "2026-02-25T10:00", "2026-02-28T10:00")
    with facts(NOW, customers=CUSTOMERS, complaints=opened) as known:
        assert found(complaints_of(), known) == [
            {
                "customer_id": "C1",
                "subject": "customer",
                "occasion": "2026-02-28",
                "due_at": datetime(2026, 2, 28, 10, tzinfo=ZONE),
                "policy_id": None,
                "claim_id": None,
                "event_id": None,
                "alert_id": None,
            }
        ]


@pytest.mark.parametrize(("third", "fires"), [("2026-02-28T09:59:59", True), ("2026-02-28T10:00:00", False)])
def test_what_lies_back_exactly_so_long_no_longer_counts(third: str, fires: bool) -> None:
    opened = complaints("2026-02-21T10:00", "2026-02-25T10:00", third)
    with facts(NOW, customers=CUSTOMERS, complaints=opened) as known:
        assert bool(days(complaints_of(), known)) is fires


def test_while_the_number_stays_high_nothing_further_happens_and_a_new_rise_is_a_new_occasion() -> None:
    high = ("2026-02-01T08:00", "2026-02-02T08:00", "2026-02-03T08:00", "2026-02-04T08:00", "2026-02-05T08:00")
    again = ("2026-02-20T08:00", "2026-02-21T08:00", "2026-02-22T08:00")
    with facts(NOW, customers=CUSTOMERS, complaints=complaints(*high, *again)) as known:
        assert days(complaints_of(), known) == ["2026-02-03", "2026-02-22"]


def test_two_at_the_same_instant_are_two_and_the_later_id_reaches_the_number() -> None:
    with facts(NOW, customers=CUSTOMERS, events=brakes("2026-02-28T10:00", "2026-02-28T10:00")) as known:
        (row,) = found(braking(), known)
        assert (row["event_id"], row["occasion"]) == ("E1", "2026-02-28")


def test_an_earlier_occurrence_that_becomes_known_late_does_not_make_a_second_occasion_of_the_day() -> None:
    known_first = brakes("2026-02-28T10:00", "2026-02-28T12:00")
    late = brakes("2026-02-28T09:00", start=2)
    with facts(NOW, customers=CUSTOMERS, events=known_first) as known:
        before = found(braking(), known)
    with facts(NOW, customers=CUSTOMERS, events=[*known_first, *late]) as known:
        after = found(braking(), known)
    identity = [(row["customer_id"], row["subject"], row["occasion"]) for row in before]
    assert identity == [(row["customer_id"], row["subject"], row["occasion"]) for row in after]
    assert [row["event_id"] for row in (*before, *after)] == ["E1", "E0"]


def test_two_rises_on_one_day_are_one_occasion_at_the_first() -> None:
    with facts(NOW, customers=CUSTOMERS, events=brakes(
        "2026-02-28T01:00", "2026-02-28T01:30", "2026-02-28T08:00", "2026-02-28T08:30"
    )) as known:  # fmt: skip
        rows = found(braking(within="1h"), known)
        assert [(row["occasion"], row["event_id"]) for row in rows] == [("2026-02-28", "E1")]


def test_per_subject_each_policy_counts_by_itself() -> None:
    events = [
        *brakes("2026-02-28T10:00", "2026-02-28T11:00", subject="P1"),
        *brakes("2026-02-28T10:30", subject="P2", start=2),
        *brakes("2026-02-28T12:00", "2026-02-28T13:00", subject="trip", start=3),
        *brakes("2026-02-28T14:00", start=5),
    ]
    with facts(NOW, customers=CUSTOMERS, policies=POLICIES, events=events) as known:
        rows = found(braking(per="subject"), known)
        seen = [(row["subject"], row["policy_id"], row["event_id"]) for row in rows]
        assert seen == [("policy:P1", "P1", "E1"), ("subject:trip", None, "E4")]
        assert [row["event_id"] for row in found(braking(), known)] == ["E2"]


def test_claims_are_counted_by_when_they_were_reported() -> None:
    claims = [
        {"claim_id": f"L{number}", "policy_id": policy, "status": "paid", "reported_at": at}
        for number, (policy, at) in enumerate([("P1", "2025-12-05"), ("P2", "2026-01-20"), ("P1", "2026-02-20")])
    ]
    with facts(NOW, customers=CUSTOMERS, policies=POLICIES, claims=claims) as known:
        asked = {"of": "claims", "type": [], "within": "3mo"}
        rows = found(braking(**asked, max_age="2mo"), known)
        assert [(row["subject"], row["claim_id"], row["policy_id"]) for row in rows] == [("customer", "L1", "P2")]
        rows = found(braking(**asked, per="subject"), known)
        assert [(row["subject"], row["claim_id"], row["policy_id"]) for row in rows] == [("policy:P1", "L2", "P1")]


def test_where_says_which_occurrences_count() -> None:
    opened = [
        *complaints("2026-02-26T10:00", "2026-02-27T10:00", category="delay"),
        {"complaint_id": "X", "customer_id": "C1", "opened_at": "2026-02-28T10:00", "category": "price"},
    ]
    with facts(NOW, customers=CUSTOMERS, complaints=opened) as known:
        assert days(complaints_of(at_least=2), known) == ["2026-02-27"]
        assert days(complaints_of(at_least=3), known) == ["2026-02-28"]
        assert days(complaints_of(at_least=3, where="category = 'delay'"), known) == []
        assert days(complaints_of(at_least=2, where="customers.tier = 'silver'"), known) == []


def test_the_moment_may_be_due_a_working_day_later() -> None:
    opened = complaints("2026-09-29T10:00", "2026-09-30T10:00")
    trigger = complaints_of(at_least=2, after="1wd")
    for hour, expected in ((9, []), (10, ["2026-09-30"])):
        now = datetime(2026, 10, 8, hour, tzinfo=ZONE)
        with facts(now, customers=CUSTOMERS, complaints=opened, calendar=calendar_of("CN")) as known:
            assert days(trigger, known) == expected


@pytest.mark.parametrize(
    ("late", "expected"), [("fire", ["2026-02-03", "2026-02-22"]), ("nearest", ["2026-02-22"]), ("skip", [])]
)
def test_late_rises_follow_the_rule_of_all_kinds(late: str, expected: list[str]) -> None:
    opened = complaints("2026-02-02T08:00", "2026-02-03T08:00", "2026-02-21T08:00", "2026-02-22T08:00")
    with facts(NOW, customers=CUSTOMERS, complaints=opened) as known:
        assert days(complaints_of(at_least=2, late=late), known) == expected


def test_nearest_tells_how_many_there_were_and_how_many_are_looked_for() -> None:
    opened = [*complaints("2026-02-25T10:00", "2026-02-28T10:00"), *complaints("2026-01-02T10:00", customer="C2")]
    with facts(NOW, customers=[*CUSTOMERS, {"customer_id": "C3"}], complaints=opened) as known:
        words = [complaints_of().nearest(known, name)[0].words for name in ("C1", "C3")]
        assert words == [
            "customer C1 had 2 complaints within 7 days, the campaign looks for 3",
            "customer C3 has no complaint that counts",
        ]
        assert complaints_of().nearest(known, "C2")[0].words == (
            "customer C2 had 1 complaint within 7 days, the campaign looks for 3; "
            "complaint C2-0 is overdue by 58 days, the campaign takes up to 30 days"
        )


def test_nearest_tells_that_the_number_was_high_before() -> None:
    opened = complaints("2026-01-25T10:00", "2026-01-26T10:00", "2026-01-27T10:00", "2026-01-31T11:00")
    with facts(NOW, customers=CUSTOMERS, complaints=opened) as known:
        verdict = complaints_of().nearest(known, "C1")[0]
        assert not verdict.passed
        assert verdict.words == "customer C1 had 3 complaints within 7 days already before complaint C1-3"


def test_nearest_names_the_policy_and_the_type() -> None:
    events = brakes("2026-02-28T10:00", subject="P1")
    with facts(NOW, customers=CUSTOMERS, policies=POLICIES, events=events) as known:
        assert braking(per="subject").nearest(known, "C1")[0].words == (
            "customer C1 had 1 event of type harsh_braking within 24 hours about policy P1, the campaign looks for 2"
        )
        assert braking().nearest(known, "C2")[0].words == "customer C2 has no event of type harsh_braking that counts"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"of": "events"}, "a count of events names their `type`"),
        ({"type": "call"}, "a count of events names their `type`, others have none"),
        ({"per": "subject"}, "complaints are about the customer"),
        ({"at_least": 1}, "greater than or equal to 2"),
        ({"within": "-7d"}, "is no length of time"),
        ({"within": "5wd"}, "'5wd' counts working days, which is not possible here"),
    ],
)
def test_what_cannot_be_counted_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        complaints_of(**fields)


def refill(known: Facts, events: Sequence[tuple[datetime, str]]) -> None:
    """Put these events in place of all others: when, and what each is about."""
    known.db.execute("DELETE FROM events")
    rows = [(f"E{number:02}", at, about or None) for number, (at, about) in enumerate(events)]
    if rows:
        sql = "INSERT INTO events (event_id, customer_id, type, occurred_at, subject_id) VALUES (?, 'C1', 'call', ?, ?)"
        known.db.executemany(sql, rows)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Facts]:
    """Facts whose events a test may replace."""
    with facts(NOW, customers=CUSTOMERS, policies=POLICIES, events=brakes("2026-02-01")) as known:
        yield known


def expected(events: Sequence[tuple[datetime, str]], trigger: CountTrigger) -> set[tuple[str, str]]:
    """The rises, in plain Python: (subject, day), by looking back from every event in order."""
    rises: set[tuple[str, str]] = set()
    order = sorted(range(len(events)), key=lambda number: (events[number][0], number))
    was_high: dict[str, bool] = {}
    passed: dict[str, list[datetime]] = {}
    for number in order:
        at, about = events[number]
        subject = "customer"
        if trigger.per == "subject" and about:
            subject = f"policy:{about}" if about.startswith("P") else f"subject:{about}"
        earlier = passed.setdefault(subject, [])
        earlier.append(at)
        high = sum(each > trigger.within.before(at) for each in earlier) >= trigger.at_least
        if high and not was_high.get(subject, False):
            rises.add((subject, at.astimezone(ZONE).date().isoformat()))
        was_high[subject] = high
    return rises


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 20 * 24).map(lambda hours: NOW - timedelta(hours=hours)), st.sampled_from(["", "P1", "T"])
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(
    events=EVENTS,
    at_least=st.integers(2, 4),
    within=st.builds(Span, st.integers(1, 80), st.just("h")) | st.builds(Span, st.integers(1, 9), st.just("d")),
    per=st.sampled_from(["customer", "subject"]),
    max_age=st.sampled_from(["20d", "3d", "5h"]),
)
def test_the_query_finds_what_the_rules_say(
    scratch: Facts, events: list[tuple[datetime, str]], at_least: int, within: Span, per: str, max_age: str
) -> None:
    refill(scratch, events)
    trigger = braking(type="call", at_least=at_least, within=within, per=per, max_age="21d")
    rows = found(trigger, scratch)
    assert {(row["subject"], row["occasion"]) for row in rows} == expected(events, trigger)
    assert len(rows) == len(expected(events, trigger))
    standing = trigger.candidates(scratch.columns, local_now(scratch), None).found()
    with session(scratch) as db:
        every = {(row["subject"], row["occasion"]) for row in rows_of(db, standing)}
    assert every == expected(events, trigger)
    stricter = trigger.model_copy(update={"max_age": Span.parse(max_age)})
    assert {(row["subject"], row["occasion"]) for row in found(stricter, scratch)} <= every
    assert stricter.nearest(scratch, "C1")[0].passed is bool(found(stricter, scratch))
