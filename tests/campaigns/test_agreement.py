"""Batch, stream and backtest agree: whatever happened, in whatever order it came, in whatever pieces, however often.

Decisions are made at instants one looks at. A stream cannot take back a message because of what comes later, so the law
is about equal looks: at each of them, all three know what has arrived by then, and decide the same. A stream looks twice
here, as it does in service: at those the news concerns, asking the campaigns it concerns, and then at everybody.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns import inbox
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.live import catch_up, opened
from campaigns.news import News
from campaigns.policy import Arbitration
from campaigns.scene import Scene
from campaigns.turn import take_turn
from triggers.history import History
from triggers.testing import facts as facts_of

CUSTOMERS = ("C1", "C2", "C3", "C4")
LOOKS = 3


def arrivals() -> st.SearchStrategy[list[tuple[int, dict[str, Any]]]]:
    """(look by which it has arrived, a record): late ones, out of order, and repeated."""
    hours = st.integers(-60, 95)
    events = st.builds(
        lambda number, customer, kind, hour: ("events", {"event_id": f"E{number}", "customer_id": customer, "type": kind, "hour": hour}),
        st.integers(0, 30), st.sampled_from(CUSTOMERS), st.sampled_from(["quote", "bought", "braking"]), hours,
    )  # fmt: skip
    claims = st.builds(
        lambda customer, status, hour: ("claims", {"customer": customer, "status": status, "hour": hour}),
        st.sampled_from(CUSTOMERS), st.sampled_from(["accepted", "awaiting_documents", "paid"]), hours,
    )  # fmt: skip
    complaints = st.builds(
        lambda customer, number, hour: ("complaints", {"customer": customer, "number": number, "hour": hour}),
        st.sampled_from(CUSTOMERS), st.integers(0, 3), hours,
    )  # fmt: skip
    return st.lists(st.tuples(st.integers(1, LOOKS - 1), st.one_of(events, claims, complaints)), max_size=16)


def written(record: tuple[str, dict[str, Any]], start: datetime, look: int) -> tuple[str, bytes]:
    """The record as it is sent."""
    view, row = record
    at = (start + timedelta(hours=row["hour"])).isoformat()
    if view == "events":
        body = {"event_id": row["event_id"], "customer_id": row["customer_id"], "type": row["type"], "occurred_at": at}
    elif view == "claims":
        body = {
            "claim_id": f"L{row['customer']}", "policy_id": f"P{row['customer']}", "customer_id": row["customer"], "status": row["status"],
            "reported_at": (start - timedelta(days=9)).isoformat(), "updated_at": at,
        }  # fmt: skip
    else:
        body = {
            "complaint_id": f"K{row['customer']}{row['number']}", "customer_id": row["customer"], "opened_at": at,
            "recorded_at": (start + timedelta(days=look)).isoformat(),
        }  # fmt: skip
    return view, json.dumps(body).encode()


def first_of_each(sent: list[tuple[int, tuple[str, bytes]]]) -> list[tuple[int, tuple[str, bytes]]]:
    """An event has one body for ever: of several under one id the first that arrives is the event."""
    seen: dict[str, bytes] = {}
    found = []
    for look, (view, body) in sorted(sent, key=lambda each: each[0]):
        name = json.loads(body).get("event_id", body.decode())
        found.append((look, (view, seen.setdefault(name, body))))
    return found


def campaigns() -> list[Campaign]:
    """One of each way to be late, to wait, to be capped."""

    def made(name: str, trigger: dict[str, Any], **more: Any) -> Campaign:
        sending = [{"send": {"template": "note", "channels": ["sms"]}}]
        base = {
            "name": name,
            "title": {"en": name},
            "purpose": "service",
            "trigger": trigger,
            "steps": sending,
            "valid_for": "5d",
        }
        return Campaign.model_validate(base | more)

    two = [
        {"send": {"template": "note", "channels": ["sms"]}},
        {"wait": "1d", "unless": "goal"},
        {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
    ]
    return [
        made("quote", {"kind": "missing", "after": {"event": "quote"}, "for": "24h", "expected": "bought", "max_age": "3d"}, purpose="contract"),
        made("hello", {"kind": "event", "type": "bought", "max_age": "3d"}, holdout="30%", cap="hold"),
        made("claim", {"kind": "event", "of": "claims", "status": ["accepted", "paid"], "max_age": "2d"}, steps=two, goal={"event": "braking", "within": "5d", "of": "customer"}),
        made("brake", {"kind": "count", "type": "braking", "at_least": 2, "within": "48h", "max_age": "3d"}, purpose="care"),
        made("upset", {"kind": "count", "of": "complaints", "at_least": 2, "within": "5d", "max_age": "5d"}, cap="drop"),
        made("still", {"kind": "dormancy", "for": "2d", "max_age": "5d"}, purpose="care", holdout="20%"),
        made("ends", {"kind": "date", "of": "policies.expiry_date", "offset": "-60d", "where": "status = 'active'", "max_age": "20d"}),
        made("risky", {"kind": "segment", "without": "bought", "lately": "3d", "max_age": "5d", "initially": "fire"}),
    ]  # fmt: skip


def said(ledger: Ledger) -> str:
    """Everything a ledger has decided, as a hash."""
    rows = ledger.store.query(
        "select m.campaign, m.customer_id, m.subject, m.occasion, m.status, m.step, m.wake_at, d.step, d.verdict, d.gate, d.reason, d.trace, "
        "g.message_id, g.medium, g.parts, g.not_before, g.not_after, g.state, g.code from moments m left join decisions d using (moment_id) "
        "left join messages g on g.moment_id = d.moment_id and g.step = d.step order by 1, 2, 3, 4, 8"
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest() + f" {len(rows)}"


@pytest.fixture(params=[None, Arbitration(window="2d", purposes=("care", "service"))], ids=["all go", "one goes"])
def insurers(request, insurer, tmp_path_factory):
    """Makes the same insurer again and again, each with an empty ledger of its own."""

    contest = request.param

    def make() -> tuple[Any, Ledger]:
        made = type(insurer)(tmp_path_factory.mktemp("insurer"))
        made.policy = made.policy.model_copy(update={"caps": made.policy.caps[:1], "arbitrate": contest})
        for number, name in enumerate(CUSTOMERS):
            made.customer(name, joined_on="2026-11-20" if number % 2 else None)
            made.expiring(f"P{name}", name, on=f"2027-01-{22 + number:02}", status="active" if number else "lapsed")
        return made, Ledger(Path(made.folder) / "ledger.db")

    return make


def scene(made: Any, facts: Any) -> Scene:
    return Scene(facts, made.rules(), made.words())


def look(made: Any, facts: Any, ledger: Ledger, news: list[tuple[str, bytes]]) -> None:
    """What a stream does at one instant, done on the facts of everybody: first whom the news concerns, then everybody."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for view, body in news:
        rows.setdefault(view, []).append(json.loads(body))
    if concerned := {row["customer_id"] for mine in rows.values() for row in mine}:
        take_turn(scene(made, facts), campaigns(), ledger, among=concerned, news=News.of(rows))
    take_turn(scene(made, facts), campaigns(), ledger)


def streamed(
    made: Any, ledger: Ledger, looks: list[datetime], sent: list[tuple[int, tuple[str, bytes]]], pieces: int
) -> str:
    """Facts opened once; records taken in pieces as they come; a look at what arrived, then one at everybody."""
    with facts_of(looks[0], **made.tables) as facts:
        live = opened(scene(made, facts), campaigns(), ledger, looks[0])
        live.sweep(looks[0])
        for number, now in list(enumerate(looks))[1:]:
            mine = [record for by, record in sent if by == number]
            for start in range(0, len(mine), pieces):
                inbox.take(ledger, mine[start : start + pieces], now - timedelta(minutes=1))
            live.arrivals(now)
            live.wake(now)
            live.sweep(now)
    return said(ledger)


def batched(made: Any, ledger: Ledger, looks: list[datetime], sent: list[tuple[int, tuple[str, bytes]]]) -> str:
    """Facts opened anew at every look, the inbox laid over them."""
    for number, now in enumerate(looks):
        news = [record for by, record in sent if by == number]
        inbox.take(ledger, news, now - timedelta(minutes=1))
        with facts_of(now, **made.tables) as facts:
            catch_up(facts, ledger, now)
            look(made, facts, ledger, news)
    return said(ledger)


def backtested(made: Any, ledger: Ledger, looks: list[datetime], sent: list[tuple[int, tuple[str, bytes]]]) -> str:
    """Facts opened once, at the end; each look sees what was known by then."""
    for by, record in sent:
        inbox.take(ledger, [record], looks[by] - timedelta(minutes=1))
    with facts_of(looks[-1], versions=True, **made.tables) as facts:
        catch_up(facts, ledger, looks[-1])
        history = History(facts)
        for number, now in enumerate(looks):
            with history.at(now) as then:
                look(made, then, ledger, [record for by, record in sent if by == number])
    return said(ledger)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_batch_stream_and_backtest_decide_the_same(insurers, now, records, dice, pieces):
    looks = [now + timedelta(days=day) for day in range(LOOKS)]
    sent = first_of_each([(look, written(record, now, look)) for look, record in records])
    plain = batched(*insurers(), looks, sent)
    again = [(dice.randint(look, LOOKS - 1), record) for look, record in sent if dice.random() < 0.5]
    disordered = sorted(sent + again, key=lambda each: (each[0], dice.random()))
    assert streamed(*insurers(), looks, disordered, pieces) == plain
    assert backtested(*insurers(), looks, sent) == plain


@pytest.mark.parametrize("order", list(itertools.permutations((53, -57, 28))))
def test_states_of_one_claim_that_lie_ahead_may_come_in_any_order(insurers, now, order):
    looks = [now + timedelta(days=day) for day in range(LOOKS)]
    states = {53: "paid", -57: "accepted", 28: "accepted"}
    records = [("claims", {"customer": "C4", "status": states[hour], "hour": hour}) for hour in order]
    sent = [(1, written(record, now, looks[1])) for record in records]
    assert streamed(*insurers(), looks, sent, 1) == batched(
        *insurers(), looks, sorted(sent, key=lambda each: each[1][1])
    )
