"""A live campaign edited, deleted, published again, rolled back: the ways in which other systems resent, and none does here."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.check import check
from campaigns.ledger import Ledger
from campaigns.ledger.outbox import Outbox
from campaigns.register import Register
from channels.contract import Accepted, Refused

STEPS = [
    {"send": {"template": "note", "channels": ["sms"], "id": "first"}},
    {"wait": "7d"},
    {"send": {"template": "note", "channels": ["sms"], "id": "second"}},
    {"wait": "7d"},
    {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
]
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
FREE = {"caps": ()}


@pytest.fixture
def service(insurer, ledger, campaign, now):
    """Twenty customers; `service(days, **changes)` puts the campaign so changed into service and runs it that day."""
    insurer.policy = insurer.policy.model_copy(update=FREE)
    for number in range(20):
        insurer.customer(f"C{number:02}").expiring(f"P{number:02}", f"C{number:02}")
    register = Register(ledger)

    def run(days=0, **changes):
        made = campaign(**({"steps": STEPS} | changes))
        register.adopt([made], now + days * DAY, "cron")
        standing = register.standing(made.name)
        enabled = standing.runs and standing.version == made.version
        insurer.campaigns = [made.model_copy(update={"enabled": enabled})]
        return insurer.turn(ledger, now + days * DAY).reserved

    run.register = register
    return run


@pytest.fixture(autouse=True)
def everything_holds(ledger):
    yield
    assert [finding for finding in check(ledger) if not finding.holds] == []


def per_step(ledger):
    return dict(ledger.store.query("select step, count(*) from messages group by 1"))


def test_row_1_deleting_a_step_of_a_live_campaign_resends_nothing(service, ledger):
    assert (service(0), service(7)) == (20, 20)
    without = [STEPS[0], STEPS[1], STEPS[4]]
    for days in (8, 9, 14, 15, 21, 30):
        service(days, steps=without)
    assert per_step(ledger) == {"first": 20, "second": 20, "call": 20}


def test_row_1_deleting_the_step_people_wait_for_ends_it_for_them(service, ledger):
    service(0)
    for days in (3, 7, 14, 21):
        assert service(days, steps=[STEPS[0], STEPS[3], STEPS[4]]) == 0
    assert per_step(ledger) == {"first": 20}


def test_row_1_moving_and_renaming_templates_resends_nothing(service, ledger):
    service(0)
    moved = [STEPS[2], STEPS[1], STEPS[0], STEPS[3], STEPS[4]]
    for days in (1, 2, 6):
        assert service(days, steps=moved) == 0
    assert per_step(ledger) == {"first": 20}


def test_row_2_two_turns_in_the_same_second_reserve_every_message_once(service, insurer, ledger, place, now):
    assert service(0) == 20
    with Ledger(place) as other:
        assert insurer.turn(other).reserved == 0
        leased = [len(Outbox(each).lease("sms", token, now, now, 15)) for each, token in ((ledger, "a"), (other, "b"))]
    assert leased == [15, 5]


def test_row_3_publishing_again_takes_no_follow_up_away(service, ledger):
    service(0)
    for days in (1, 2, 3):
        service(days, title={"en": f"Edition {days}"})
    assert (service(7), service(14)) == (20, 20)
    assert per_step(ledger) == {"first": 20, "second": 20, "call": 20}


def test_row_4_one_refused_recipient_does_not_send_the_others_again(service, ledger, now):
    service(0)
    outbox = Outbox(ledger)
    leased = outbox.lease("sms", "t", now, now, 100)
    answers = [Refused("bad_address", "554"), *(Accepted(f"SM{number}") for number in range(1, 20))]
    outbox.settle(
        [(message, tries, answer) for (message, tries), answer in zip(leased, answers, strict=True)], "t", now, 5
    )
    service(0, title={"en": "Published again"})
    assert outbox.lease("sms", "t", now + DAY, now + DAY, 100) == []
    assert dict(ledger.store.query("select state, count(*) from messages group by 1")) == {"failed": 1, "accepted": 19}


def test_row_5_whoever_joins_late_gets_the_nearest_reminder_alone(insurer, ledger, campaign, now):
    insurer.policy = insurer.policy.model_copy(update=FREE)
    dates = [campaign(name=f"day-{days}", trigger={"kind": "date", "of": "policies.expiry_date", "offset": f"-{days}d",
                                                  "late": "skip"}) for days in (3, 2, 1)]  # fmt: skip
    insurer.campaigns = dates
    insurer.customer("C1").expiring("P1", "C1", on="2026-11-24")
    assert insurer.turn(ledger, now).reserved == 1
    assert ledger.store.query("select campaign from messages") == [("day-1",)]


def test_row_6_publishing_again_after_weeks_is_no_burst(service, ledger):
    service(0)
    service.register.pause("reminder", ledger_time(ledger), "ann")
    for days in (7, 20, 40):
        assert service(days) == 0
    service.register.resume("reminder", ledger_time(ledger), "ann")
    assert service(60, title={"en": "Back again"}) == 0
    assert per_step(ledger) == {"first": 20}
    assert ledger.store.query("select distinct verdict, gate, reason from decisions where step = 'second'") == [
        ("expired", "overdue", "too_old")
    ]


def test_row_7_a_file_taken_away_and_put_back_writes_to_nobody_again(service, ledger, insurer, now):
    service(0)
    service.register.vanish(["reminder"], now, "cron")
    insurer.campaigns = []
    insurer.turn(ledger, now + DAY)
    assert service(2) == 0
    assert per_step(ledger) == {"first": 20}


def test_row_7_a_rollback_writes_to_nobody_again(service, ledger, insurer, campaign, now):
    service(0)
    first = campaign(steps=STEPS)
    service(1, holdout="1%", title={"en": "Other words"})
    service.register.roll_back("reminder", first.version, now + 2 * DAY, "ann")
    insurer.campaigns = [first]
    assert insurer.turn(ledger, now + 2 * DAY).reserved == 0
    assert insurer.turn(ledger, now + WEEK).reserved == 20
    assert per_step(ledger) == {"first": 20, "second": 20}


def ledger_time(ledger):
    from campaigns.ledger.ledger import instant

    return instant(ledger.store.query("select max(reserved_at) from messages")[0][0])
