"""Bugs of other systems that concern time and identity, each as the case it was found with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Lock
from zoneinfo import ZoneInfo

import pytest

from campaigns.definition import Campaign
from campaigns.documents import read_document, validate
from campaigns.ledger import Ledger
from campaigns.policy import ContactPolicy, Hours
from campaigns.windows import hours_for, next_window, zone_of
from channels.contract import Profile
from triggers.kinds.date import DateTrigger
from triggers.moments import moments
from triggers.testing import facts
from triggers.workdays import Calendar, OwnDay

SHANGHAI, LOS_ANGELES, NEW_YORK = (
    ZoneInfo(name) for name in ("Asia/Shanghai", "America/Los_Angeles", "America/New_York")
)
FORTNIGHT = [date(2026, 11, 16) + timedelta(days=number) for number in range(14)]
MONDAYS = Calendar("", {day: OwnDay(day.weekday() == 0) for day in FORTNIGHT})


def hours(opens, closes, **more):
    return Hours.model_validate({"from": opens, "to": closes, **more})


def opening(now, zone, *rules, calendar=None, days=10):
    found = next_window(now, now + timedelta(days=days), zone, rules, calendar)
    return found and found[0].astimezone(zone)


def test_dittofeed_monday_only_at_seven_in_shanghai_is_monday_and_not_tuesday():
    saturday = datetime(2026, 11, 21, 12, tzinfo=SHANGHAI)
    found = opening(saturday, SHANGHAI, hours("07:00", "08:00", weekends="skip"), calendar=MONDAYS)
    assert found == datetime(2026, 11, 23, 7, tzinfo=SHANGHAI)
    assert found.strftime("%A") == "Monday"
    assert found.astimezone(UTC).strftime("%A") == "Sunday"


def test_dittofeed_monday_evening_in_los_angeles_is_monday_and_not_sunday():
    saturday = datetime(2026, 11, 21, 12, tzinfo=LOS_ANGELES)
    found = opening(saturday, LOS_ANGELES, hours("20:00", "21:00", weekends="skip"), calendar=MONDAYS)
    assert found == datetime(2026, 11, 23, 20, tzinfo=LOS_ANGELES)
    assert found.astimezone(UTC).strftime("%A") == "Tuesday"


def test_dittofeed_next_nine_in_new_york_across_the_first_of_november_is_nine_and_not_eight():
    friday = datetime(2026, 10, 30, 21, tzinfo=NEW_YORK)
    assert (
        opening(friday + timedelta(days=1), NEW_YORK, hours("09:00", "20:00")).isoformat()
        == "2026-11-01T09:00:00-05:00"
    )
    assert (
        opening(friday, NEW_YORK, hours("09:00", "20:00", weekends="skip")).isoformat() == "2026-11-02T09:00:00-05:00"
    )


@pytest.mark.parametrize(
    ("clock", "wanted"),
    [
        ("2026-11-23T08:59", "2026-11-23T08:59"),
        ("2026-11-23T09:00", "2026-11-23T21:00"),
        ("2026-11-23T15:00", "2026-11-23T21:00"),
        ("2026-11-23T21:00", "2026-11-23T21:00"),
        ("2026-11-24T00:00", "2026-11-24T00:00"),
    ],
)
def test_mautic_twenty_one_to_nine_is_the_night_and_not_the_day(clock, wanted):
    now, then = (datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for text in (clock, wanted))
    assert opening(now, SHANGHAI, hours("21:00", "09:00")) == then


def test_mautic_a_date_in_a_window_over_midnight_keeps_the_day_it_opened_on():
    friday_night = hours("21:00", "09:00", weekends="skip")
    assert opening(datetime(2026, 11, 28, 1, tzinfo=SHANGHAI), SHANGHAI, friday_night) == datetime(
        2026, 11, 28, 1, tzinfo=SHANGHAI
    )
    assert opening(datetime(2026, 11, 28, 9, tzinfo=SHANGHAI), SHANGHAI, friday_night) == datetime(
        2026, 11, 30, 21, tzinfo=SHANGHAI
    )


def test_posthog_a_window_over_midnight_opens_before_and_stays_open_after_it():
    rule = hours("22:00", "02:00")
    for clock in ((23, 22, 0), (23, 23, 59), (24, 0, 0), (24, 1, 59)):
        now = datetime(2026, 11, *clock, tzinfo=SHANGHAI)
        assert next_window(now, now + timedelta(days=1), SHANGHAI, [rule]) == (
            now,
            datetime(2026, 11, 24, 2, tzinfo=SHANGHAI),
        )
    closed = datetime(2026, 11, 24, 2, tzinfo=SHANGHAI)
    assert opening(closed, SHANGHAI, rule) == datetime(2026, 11, 24, 22, tzinfo=SHANGHAI)


def test_an_unknown_zone_gets_the_hours_that_are_decent_almost_anywhere(campaign):
    policy, profile = ContactPolicy(), Profile(replies=True)
    assert zone_of("Mars/Olympus") is None
    rules = hours_for(policy, campaign(), profile, known_zone=False)
    night = datetime(2026, 11, 23, 21, tzinfo=SHANGHAI)
    assert next_window(night, night + timedelta(days=3), SHANGHAI, rules) == (
        datetime(2026, 11, 24, 12, tzinfo=SHANGHAI),
        datetime(2026, 11, 24, 16, tzinfo=SHANGHAI),
    )


def test_laudspeaker_quiet_hours_are_those_of_the_customer_and_not_of_the_workspace(insurer, ledger):
    insurer.customer("C1", timezone="America/Los_Angeles").expiring("P1", "C1").turn(ledger)
    (opens,) = ledger.store.query("select datetime(not_before, 'unixepoch') from messages")[0]
    local = datetime.fromisoformat(opens).replace(tzinfo=UTC).astimezone(LOS_ANGELES)
    assert (local.hour, local.minute) == (18, 0)  # 10 in Shanghai is 18 the evening before there: open at once
    insurer.policy = ContactPolicy(hours={"from": "09:00", "to": "17:00"})
    insurer.customer("C2", timezone="America/Los_Angeles").expiring("P2", "C2").turn(ledger)
    (opens,) = ledger.store.query("select datetime(not_before, 'unixepoch') from messages where customer_id = 'C2'")[0]
    assert datetime.fromisoformat(opens).replace(tzinfo=UTC).astimezone(LOS_ANGELES).hour == 9


FILE = """name: grace
title: {en: Grace}
purpose: service
trigger:
  kind: date
  of: policies.expiry_date
  offset: 0d
steps:
  - send: {template: note, channels: [sms]}
"""


def test_parcelvoy_a_delay_until_a_date_fires_on_that_date_and_not_at_once(tmp_path):
    path = tmp_path / "grace.yaml"
    path.write_text(FILE, encoding="utf-8")
    read = validate(read_document(path), Campaign)
    assert isinstance(read, Campaign)
    assert read.trigger.of == "policies.expiry_date"
    trigger = read.trigger.model_copy(update={"late": "skip"})
    policy = {"policy_id": "P1", "customer_id": "C1", "status": "active", "expiry_date": "2026-11-25"}
    fired = [day for day in range(20, 29) if found(trigger, f"2026-11-{day}T10:00", [policy])]
    assert fired == [25]


def test_parcelvoy_a_wait_of_working_days_ends_on_the_working_day(campaign):
    steps = [
        {"send": {"template": "note", "channels": ["sms"]}},
        {"wait": "3wd"},
        {"send": {"template": "later", "channels": ["sms"]}},
    ]
    made = campaign(steps=steps)
    wednesday = datetime(2026, 9, 30, 10, tzinfo=SHANGHAI)
    assert made.after("note", wednesday, Calendar("CN")) == ("later", datetime(2026, 10, 10, 10, tzinfo=SHANGHAI))
    assert made.after("note", wednesday, Calendar()) == ("later", datetime(2026, 10, 5, 10, tzinfo=SHANGHAI))
    with pytest.raises(ValueError, match="there is no calendar here"):
        made.after("note", wednesday)


def test_parcelvoy_what_stalls_expires_once_it_is_old_and_not_while_it_is_young(insurer, ledger, now, answers):
    insurer.customer("C1").expiring("P1", "C1")
    insurer.policy = ContactPolicy(hours={"from": "09:00", "to": "10:00"})
    insurer.turn(ledger)  # 10 o'clock: closed until tomorrow at 9
    (row,) = ledger.store.query("select not_before, expires_at from messages")
    assert datetime.fromtimestamp(row[0], SHANGHAI) == now + timedelta(hours=23)
    assert datetime.fromtimestamp(row[1], SHANGHAI) == now + timedelta(days=3)
    assert answers() == {"policy:P1": "sent"}


def test_parcelvoy_one_occasion_met_by_two_workers_at_once_is_one_moment_and_one_message(insurer, ledger, tmp_path):
    for number in range(40):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    words = insurer.words()
    insurer.words = lambda: words
    together, alone = Barrier(2), Lock()

    def work(_number):
        with alone:
            own = Ledger(tmp_path / "ledger.db")
        together.wait()
        insurer.turn(own, shelf=7)
        together.wait()
        with alone:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert ledger.store.query("select count(*), count(distinct subject) from moments") == [(40, 40)]
    assert ledger.store.query("select count(*), count(distinct moment_id) from messages") == [(40, 40)]


POLICIES = [{"policy_id": "P1", "customer_id": "C1", "status": "active", "expiry_date": "2026-11-24"}]


def found(trigger, now, policies):
    with facts(now, customers=[{"customer_id": "C1"}], policies=policies) as known:
        return [row["occasion"] for batch in moments(trigger, known) for row in batch.to_pylist()]


def reminder(days, **fields):
    asked = {"kind": "date", "of": "policies.expiry_date", "offset": f"-{days}d", **fields}
    return DateTrigger.model_validate(asked)


def test_mautic_6062_who_joins_a_day_before_gets_the_last_of_three_reminders_and_not_all():
    fired = [bool(found(reminder(days, late="skip"), "2026-11-23T10:00", POLICIES)) for days in (3, 2, 1)]
    assert fired == [False, False, True]


def test_mautic_3340_a_campaign_resumed_after_weeks_does_not_fire_what_is_overdue():
    renewals = [POLICIES[0] | {"policy_id": f"P{day}", "expiry_date": f"2026-12-{day:02}"} for day in range(1, 29)]
    fired = found(reminder(30, late="fire", max_age="3d"), "2026-11-24T10:00", renewals)
    assert fired == ["2026-12-22", "2026-12-23", "2026-12-24"]


def test_mautic_306_a_birthday_is_on_the_day_and_not_one_off_whatever_the_zone():
    born = [{"customer_id": "C1", "birth_date": "1990-11-23"}]
    trigger = DateTrigger.model_validate(
        {"kind": "date", "of": "customers.birth_date", "offset": "0d", "yearly": True, "late": "skip"}
    )
    for zone in ("Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        days = []
        for day in (22, 23, 24):
            now = datetime(2026, 11, day, 0, 1, tzinfo=ZoneInfo(zone))
            with facts(now, timezone=zone, customers=born) as known:
                days += [day for batch in moments(trigger, known) for _ in batch.to_pylist()]
        assert days == [23]


def test_mautic_16262_editing_a_campaign_sends_nothing_a_second_time(insurer, ledger, campaign):
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    for trigger in ({"offset": "-61d"}, {"offset": "-50wd"}, {"late": "fire"}, {"max_age": "40d"}):
        old = campaign().trigger.model_dump(mode="json", by_alias=True)
        insurer.campaigns = [campaign(trigger=old | trigger)]
        insurer.turn(ledger)
    assert ledger.store.query("select count(*) from moments") == [(1,)]
    assert ledger.store.query("select count(*) from messages") == [(1,)]
