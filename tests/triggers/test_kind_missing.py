from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from triggers.facts import Facts
from triggers.kinds.missing import MissingTrigger
from triggers.moments import moments
from triggers.testing import facts

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 9, tzinfo=ZONE)
POLICY = {
    "policy_id": "P1", "customer_id": "C1", "product_id": "M", "line": "motor", "status": "active",
    "effective_date": "2025-01-01",
}  # fmt: skip


def quote(**fields: Any) -> MissingTrigger:
    asked = {"after": {"event": "quote_started"}, "for": "24h", "expected": "policy_bought"}
    return MissingTrigger.model_validate({"kind": "missing", **asked, **fields})


def documents(**fields: Any) -> MissingTrigger:
    asked = {"after": {"claim_status": "awaiting_documents"}, "for": "2d"}
    return MissingTrigger.model_validate({"kind": "missing", **asked, **fields})


def ids(trigger: MissingTrigger, known: Facts) -> list[str]:
    return [row["occasion"] for batch in moments(trigger, known) for row in batch.to_pylist()]


def event(name: str, at: str, kind: str = "quote_started", subject: str = "") -> dict[str, Any]:
    return {"event_id": name, "customer_id": "C1", "type": kind, "occurred_at": at, "subject_id": subject or None}


def known_at(now: datetime, events: list[Any], *policies: Any, claims: Any = ()) -> Facts:
    padding = [event("E0", "2020-01-01", "other", "P1")]
    return facts(
        now, customers=[{"customer_id": "C1"}, {"customer_id": "C2"}], policies=[POLICY, *policies],
        events=[*padding, *events], claims=list(claims),
    )  # fmt: skip


def test_a_quote_without_a_purchase_is_a_moment_after_a_day() -> None:
    with known_at(NOW, [event("E1", "2026-02-28T09:00"), event("E2", "2026-02-28T09:01", subject="Q2")]) as known:
        (row,) = [row for batch in moments(quote(), known) for row in batch.to_pylist()]
        assert (row["subject"], row["occasion"], row["due_at"], row["event_id"]) == ("event:E1", "E1", NOW, "E1")


@pytest.mark.parametrize(
    ("kind", "at", "subject", "fires"),
    [
        ("policy_bought", "2026-02-28T12:00", "P7", False),
        ("policy_bought", "2026-03-01T08:59", "", False),
        ("policy_bought", "2026-02-27T12:00", "P7", True),
        ("quote_finished", "2026-02-28T12:00", "Q1", False),
        ("quote_finished", "2026-02-28T12:00", "Q2", True),
    ],
)
def test_whatever_was_expected_ends_the_wait_also_after_it_was_due(
    kind: str, at: str, subject: str, fires: bool
) -> None:
    with known_at(NOW, [event("E1", "2026-02-28T05:00", subject="Q1"), event("A", at, kind, subject)]) as known:
        looked = quote(expected=["policy_bought", "quote_finished"], **{"for": "6h"})
        assert ids(looked, known) == (["E1"] if fires else [])


def test_a_policy_that_begins_on_the_day_of_the_quote_answers_it() -> None:
    bought = {**POLICY, "policy_id": "P2", "effective_date": "2026-02-28"}
    with known_at(NOW, [event("E1", "2026-02-28T05:00", subject="M")], bought) as known:
        assert ids(quote(), known) == []
    with known_at(NOW, [event("E1", "2026-02-28T05:00", subject="M")]) as known:
        assert ids(quote(), known) == ["E1"]


def waiting(status: str, updated: str) -> list[dict[str, Any]]:
    reported = "2026-02-01T08:00"
    return [{"claim_id": "L1", "policy_id": "P1", "status": status, "reported_at": reported, "updated_at": updated}]


def test_a_claim_that_waits_two_days_for_documents_is_a_moment_until_it_leaves_the_state() -> None:
    with known_at(NOW, [], claims=waiting("awaiting_documents", "2026-02-27T08:00")) as known:
        assert ids(documents(), known) == ["awaiting_documents@2026-02-27"]
    with known_at(NOW, [], claims=waiting("in_review", "2026-02-27T08:00")) as known:
        assert ids(documents(), known) == []
    with known_at(NOW, [], claims=waiting("awaiting_documents", "2026-02-27T10:00")) as known:
        assert ids(documents(), known) == []


@pytest.mark.parametrize(("subject", "fires"), [("L1", False), ("P1", False), ("", False), ("L2", True)])
def test_documents_sent_for_this_claim_end_its_wait(subject: str, fires: bool) -> None:
    sent = [event("U1", "2026-02-28T08:00", "upload", subject)]
    with known_at(NOW, sent, claims=waiting("awaiting_documents", "2026-02-27T08:00")) as known:
        assert bool(ids(documents(expected="upload"), known)) is fires


@pytest.mark.parametrize(
    "fields",
    [{"after": {}}, {"after": {"event": "a", "claim_status": "paid"}}, {"expected": []}, {"for": "-1d"},
     {"after": {"claim_status": "lost"}}],
)  # fmt: skip
def test_what_began_the_wait_and_what_was_expected_must_be_said(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        quote(**fields)


def test_nearest_tells_how_long_the_wait_has_lasted() -> None:
    with known_at(NOW, [], claims=waiting("awaiting_documents", "2026-02-28T03:00")) as known:
        words = documents().nearest(known, "C1")[0].words
        assert words == "claim L1, now awaiting_documents has waited 30 hours, the campaign waits for 2 days"
        assert documents().nearest(known, "C2")[0].words == "customer C2 has no claim that is awaiting_documents"


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
    with known_at(NOW, []) as known:
        yield known


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 57),
            st.sampled_from(["quote_started", "quote_started", "quote_finished"]),
            st.sampled_from(["", "Q1", "Q2"]),
        ),
        max_size=10,
    ),
    st.integers(0, 30),
)
def test_the_query_finds_what_the_rules_say(scratch: Facts, events: list[tuple[int, str, str]], hours: int) -> None:
    start = NOW - timedelta(hours=57)
    rows = [
        event(f"E{number}", (start + timedelta(hours=hour)).isoformat(), kind, subject)
        for number, (hour, kind, subject) in enumerate(events)
    ]
    expected = []
    for number, (hour, kind, subject) in enumerate(events):
        ended = any(
            other == "quote_finished" and later >= hour and (not about or subject in ("", about))
            for later, other, about in events
        )
        if kind == "quote_started" and hour + hours <= 57 and not ended:
            expected.append(f"E{number}")
    refill(scratch, rows)
    looked = quote(expected="quote_finished", late="fire", **{"for": f"{hours}h"})
    assert sorted(ids(looked, scratch)) == sorted(expected)
