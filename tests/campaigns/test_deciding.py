"""Deciders of one ledger wait for one another; whoever stops, sends or writes facts down waits for none of them."""

from __future__ import annotations

import multiprocessing
import signal
import threading

import pytest

from campaigns.ledger import Ledger
from campaigns.ledger.outbox import Outbox
from campaigns.register import Register

SOON = 30
"""Seconds after which what should happen has not."""


class Other:
    """Another decider, in a thread with a ledger of its own."""

    def __init__(self, place, customers, budgets=False):
        self.place, self.customers, self.budgets = place, customers, budgets
        self.has, self.leave = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._decide)

    def _decide(self):
        with Ledger(self.place) as ledger, ledger.store.alone(self.customers, budgets=self.budgets):
            self.has.set()
            self.leave.wait(SOON)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.leave.set()
        self.thread.join(SOON)
        assert not self.thread.is_alive()


def test_a_second_decider_waits_for_the_first(place):
    with Other(place, ["C1", "C2"]) as first:
        assert first.has.wait(SOON)
        with Other(place, ["C2", "C3"]) as second:
            assert not second.has.wait(0.3)
            first.leave.set()
            assert second.has.wait(SOON)


def test_where_a_budget_is_shared_everybody_waits(place):
    with Other(place, ["C1"], budgets=True) as first:
        assert first.has.wait(SOON)
        with Other(place, ["C9"], budgets=True) as second:
            assert not second.has.wait(0.3)
            first.leave.set()
            assert second.has.wait(SOON)


def test_on_a_server_those_who_decide_about_others_go_on(databases):
    place = databases()
    with Other(place, ["C1"]) as first, Other(place, ["C2"]) as second:
        assert first.has.wait(SOON)
        assert second.has.wait(SOON)


def test_the_kill_switch_and_the_senders_wait_for_no_decider(insurer, ledger, place, now):
    insurer.customer("C1").customer("C2").expiring("P1", "C1").expiring("P2", "C2").turn(ledger)
    with Other(place, [f"C{n}" for n in range(5000)], budgets=True) as other:
        assert other.has.wait(SOON)
        assert len(Outbox(ledger).lease("sms", "token", now, now, 1)) == 1
        Register(ledger).stop_all(now, "ann")
        assert Outbox(ledger).lease("sms", "token", now, now, 1) == []
        assert not other.leave.is_set()


def _die(place, ready):
    with Ledger(place) as ledger, ledger.store.alone(["C1"], budgets=True):
        ready.set()
        signal.pause()


def test_a_decider_that_dies_lets_go(place):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_die, args=(place, ready))
    process.start()
    assert ready.wait(60)
    with Other(place, ["C1"], budgets=True) as other:
        assert not other.has.wait(0.3)
        process.kill()
        process.join()
        assert other.has.wait(SOON)


def test_what_fails_while_one_decides_lets_go_too(ledger, place):
    with pytest.raises(ZeroDivisionError), ledger.store.alone(["C1"]):
        raise ZeroDivisionError
    with Other(place, ["C1"]) as other:
        assert other.has.wait(SOON)
