"""Caps count in the customer's own days: midnight, both ends of daylight saving, months, and what has not gone yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.localdays import first_moment, leaves_period, period_start
from campaigns.policy import Cap, ContactPolicy
from triggers.durations import Span

ALL_DAY = {"from": "00:00", "to": "23:59"}


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


PERIODS = [
    # now, span, zone, the period's first instant, when it no longer holds that instant
    ("2026-11-23T10:00", "1d", "Asia/Shanghai", "2026-11-23T00:00", "2026-11-24T00:00"),
    ("2026-11-23T00:00", "1d", "Asia/Shanghai", "2026-11-23T00:00", "2026-11-24T00:00"),
    ("2026-11-22T23:59", "1d", "Asia/Shanghai", "2026-11-22T00:00", "2026-11-23T00:00"),
    ("2026-11-23T10:00", "7d", "Asia/Shanghai", "2026-11-17T00:00", "2026-11-24T00:00"),
    ("2026-11-23T10:00", "1w", "Asia/Shanghai", "2026-11-17T00:00", "2026-11-24T00:00"),
    ("2026-03-15T10:00", "1mo", "Asia/Shanghai", "2026-02-16T00:00", "2026-03-16T00:00"),
    ("2026-03-30T10:00", "1mo", "Asia/Shanghai", "2026-03-01T00:00", "2026-04-01T00:00"),
    ("2026-03-29T10:00", "1d", "Europe/London", "2026-03-29T00:00", "2026-03-30T00:00"),
    ("2026-10-25T10:00", "2d", "Europe/London", "2026-10-24T00:00", "2026-10-26T00:00"),
    ("2026-11-01T12:00", "1d", "America/Havana", "2026-11-01T00:00", "2026-11-02T00:00"),
]


@pytest.mark.parametrize(("now", "span", "zone", "first", "gone"), PERIODS)
def test_days_weeks_and_months_are_calendar_days(now, span, zone, first, gone):
    start = period_start(at(now, zone), Span.parse(span), ZoneInfo(zone))
    assert start == at(first, zone)
    assert leaves_period(start, Span.parse(span), ZoneInfo(zone)) == at(gone, zone)


def test_a_day_without_a_midnight_begins_at_the_jump():
    # Beirut put its clocks forward at midnight: 00:00 was 01:00
    assert first_moment(date(2026, 3, 29), ZoneInfo("Asia/Beirut")) == datetime(2026, 3, 28, 22, tzinfo=UTC)


def test_hours_roll():
    now = at("2026-11-23T10:00")
    assert period_start(now, Span.parse("24h"), ZoneInfo("Asia/Shanghai")) == now - timedelta(hours=24, microseconds=-1)
    assert leaves_period(now, Span.parse("24h"), ZoneInfo("Asia/Shanghai")) == now + timedelta(hours=24)


def test_a_period_of_no_length_is_refused():
    with pytest.raises(ValueError, match="no time at all"):
        Cap(max=1, per="0d")


@pytest.fixture
def daily(insurer, campaign, ledger):
    """At most one message a local day, at any hour; a moment from each of two campaigns that fire when told."""
    insurer.policy = ContactPolicy(caps=[{"max": 1, "per": "1d"}], hours=ALL_DAY)
    told = {"kind": "event", "type": "told", "max_age": "5d"}
    insurer.campaigns = [campaign(trigger=told, cap="hold")]
    insurer.customer("C1").customer("C2", timezone="America/New_York")

    def tell(customer, when):
        ledger.store.query(
            "update messages set state = 'delivered' where state = 'reserved'"
        )  # what was reserved has gone
        number = len(insurer.tables.get("events", []))
        insurer.add("events", event_id=f"E{number}", customer_id=customer, type="told", occurred_at=when)

    return tell


def test_a_new_local_day_has_room_again(insurer, ledger, daily, answers):
    daily("C1", at("2026-11-23T23:50"))
    insurer.turn(ledger, at("2026-11-23T23:51"))
    daily("C1", at("2026-11-23T23:52"))
    insurer.turn(ledger, at("2026-11-23T23:53"))
    assert answers() == {"event:E0": "sent", "event:E1": "held cap.cap_met"}
    woken = ledger.store.query("select wake_at from moments where subject = 'event:E1'")
    assert woken == [(int(at("2026-11-24T00:00").timestamp()),)]
    insurer.turn(ledger, at("2026-11-24T00:00"))
    assert answers() == {"event:E0": "sent", "event:E1": "sent"}


def test_the_day_is_the_customers_own(insurer, ledger, daily, answers):
    daily("C2", at("2026-11-23T11:50"))  # 22:50 on the 22nd in New York
    insurer.turn(ledger, at("2026-11-23T12:00"))
    daily("C2", at("2026-11-23T12:30"))
    insurer.turn(ledger, at("2026-11-23T12:40"))
    assert answers()["event:E1"] == "held cap.cap_met"
    insurer.turn(ledger, at("2026-11-23T13:00"))  # midnight in New York
    assert answers()["event:E1"] == "sent"


def test_a_day_of_daylight_saving_has_25_hours(insurer, ledger, daily, answers):
    daily("C2", at("2026-11-01T00:10", "America/New_York"))
    insurer.turn(ledger, at("2026-11-01T00:20", "America/New_York"))
    daily("C2", at("2026-11-01T23:00", "America/New_York"))
    insurer.turn(ledger, at("2026-11-01T23:30", "America/New_York"))  # 24 hours and 10 minutes later, still the first
    assert answers()["event:E1"] == "held cap.cap_met"
    insurer.turn(ledger, at("2026-11-02T00:00", "America/New_York"))
    assert answers()["event:E1"] == "sent"


def test_a_message_counts_on_the_day_it_is_to_go(insurer, ledger, campaign, daily, answers):
    insurer.policy = insurer.policy.model_copy(update={"hours": ContactPolicy().hours})
    daily("C1", at("2026-11-23T21:50"))
    insurer.turn(ledger, at("2026-11-23T22:00"))  # reserved tonight for nine tomorrow
    daily("C1", at("2026-11-24T09:50"))
    insurer.turn(ledger, at("2026-11-24T10:00"))
    assert answers() == {"event:E0": "sent", "event:E1": "held cap.cap_met"}


def test_what_should_have_gone_and_has_not_counts_as_of_now(insurer, ledger, daily, answers):
    daily("C1", at("2026-11-23T10:00"))
    insurer.turn(ledger, at("2026-11-23T10:10"))
    daily("C1", at("2026-11-24T10:00"))
    ledger.store.query("update messages set state = 'reserved'")  # nobody has handed it over
    insurer.turn(ledger, at("2026-11-24T10:10"))
    assert answers()["event:E1"] == "held cap.cap_met"
    ledger.store.query("update messages set state = 'delivered'")
    insurer.turn(ledger, at("2026-11-25T00:00"))
    assert answers()["event:E1"] == "sent"


def test_a_cap_of_none_is_none(insurer, ledger, daily, answers):
    insurer.policy = ContactPolicy(caps=[{"max": 0, "per": "1d", "channels": ["sms"]}])
    daily("C1", at("2026-11-23T10:00"))
    insurer.turn(ledger)
    assert answers() == {"event:E0": "held cap.cap_met"}


def test_a_cap_on_e_mail_says_nothing_of_sms_and_contract_notices_meet_none(insurer, ledger, campaign, answers):
    insurer.policy = ContactPolicy(caps=[{"max": 0, "per": "1mo", "channels": ["email"]}])
    insurer.campaigns = [campaign(), campaign(name="notice", purpose="contract")]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    traces = ledger.store.query("select body from cases order by 1")
    assert ledger.store.query("select campaign, status from moments order by 1") == [
        ("notice", "sent"),
        ("reminder", "sent"),
    ]
    assert not any('"cap"' in body for (body,) in traces)
