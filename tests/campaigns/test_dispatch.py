"""Handing over: intend, hand, write down; what nobody knows about is asked for, never blindly sent again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from campaigns.check import check
from campaigns.delivery import Delivery
from campaigns.dispatch import Desk, dispatch
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant
from campaigns.ledger.outbox import Outbox
from campaigns.policy import ContactPolicy
from campaigns.senders import sender_for
from channels.contract import Absent, Accepted, Profile, Receipt, Refused, RetryLater, Unknown
from triggers.durations import Span


@dataclass
class Gateway:
    """A provider in memory: what it took, and how it answers next."""

    profile: Profile = field(default_factory=lambda: Profile(batch=10))
    taken: Counter[str] = field(default_factory=Counter)
    answers: list[object] = field(default_factory=list)
    blind: bool = False

    async def hand(self, messages):
        return [self._hand(message) for message in messages]

    def _hand(self, message):
        answer = self.answers.pop(0) if self.answers else None
        if answer is None or isinstance(answer, Unknown):  # an answer lost after the provider took it
            self.taken[message.message_id] += 1
        return answer or Accepted(f"SM{message.message_id}")

    async def reconcile(self, messages):
        if self.blind:
            return [Unknown() for _ in messages]
        return [Accepted(f"SM{m.message_id}") if self.taken[m.message_id] else Absent() for m in messages]

    async def close(self):
        pass


@pytest.fixture
def desk(insurer, ledger, now, tmp_path):
    """Five reserved messages, a gateway, and a way to hand over at a later time."""
    for number in range(5):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    insurer.turn(ledger)
    gateway = Gateway()

    def hand_over(later=timedelta(), **delivery):
        with sender_for(ledger, tmp_path / "senders") as sender:
            made = Desk(
                ledger,
                {"sms": gateway},
                insurer.campaigns,
                insurer.policy,
                Delivery(**{"settle_seconds": 0} | delivery),
                "Asia/Shanghai",
                now + later,
                lambda: now + later,
                sender,
            )
            return asyncio.run(dispatch(made))

    hand_over.gateway = gateway
    return hand_over


def states(ledger):
    return dict(ledger.store.query("select state, count(*) from messages group by 1"))


def test_every_due_message_is_handed_once_and_a_second_call_hands_nothing(desk, ledger):
    assert desk().outcomes == {("sms", "accepted"): 5}
    assert desk().outcomes == {}
    assert (states(ledger), set(desk.gateway.taken.values())) == ({"accepted": 5}, {1})


def test_nothing_is_handed_before_its_hour(desk, ledger, now):
    ledger.store.query("select 1")
    with ledger.store.transaction():
        ledger.store.many(
            "replan",
            [
                (int((now + timedelta(hours=1)).timestamp()), int((now + timedelta(hours=3)).timestamp()), row[0])
                for row in ledger.store.query("select message_id from messages")
            ],
        )
    assert desk().outcomes == {}
    assert desk(timedelta(hours=1)).outcomes == {("sms", "accepted"): 5}


def test_a_lost_answer_is_reconciled_and_never_sent_again(desk, ledger):
    desk.gateway.answers = [Unknown("cut")]
    report = desk()
    assert report.outcomes == {("sms", "unknown"): 1, ("sms", "accepted"): 4}
    assert report.reconciled["found"] == 1
    assert (states(ledger), set(desk.gateway.taken.values())) == ({"accepted": 5}, {1})


def test_absent_is_only_believed_after_the_settling_time(desk, ledger):
    desk.gateway.answers = [Unknown("cut")]
    desk(settle_seconds=120)
    assert states(ledger) == {"accepted": 4, "unknown": 1}
    desk(timedelta(seconds=119), settle_seconds=120)
    assert states(ledger) == {"accepted": 4, "unknown": 1}
    desk(timedelta(seconds=120), settle_seconds=120)
    assert states(ledger) == {"accepted": 5}


def test_a_temporary_refusal_is_tried_again_later_and_not_for_ever(desk, ledger):
    desk.gateway.answers = [RetryLater(timedelta(seconds=30), "20429")] * 5
    assert desk(attempts=2).outcomes == {("sms", "retrylater"): 5}
    assert desk(timedelta(seconds=29), attempts=2).outcomes == {}
    desk.gateway.answers = [RetryLater(timedelta(seconds=30), "20429")]
    assert desk(timedelta(seconds=30), attempts=2).outcomes == {("sms", "retrylater"): 1, ("sms", "accepted"): 4}
    assert states(ledger) == {"accepted": 4, "failed": 1}


def test_a_provider_opt_out_becomes_ours(desk, ledger):
    desk.gateway.answers = [Refused("stopped", "21610", opt_out=True)]
    desk()
    assert ledger.store.query("select medium, purpose, source from opt_outs") == [("sms", "*", "provider code 21610")]
    assert states(ledger) == {"accepted": 4, "failed": 1}


def test_an_account_that_is_refused_stops_the_channel(desk, ledger):
    desk.gateway.profile = Profile(batch=1)
    desk.gateway.answers = [Refused("account suspended", "20003", halt="channel")]
    report = desk()
    assert list(report.halted) == ["sms"]
    assert states(ledger) == {"failed": 1, "reserved": 4}


def test_a_filtered_campaign_stops_alone(desk, ledger, insurer, campaign, now):
    insurer.campaigns = [campaign(), campaign(name="other")]
    insurer.policy = ContactPolicy(caps=[])
    insurer.turn(ledger)
    desk.gateway.profile = Profile(batch=1)
    desk.gateway.answers = [Refused("filtered", "30007", halt="campaign")]
    report = desk()
    stopped = next(iter(report.halted))
    left = ledger.store.query("select campaign, state, count(*) from messages group by 1, 2 order by 1, 2")
    assert {(name, state) for name, state, _ in left if name != stopped} == {
        ("other" if stopped == "reminder" else "reminder", "accepted")
    }
    assert (stopped, "reserved", 4) in left


def test_an_opt_out_that_arrives_after_the_reservation_still_counts(desk, ledger, now):
    ledger.opt_out("C1", now, "reply TD")
    assert desk().cleared == {"opted_out": 1, "expired": 0}
    assert states(ledger) == {"accepted": 4, "retracted": 1}


def test_what_is_too_late_expires_rather_than_goes_out(desk, ledger):
    assert desk(timedelta(days=3)).cleared["expired"] == 5
    assert states(ledger) == {"expired": 5}


def test_a_missed_window_is_planned_for_the_next_one_and_nothing_goes_out_at_night(desk, ledger):
    night = desk(timedelta(hours=14))  # midnight
    assert (night.replanned, night.outcomes) == (5, {})
    opens = ledger.store.query("select distinct not_before from messages")
    assert [instant(at).isoformat() for (at,) in opens] == ["2026-11-24T01:00:00+00:00"]  # nine in Shanghai
    assert desk(timedelta(hours=23)).outcomes == {("sms", "accepted"): 5}


def test_marketing_is_given_up_and_service_sent_again_where_the_provider_can_never_say(desk, ledger):
    desk.gateway.blind = True
    desk.gateway.answers = [Unknown("cut")] * 5
    desk()
    with ledger.store.transaction():
        ledger.store.execute("update messages set purpose = 'marketing' where customer_id = 'C0'")
    desk(timedelta(hours=23))
    assert states(ledger) == {"unknown": 5}
    desk(timedelta(hours=24, seconds=1), reconcile_within=Span.parse("24h"))
    assert states(ledger)["failed"] == 1
    assert dict(Counter(desk.gateway.taken.values())) == {1: 1, 2: 4}


def test_receipts_move_a_message_only_forward_whatever_their_order(desk, ledger, now):
    desk()
    outbox = Outbox(ledger)
    message_id = ledger.store.query("select min(message_id) from messages")[0][0]
    told = [
        outbox.receive(Receipt(message_id, "SM1", status), now)
        for status in ("delivered", "accepted", "delivered", "failed")
    ]
    assert told == [True, False, False, False]
    assert ledger.store.query(f"select state from messages where message_id = '{message_id}'") == [("delivered",)]


def test_a_late_absent_changes_nothing_once_somebody_else_has_the_message(desk, ledger, now, tmp_path):
    desk.gateway.answers = [Unknown("cut")] * 5
    desk.gateway.blind = True
    desk()
    outbox = Outbox(ledger)
    asked = outbox.unknown("sms", now, "", 1)
    ((message, token),) = asked
    with ledger.store.transaction():
        ledger.store.execute("update messages set token = 'another' where message_id = ?", (message.message_id,))
    assert outbox.reconcile([(message, token, Absent())], now)["absent"] == 0


def _die_in_hand(place, folder, now, ready):
    with Ledger(place) as ledger, sender_for(ledger, folder) as sender:
        Outbox(ledger).lease("sms", sender.token, now, now, 3)
        ready.set()
        signal.pause()


def test_what_a_killed_sender_had_in_hand_is_asked_about_and_a_living_ones_is_left_alone(
    desk, ledger, place, now, tmp_path
):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_die_in_hand, args=(place, tmp_path / "senders", now, ready))
    process.start()
    assert ready.wait(60)
    desk()
    assert states(ledger) == {"accepted": 2, "handed": 3}
    (token,) = Outbox(ledger).tokens()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with sender_for(ledger, tmp_path / "senders") as other:
        deadline = time.monotonic() + 60
        while not other.is_dead(token):  # the database notices a lost session only a moment later
            assert time.monotonic() < deadline, "the killed sender is still taken for alive"
            time.sleep(0.02)
    report = desk()
    assert report.reconciled["absent"] == 3
    assert (states(ledger), set(desk.gateway.taken.values())) == ({"accepted": 5}, {1})
    assert all(finding.holds for finding in check(ledger))
