"""Steps that follow: what became of the last message leads on, ends the campaign, or asks a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.answers import record_call
from campaigns.check import check
from campaigns.definition import Campaign
from campaigns.ledger.outbox import Outbox
from channels.contract import Receipt
from channels.tasks import CallResult

CALL_FIRST = [
    {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
    {"wait": "1d"},
    {"send": {"template": "note", "channels": ["sms"], "id": "text"}, "when": "not_answered"},
    {"wait": "2d", "unless": ["goal", "answered"]},
    {"send": {"template": "note", "channels": ["agent_task"], "id": "agent", "due": "2d", "priority": "high"}},
]


@pytest.fixture
def followed(insurer, campaign):
    """Two customers of an agent, a campaign that calls, texts who did not answer, and asks the agent."""
    insurer.campaigns = [campaign(steps=CALL_FIRST, goal={"event": "policy_renewed", "within": "75d"})]
    for number in (1, 2):
        insurer.customer(f"C{number}", agent_id="A1").expiring(f"P{number}", f"C{number}")
    return insurer


def called(ledger, customer, outcome, now, **more):
    """The result of the call to a customer."""
    job = ledger.store.query(f"select message_id from messages where customer_id = '{customer}' and step = 'call'")[0][
        0
    ]
    result = {"result_id": f"R-{customer}", "job_id": job, "outcome": outcome, "occurred_at": now.isoformat(), **more}
    assert record_call(ledger, CallResult.model_validate(result))


def steps(ledger):
    return ledger.store.query(
        "select m.customer_id, d.step, d.verdict, d.reason from moments m join decisions d using (moment_id) order by 1, d.decided_at, 2"
    )


def test_whoever_did_not_answer_the_call_gets_a_text_and_then_the_agent(followed, ledger, now):
    followed.turn(ledger)
    called(ledger, "C1", "answered", now)
    called(ledger, "C2", "no_answer", now)
    followed.turn(ledger, now + timedelta(days=1))
    followed.turn(ledger, now + timedelta(days=3))
    assert steps(ledger) == [
        ("C1", "call", "sent", ""),
        ("C1", "text", "skipped", "not_taken"),
        ("C1", "agent", "retracted", "answered"),
        ("C2", "call", "sent", ""),
        ("C2", "text", "sent", ""),
        ("C2", "agent", "sent", ""),
    ]
    assert all(finding.holds for finding in check(ledger))


def test_a_task_for_the_agent_says_by_when_and_how_urgent(followed, ledger, now):
    followed.turn(ledger)
    followed.turn(ledger, now + timedelta(days=1))
    followed.turn(ledger, now + timedelta(days=3))
    (row,) = ledger.store.query(
        "select medium, due_at - not_before, priority from messages where step = 'agent' and customer_id = 'C1'"
    )
    assert row == ("agent_task", 2 * 86_400, "high")
    (leased,) = [
        message
        for message, _ in Outbox(ledger).lease("agent_task", "t", now + timedelta(days=3), now, 10)
        if message.customer_id == "C1"
    ]
    assert (leased.priority, leased.due_at - leased.not_before) == ("high", timedelta(days=2))


def test_a_step_left_out_leads_on_at_once_where_nothing_waits_between(insurer, ledger, campaign, now):
    insurer.campaigns = [
        campaign(
            steps=[
                {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
                {"wait": "1d"},
                {"send": {"template": "note", "channels": ["sms"], "id": "thanks"}, "when": "answered"},
                {"send": {"template": "note", "channels": ["sms"], "id": "sorry"}, "when": "not_answered"},
            ]
        )
    ]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    called(ledger, "C1", "busy", now)
    insurer.turn(ledger, now + timedelta(days=1))
    assert [row[1:] for row in steps(ledger)] == [
        ("call", "sent", ""),
        ("sorry", "sent", ""),
        ("thanks", "skipped", "not_taken"),
    ]


def test_a_message_that_did_not_arrive_is_followed_on_another_channel(insurer, ledger, campaign, now):
    steps_ = [
        {"send": {"template": "note", "channels": ["sms"]}},
        {"wait": "1d", "unless": "delivered"},
        {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
    ]
    insurer.campaigns = [campaign(steps=steps_)]
    for number in (1, 2, 3):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    insurer.turn(ledger)
    outbox = Outbox(ledger)
    for message, _ in outbox.lease("sms", "t", now, now, 10):
        status = {"C1": "delivered", "C2": "failed", "C3": "accepted"}[message.customer_id]
        outbox.receive(Receipt(message.message_id, f"X{message.customer_id}", status), now)
    insurer.turn(ledger, now + timedelta(days=1))
    assert [row for row in steps(ledger) if row[1] == "call"] == [
        ("C1", "call", "retracted", "delivered"),
        ("C2", "call", "sent", ""),
        ("C3", "call", "sent", ""),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"steps": [{"send": {"template": "note", "channels": ["sms"]}, "when": "delivered"}]},
            "nothing went out before",
        ),
        ({"steps": [{"send": {"template": "note", "channels": ["sms"], "due": "2d"}}]}, "for agent tasks"),
        (
            {
                "steps": [
                    {"send": {"template": "note", "channels": ["sms"]}},
                    {"wait": "1d", "unless": ["goal"]},
                    {"send": {"template": "note", "channels": ["sms"], "id": "two"}},
                ]
            },
            "needs a goal",
        ),
    ],
)
def test_steps_that_make_no_sense_are_refused_with_a_way_out(campaign, change, said):
    with pytest.raises(ValueError, match=said):
        campaign(**change)


def test_one_reason_or_several_may_end_a_wait(campaign):
    made: Campaign = campaign(steps=CALL_FIRST, goal={"event": "policy_renewed", "within": "75d"})
    assert made.endings_before("agent") == {"goal", "answered"}
    assert made.endings_before("text") == frozenset()
