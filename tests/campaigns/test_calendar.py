"""The insurer's calendar where campaigns are decided: waits, agent tasks, hours, and messages planned anew."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from campaigns.delivery import Delivery
from campaigns.dispatch import Desk, dispatch
from campaigns.policy import ContactPolicy
from campaigns.senders import sender_for
from channels.contract import Profile
from triggers.workdays import Calendar, OwnDay

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEDNESDAY = datetime(2026, 9, 30, 10, tzinfo=SHANGHAI)
STEPS = [
    {"send": {"template": "note", "channels": ["agent_task"], "due": "1wd"}},
    {"wait": "3wd"},
    {"send": {"template": "note", "channels": ["sms"], "id": "later"}},
]


@pytest.fixture
def before_the_holiday(insurer, campaign):
    """A policy whose reminder is due the day before National Day."""
    insurer.campaigns = [campaign(steps=STEPS)]
    insurer.policy = ContactPolicy(holidays="CN")
    return insurer.customer("C1", agent_id="A1").expiring("P1", "C1", on="2026-11-29")


def at(seconds):
    return datetime.fromtimestamp(seconds, SHANGHAI)


@pytest.mark.parametrize("now", [WEDNESDAY, WEDNESDAY.astimezone(UTC)])
def test_a_wait_of_working_days_passes_over_the_holiday_of_the_policy(before_the_holiday, ledger, now):
    before_the_holiday.turn(ledger, now)
    ((step, wakes),) = ledger.store.query("select step, wake_at from moments")
    assert (step, at(wakes)) == ("later", datetime(2026, 10, 10, 10, tzinfo=SHANGHAI))


def test_an_agents_working_day_ends_after_the_holiday(before_the_holiday, ledger):
    before_the_holiday.turn(ledger, WEDNESDAY)
    ((due,),) = ledger.store.query("select due_at from messages")
    assert at(due) == datetime(2026, 10, 8, 10, tzinfo=SHANGHAI)


def test_the_insurers_own_days_win_over_the_country_of_the_policy(before_the_holiday, ledger, monkeypatch):
    own = Calendar("CN", {date(2026, 10, 8): OwnDay(False, "Founder's day")})
    rules = replace(before_the_holiday.rules(), calendar=own)
    monkeypatch.setattr(before_the_holiday, "rules", lambda: rules)
    before_the_holiday.turn(ledger, WEDNESDAY)
    ((wakes,),) = ledger.store.query("select wake_at from moments")
    assert at(wakes) == datetime(2026, 10, 12, 10, tzinfo=SHANGHAI)


@pytest.mark.parametrize(("own", "opens"), [({}, 8), ({date(2026, 10, 8): OwnDay(False, "Founder's day")}, 9)])
def test_hours_skip_the_holidays_of_the_insurers_calendar(insurer, ledger, campaign, monkeypatch, own, opens):
    skip = {"from": "09:00", "to": "20:00", "holidays": "skip"}
    insurer.campaigns = [campaign(hours=skip, valid_for="20d")]
    insurer.customer("C1").expiring("P1", "C1", on="2026-11-30")
    rules = replace(insurer.rules(), calendar=Calendar("CN", own))
    monkeypatch.setattr(insurer, "rules", lambda: rules)
    insurer.turn(ledger, datetime(2026, 10, 1, 10, tzinfo=SHANGHAI))
    ((starts,),) = ledger.store.query("select not_before from messages")
    assert at(starts) == datetime(2026, 10, opens, 9, tzinfo=SHANGHAI)


class Silent:
    """A gateway that is never asked for anything."""

    profile = Profile(replies=True)

    async def close(self):
        """Nothing to close."""


def test_a_message_that_missed_its_hours_is_planned_anew_on_the_insurers_calendar(insurer, ledger, campaign, tmp_path):
    insurer.campaigns = [campaign(hours={"from": "09:00", "to": "20:00", "weekends": "skip"}, valid_for="20d")]
    insurer.customer("C1").expiring("P1", "C1", on="2026-11-28").turn(
        ledger, datetime(2026, 9, 29, 10, tzinfo=SHANGHAI)
    )
    with sender_for(ledger, tmp_path / "senders") as sender:
        now = datetime(2026, 9, 29, 21, tzinfo=SHANGHAI)
        calendar = Calendar("CN", {date(2026, 9, 30): OwnDay(False)})
        desk = Desk(
            ledger, {"sms": Silent()}, insurer.campaigns, insurer.policy, Delivery(), "Asia/Shanghai", now, lambda: now,
            sender, calendar,
        )  # fmt: skip
        assert asyncio.run(dispatch(desk)).replanned == 1
    ((starts,),) = ledger.store.query("select not_before from messages")
    assert at(starts) == datetime(2026, 10, 8, 9, tzinfo=SHANGHAI)
