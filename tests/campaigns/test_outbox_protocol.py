"""The ledger's SQL moves a delivery exactly as the model-checked protocol of channels/ says, from every state."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.ledger.outbox import Outbox
from channels.contract import Absent, Receipt, Refused, RetryLater, Unknown
from channels.protocol import FENCED, TRANSITIONS, Event, State

MINE, OTHER = "mine", "another"


@pytest.fixture
def delivery(insurer, ledger, now):
    """One message that can be put into any state under a token, moved by an event, and read."""
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    outbox = Outbox(ledger)
    ((message, _),) = outbox.lease("sms", MINE, now, now, 1)

    def settle(result):
        return lambda token: outbox.settle([(message, 1, result)], token, now, 5)

    def seen(status):
        return lambda _: outbox.receive(Receipt(message.message_id, "SM1", status), now)

    def retract(_):
        ledger.opt_out("C1", now, "reply STOP")
        outbox.clear(now, insurer.policy)

    def give_up(purpose):
        def act(_):
            ledger.store.execute("update messages set purpose = ?", (purpose,))
            outbox.give_up("sms", now)

        return act

    acts = {
        Event.INTEND: lambda token: outbox.lease("sms", token, now, now, 1),
        Event.RETRY: settle(RetryLater(timedelta(seconds=1))),
        Event.REFUSE: settle(Refused("no")),
        Event.LOSE: settle(Unknown()),
        Event.LEASE_EXPIRE: outbox.orphan,
        Event.ABSENT: lambda token: outbox.reconcile([(message, token, Absent())], now),
        Event.UNDECIDED: lambda token: outbox.reconcile([(message, token, Unknown())], now),
        Event.GIVE_UP: give_up("marketing"),
        Event.SEND_AGAIN: give_up("service"),
        Event.EXPIRE: lambda _: outbox.clear(now + timedelta(days=30), insurer.policy),
        Event.RETRACT: retract,
        Event.SEEN_ACCEPTED: seen("accepted"),
        Event.SEEN_FAILED: seen("failed"),
        Event.SEEN_DELIVERED: seen("delivered"),
    }

    def move(state, event, token=MINE):
        ledger.store.execute("delete from opt_outs")
        ledger.store.execute(
            "update messages set state = ?, token = ?, purpose = 'service', retry_at = null", (state.value, MINE)
        )
        acts[event](token)
        return State(ledger.store.query("select state from messages")[0][0])

    return move


@pytest.mark.parametrize("event", [event for event in Event if event is not Event.LEASE])
def test_every_event_moves_every_state_as_the_protocol_says_and_an_illegal_one_moves_nothing(delivery, event):
    moved = {state: delivery(state, event) for state in State}
    assert moved == {state: TRANSITIONS.get((state, event), state) for state in State}


@pytest.mark.parametrize("event", sorted(FENCED - {Event.INTEND, Event.GIVE_UP, Event.SEND_AGAIN}))
def test_a_fenced_event_with_another_senders_token_moves_nothing(delivery, event):
    assert {state: delivery(state, event, OTHER) for state in State} == {state: state for state in State}
