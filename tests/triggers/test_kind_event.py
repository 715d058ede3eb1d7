from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from triggers.facts import Facts
from triggers.kinds.event import EventTrigger
from triggers.moments import moments
from triggers.testing import facts

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 9, tzinfo=ZONE)
CUSTOMERS = [{"customer_id": "C1", "tier": "gold"}, {"customer_id": "C2"}]
POLICIES = [
    {"policy_id": "P1", "customer_id": "C1", "line": "motor", "status": "active"},
    {"policy_id": "P2", "customer_id": "C1", "line": "home", "status": "active"},
]


def trigger(**fields: Any) -> EventTrigger:
    given_type = {} if fields.get("of") == "claims" else {"type": "payment_failed"}
    return EventTrigger.model_validate({"kind": "event", **given_type, **fields})


def found(trigger: EventTrigger, known: Facts) -> list[dict[str, Any]]:
    return [row for batch in moments(trigger, known) for row in batch.to_pylist()]


def ids(trigger: EventTrigger, known: Facts) -> list[str]:
    return [row["occasion"] for row in found(trigger, known)]


def event(
    name: str, at: str, kind: str = "payment_failed", subject: str | None = None, **columns: Any
) -> dict[str, Any]:
    row = {"event_id": name, "customer_id": "C1", "type": kind, "occurred_at": at, **columns}
    return row | ({"subject_id": subject} if subject else {})


def claim(name: str, status: str, updated: str | None, **columns: Any) -> dict[str, Any]:
    row = {"claim_id": name, "policy_id": "P1", "status": status, "reported_at": "2026-02-01T08:00", **columns}
    return row | ({"updated_at": updated} if updated else {})


def known_at(now: datetime, events: Sequence[Any] = (), claims: Sequence[Any] = ()) -> Facts:
    padding = [event("E0", "2020-01-01", "other", subject="P1", channel="app", properties="{}")]
    return facts(now, customers=CUSTOMERS, policies=POLICIES, claims=list(claims), events=[*padding, *events])


def test_an_event_is_a_moment_after_its_delay_and_knows_what_it_is_about() -> None:
    with known_at(NOW, [event("E1", "2026-02-28T09:00", subject="P1"), event("E2", "2026-02-28T09:01")]) as known:
        assert found(trigger(after="1d"), known) == [
            {
                "customer_id": "C1", "subject": "event:E1", "occasion": "E1", "due_at": NOW,
                "policy_id": "P1", "claim_id": None, "event_id": "E1", "alert_id": None,
            }
        ]  # fmt: skip


def test_an_event_about_a_claim_knows_the_claims_policy() -> None:
    with known_at(NOW, [event("E1", "2026-03-01T08:00", subject="L1")], [claim("L1", "paid", None)]) as known:
        (row,) = found(trigger(), known)
        assert (row["claim_id"], row["policy_id"]) == ("L1", "P1")


def test_identity_does_not_wait_for_the_claim_to_be_known() -> None:
    events = [event("E1", "2026-03-01T08:00", subject="L1")]
    with known_at(NOW, events) as before, known_at(NOW, events, [claim("L1", "paid", None)]) as after:
        names = [[(row["subject"], row["occasion"]) for row in found(trigger(), known)] for known in (before, after)]
        assert names[0] == names[1] == [("event:E1", "E1")]


def test_nearest_keeps_the_last_due_of_each_policy_and_of_the_customer() -> None:
    events = [
        event("E1", "2026-02-27T08:00", subject="P1"), event("E2", "2026-02-28T08:00", subject="P1"),
        event("E3", "2026-02-26T08:00", subject="P2"), event("E4", "2026-02-26T08:00"), event("E5", "2026-02-27T08:00"),
    ]  # fmt: skip
    with known_at(NOW, events) as known:
        assert ids(trigger(), known) == ["E2", "E3", "E5"]
        assert ids(trigger(late="fire"), known) == ["E1", "E2", "E3", "E4", "E5"]


def test_skip_takes_only_what_is_due_on_the_local_day() -> None:
    events = [event("E1", "2026-02-28T23:30"), event("E2", "2026-03-01T00:30")]
    with known_at(NOW, events) as known:
        assert ids(trigger(late="skip"), known) == ["E2"]
    with known_at(NOW, events[:1]) as known:
        assert ids(trigger(late="skip"), known) == []
        assert ids(trigger(late="skip", after="1h"), known) == ["E1"]


@pytest.mark.parametrize(
    ("answer", "fires"),
    [
        (event("A", "2026-02-28T10:00", "paid"), False),
        (event("A", "2026-03-01T08:00", "paid"), False),
        (event("A", "2026-03-01T08:00:01", "paid"), True),
        (event("A", "2026-02-28T08:00", "paid"), False),
        (event("A", "2026-02-28T07:59", "paid"), True),
        (event("A", "2026-02-28T10:00", "called"), True),
        (event("A", "2026-02-28T10:00", "paid", subject="P1"), False),
        (event("A", "2026-02-28T10:00", "paid", subject="P2"), True),
        (event("A", "2026-02-28T10:00", "paid", customer_id="C2"), True),
    ],
)
def test_what_came_meanwhile_about_the_same_makes_it_void(answer: dict[str, Any], fires: bool) -> None:
    with known_at(NOW, [event("E1", "2026-02-28T08:00", subject="P1"), answer]) as known:
        assert ids(trigger(after="1d", unless="paid"), known) == (["E1"] if fires else [])


@pytest.mark.parametrize(("subject", "fires"), [("L1", False), ("P1", False), ("P2", True)])
def test_what_concerns_the_claims_policy_concerns_the_claim(subject: str, fires: bool) -> None:
    events = [event("E1", "2026-02-28T08:00", subject="L1"), event("A", "2026-02-28T10:00", "paid", subject=subject)]
    with known_at(NOW, events, [claim("L1", "paid", None)]) as known:
        assert bool(ids(trigger(after="1d", unless="paid"), known)) is fires


def test_an_event_is_not_its_own_answer_but_a_second_one_is() -> None:
    with known_at(NOW, [event("E1", "2026-02-28T08:00"), event("E2", "2026-02-28T20:00")]) as known:
        lull = trigger(after="6h", unless="payment_failed", late="fire")
        assert ids(lull, known) == ["E1", "E2"]
        assert ids(trigger(after="12h", unless="payment_failed", late="fire"), known) == ["E2"]


@pytest.mark.parametrize(("after", "due"), [("1d", "2026-03-08T12:00-04:00"), ("24h", "2026-03-08T13:00-04:00")])
def test_days_follow_the_insurers_clock_and_hours_follow_time(after: str, due: str) -> None:
    events = [event("E1", "2026-03-07T12:00")]
    with facts("2026-03-09T00:00", timezone="America/New_York", customers=CUSTOMERS, events=events) as known:
        (row,) = found(trigger(after=after), known)
        assert row["due_at"] == datetime.fromisoformat(due)


def test_a_claim_that_reached_a_state_is_a_moment_named_by_state_and_local_day() -> None:
    claims = [claim("L1", "paid", "2026-02-27T23:30+08:00"), claim("L2", "denied", "2026-02-28T10:00")]
    with known_at(NOW, claims=claims) as known:
        assert found(trigger(of="claims", status=["paid", "accepted"], after="1d"), known) == [
            {
                "customer_id": "C1", "subject": "claim:L1", "occasion": "paid@2026-02-27",
                "due_at": datetime(2026, 2, 28, 23, 30, tzinfo=ZONE),
                "policy_id": "P1", "claim_id": "L1", "event_id": None, "alert_id": None,
            }
        ]  # fmt: skip


def test_a_claim_without_a_time_of_change_counts_from_its_report() -> None:
    with known_at(datetime(2026, 2, 1, 9, tzinfo=ZONE), claims=[claim("L1", "reported", None)]) as known:
        assert ids(trigger(of="claims", status="reported"), known) == ["reported@2026-02-01"]


def test_where_looks_at_event_policy_and_customer() -> None:
    events = [
        event("E1", "2026-03-01T08:00", subject="P1", properties='{"amount": "5"}'),
        event("E2", "2026-03-01T08:00", subject="P2", properties='{"amount": "5"}'),
        event("E3", "2026-03-01T08:00", subject="P1", properties="not json"),
    ]
    where = "properties->>'$.amount' = '5' and policies.line = 'motor' and customers.tier = 'gold'"
    with known_at(NOW, events) as known:
        assert ids(trigger(where=where), known) == ["E1"]


@pytest.mark.parametrize("name", ["x') OR 1=1 --", "'; DROP TABLE events; --", '"', "\\", "付款失败", "a\x00b"])
def test_names_of_events_are_values_and_never_code(name: str) -> None:
    with known_at(NOW, [event("E1", "2026-03-01T08:00")]) as known:
        assert ids(trigger(type=name), known) == []
        assert ids(trigger(unless=name), known) == ["E1"]
        assert known.db.sql("SELECT count(*) FROM events WHERE event_id IN ('E0', 'E1')").fetchall() == [(2,)]


@pytest.mark.parametrize(
    "fields",
    [{"type": []}, {"type": ""}, {"status": ["paid"]}, {"of": "claims"}, {"of": "claims", "status": ["gone"]},
     {"of": "claims", "status": ["paid"], "type": "call"}, {"after": "-1d"}, {"afterwards": "1d"}],
)  # fmt: skip
def test_a_trigger_names_events_or_states_and_not_both(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        trigger(**fields)


def test_nearest_says_what_came_meanwhile_and_what_never_came() -> None:
    events = [event("E1", "2026-02-28T08:00"), event("A", "2026-02-28T10:00", "paid")]
    with known_at(NOW, events) as known:
        quiet = trigger(after="1d", unless="paid")
        words = quiet.nearest(known, "C1")[0].words
        assert words == "event E1 of type payment_failed: wanted no paid meanwhile, seen 2026-02-28 10:00:00+08"
        assert quiet.nearest(known, "C2")[0].words == "customer C2 has no event of type payment_failed"
        early = trigger(after="2d").nearest(known, "C1")[0].words
        assert early == "event E1 of type payment_failed was 25 hours ago, the campaign waits for 2 days"


def test_nearest_says_that_a_later_event_took_its_place() -> None:
    with known_at(NOW, [event("E1", "2026-02-28T08:00"), event("E2", "2026-02-28T20:00")]) as known:
        verdict, *clauses = trigger().nearest(known, "C1")
        assert verdict.passed and "event E2" in verdict.words
        assert [clause.words for clause in clauses if clause.path == "trigger.late"] == [
            "event E1 of type payment_failed: a later occasion about the same is due, and only the last one counts"
        ]


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
    with known_at(NOW) as known:
        yield known


START = datetime(2026, 2, 27, tzinfo=ZONE)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 60), st.sampled_from(["asked", "asked", "answered"]), st.sampled_from([None, "P1", "P2", "X"])
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(
    events=EVENTS,
    after=st.sampled_from(["0h", "5h", "1d"]),
    late=st.sampled_from(["fire", "skip", "nearest"]),
    max_age=st.sampled_from(["6h", "2d"]),
)
def test_the_query_finds_what_the_rules_say(
    scratch: Facts, events: list[tuple[int, str, str | None]], after: str, late: str, max_age: str
) -> None:
    rows = [
        event(f"E{number}", (START + timedelta(hours=hour)).isoformat(), kind, subject)
        for number, (hour, kind, subject) in enumerate(events)
    ]
    looked = trigger(type="asked", unless=["answered"], after=after, late=late, max_age=max_age)
    due: dict[str | None, list[tuple[datetime, str]]] = {}
    for number, (hour, kind, subject) in enumerate(events):
        delay = looked.after.timedelta / timedelta(hours=1)
        due_at = START + timedelta(hours=hour + delay)
        answered = any(
            other == "answered" and hour <= later <= hour + delay and (about is None or subject in (None, about))
            for later, other, about in events
        )
        too_old = due_at < NOW - looked.max_age.timedelta or (late == "skip" and due_at.date() != NOW.date())
        if kind == "asked" and due_at <= NOW and not too_old and not answered:
            topic = subject if subject in ("P1", "P2") else None
            due.setdefault(topic, []).append((due_at, f"E{number}"))
    chosen = [max(each) if late == "nearest" else each for each in due.values()]
    flat = [pair for each in chosen for pair in (each if isinstance(each, list) else [each])]
    refill(scratch, rows)
    assert sorted(ids(looked, scratch)) == sorted(name for _, name in flat)
