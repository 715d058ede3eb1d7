"""Several workers decide what one process would have decided, whatever becomes of them on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.crew import Crew
from campaigns.errors import WorkerLostError
from campaigns.ledger import Ledger
from campaigns.ledger.buckets import bucket, buckets, lanes, runs
from campaigns.policy import ContactPolicy
from campaigns.scene import Scene
from campaigns.turn import take_turn
from triggers.testing import facts as facts_of

CROWD = 40
STEPS = [
    {"send": {"template": "note", "channels": ["push", "sms"]}},
    {"send": {"template": "note", "channels": ["sms"], "id": "again"}},
]


@pytest.fixture
def crowd(insurer, campaign):
    """Forty customers with two policies each that two campaigns write about, caps that stop some, and a claim of somebody else's."""
    for number in range(CROWD):
        name = f"C{number}"
        insurer.customer(name, push_token="t" if number % 3 else None, timezone="Asia/Tokyo" if number % 4 else None)
        insurer.expiring(f"P{number}", name).expiring(f"Q{number}", name, insured_object=f"粤B{number}")
        insurer.add(
            "consents", customer_id=name, purpose="care", channel="*", granted=bool(number % 5), at="2025-01-01"
        )
    insurer.add(
        "claims", claim_id="K1", policy_id="P7", customer_id="C8", status="denied", reported_at="2026-11-20T00:00:00Z"
    )
    insurer.policy = ContactPolicy(caps=[{"max": 3, "per": "7d"}])
    insurer.campaigns = [
        campaign(name="a", steps=STEPS),
        campaign(name="b", purpose="care", cap="hold", holdout="20%"),
    ]
    return insurer


def take(insurer, place, now, workers, **changes):
    """One turn with so many workers; what it did."""
    with (
        facts_of(now, **insurer.tables) as facts,
        Ledger(place) as ledger,
        closing(Crew(place, workers, shelf=6, least=1)) as crew,
    ):
        scene = replace(Scene(facts, insurer.rules(), insurer.words()), **changes)
        return take_turn(scene, insurer.campaigns, ledger, crew=crew)


def said(ledger):
    """Everything a ledger says of moments, decisions and messages."""
    return [tuple(row) for row in ledger.store.query(EVERYTHING)]


EVERYTHING = """
    select m.campaign, m.customer_id, m.subject, m.occasion, m.status, m.step, m.wake_at, d.step, d.verdict, d.gate, d.reason, d.medium,
           d.trace, s.message_id, s.locale, s.address, s.parts, s.not_before, s.not_after, s.expires_at
      from moments m left join decisions d on d.moment_id = m.moment_id
      left join messages s on s.moment_id = m.moment_id and s.step = d.step order by 1, 2, 3, 4, 8"""


@pytest.fixture
def calm(crowd, tmp_path, now):
    """What one process leaves in the ledger."""
    with Ledger(tmp_path / "calm.db") as ledger:
        crowd.turn(ledger, now)
        return said(ledger)


def test_three_workers_leave_the_ledger_one_process_would(crowd, calm, now, place, ledger):
    turn = take(crowd, place, now, 3)
    assert said(ledger) == calm
    assert turn.reserved == len([row for row in calm if row[-1] is not None]) > CROWD
    assert turn.beside["decide"] > 0
    assert turn.cpu_seconds > 0
    again = take(crowd, place, now, 3)
    assert (again.reserved, sum(again.admitted.values())) == (0, 0)


def test_a_campaigns_budget_is_kept_by_all_workers_together(crowd, campaign, now, place, ledger):
    crowd.policy = ContactPolicy(caps=[])
    crowd.campaigns = [campaign(name="a", budget={"volume": 17, "over": "drop"}), campaign(name="b")]
    take(crowd, place, now, 4)
    found = ledger.store.query("select campaign, count(*) from messages group by 1 order by 1")
    assert [tuple(row) for row in found] == [("a", 17), ("b", 2 * CROWD)]
    assert ledger.store.query("select campaign, volume from spent order by 1") == [("a", 17), ("b", 2 * CROWD)]


def test_where_all_share_a_channels_budget_nothing_is_given_to_workers(crowd, now, place):
    crowd.policy = ContactPolicy(budgets={"sms": {"volume": 5}}, caps=[])
    assert take(crowd, place, now, 3).beside == {}


def test_few_customers_are_decided_by_the_process_itself(crowd, now, place):
    with (
        facts_of(now, **crowd.tables) as facts,
        Ledger(place) as ledger,
        closing(Crew(place, 3, least=CROWD + 1)) as crew,
    ):
        assert take_turn(Scene(facts, crowd.rules(), crowd.words()), crowd.campaigns, ledger, crew=crew).beside == {}


class Faulty:
    """A recommender that fails where it is asked: in a worker."""

    version = "faulty"

    def top(self, *_, **__):
        raise LookupError("the model is from another planet")


def test_what_a_worker_raises_is_raised_with_where_it_happened_and_the_next_turn_makes_up_for_it(
    crowd, campaign, now, place, ledger
):
    crowd.campaigns = [campaign(name="a", offers={"kind": "service"})]
    with pytest.raises(LookupError, match="another planet") as raised:
        take(crowd, place, now, 2, recommender=Faulty())
    assert "in top" in "".join(raised.value.__notes__)
    crowd.campaigns = [campaign(name="a")]
    assert take(crowd, place, now, 2).reserved == 2 * CROWD
    assert ledger.store.query("select count(*) from messages") == [(2 * CROWD,)]


@pytest.mark.parametrize("which", ["the first", "another"])
def test_a_worker_that_is_killed_is_missed_at_once_and_nothing_is_lost_or_done_twice(
    crowd, calm, now, place, ledger, which
):
    killer = threading.Thread(target=_kill_a_worker, args=(which == "the first",), daemon=True)
    killer.start()
    with pytest.raises(WorkerLostError, match="Nothing is lost"):
        take(crowd, place, now, 3)
    killer.join()
    take(crowd, place, now, 3)
    assert said(ledger) == calm


def _kill_a_worker(first):
    """Kill the process the workers come from, or one that came from it, as soon as it is there."""
    found = _children(os.getpid())
    while not found:
        time.sleep(0.002)
        found = _children(os.getpid())
    while not first and not (others := _children(found[0])):
        time.sleep(0.002)
    os.kill(found[0] if first else others[-1], signal.SIGKILL)


def _children(process):
    """The workers that a process has started."""
    listed = subprocess.run(
        ["pgrep", "-P", str(process), "-f", "campaigns.worker"], capture_output=True, text=True, check=False
    )
    return [int(number) for number in listed.stdout.split()]


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 9))
def test_lanes_hold_everybody_once_in_order_and_share_no_bucket(customers, count):
    found = lanes(customers, count)
    assert sorted(customer for lane in found for customer in lane) == sorted(customers)
    assert len(found) == count
    seen = [set(buckets(lane)) for lane in found]
    assert sum(len(each) for each in seen) == len(set().union(*seen))
    for lane in found:
        assert lane == [customer for customer in customers if customer in set(lane)]


@given(st.sets(st.integers(0, 50)))
def test_runs_are_the_numbers_they_come_from(numbers):
    found = list(runs(sorted(numbers)))
    assert [first + place for first, size in found for place in range(size)] == sorted(numbers)
    assert all(after[0] > first + size for (first, size), after in pairwise(found))


def test_deciders_of_different_buckets_do_not_wait(place):
    customers = [f"C{number}" for number in range(60)]
    one, other = lanes(customers, 2)
    with Ledger(place) as first, Ledger(place) as second, first.store.alone(one), second.store.alone(other):
        assert not set(map(bucket, one)) & set(map(bucket, other))
