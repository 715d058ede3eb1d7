"""Local hours: midnight, both ends of daylight saving, weekends and holidays in the customer's own zone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.policy import Hours
from campaigns.windows import next_window, zone_of
from triggers.workdays import calendar_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def hours(opens, closes, **more):
    return Hours.model_validate({"from": opens, "to": closes, **more})


def window(now, zone, *rules, days=7, calendar=None):
    found = next_window(now, now + timedelta(days=days), zone, rules, calendar)
    return tuple(end.astimezone(zone).isoformat() for end in found) if found else None


def test_inside_the_window_one_may_write_at_once_until_it_closes():
    now = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI)
    assert window(now, SHANGHAI, hours("09:00", "20:00")) == ("2026-11-23T10:00:00+08:00", "2026-11-23T20:00:00+08:00")


def test_at_the_closing_minute_it_is_already_closed():
    now = datetime(2026, 11, 23, 20, tzinfo=SHANGHAI)
    assert window(now, SHANGHAI, hours("09:00", "20:00"))[0] == "2026-11-24T09:00:00+08:00"


def test_a_window_over_midnight_is_not_turned_round():
    rule = hours("21:00", "09:00")
    assert window(datetime(2026, 11, 23, 10, tzinfo=SHANGHAI), SHANGHAI, rule)[0] == "2026-11-23T21:00:00+08:00"
    assert window(datetime(2026, 11, 23, 3, tzinfo=SHANGHAI), SHANGHAI, rule) == (
        "2026-11-23T03:00:00+08:00",
        "2026-11-23T09:00:00+08:00",
    )


def test_nine_in_new_york_stays_nine_when_the_clocks_go_back():
    now = datetime(2026, 10, 31, 22, tzinfo=NEW_YORK)
    assert window(now, NEW_YORK, hours("09:00", "20:00"))[0] == "2026-11-01T09:00:00-05:00"


def test_an_hour_that_does_not_exist_opens_when_the_clocks_have_gone_forward():
    now = datetime(2026, 3, 8, 0, tzinfo=NEW_YORK)
    assert window(now, NEW_YORK, hours("02:30", "20:00"))[0] == "2026-03-08T03:00:00-04:00"


def test_an_hour_that_comes_twice_is_not_open_before_its_time_nor_after():
    now = datetime(2026, 11, 1, 0, tzinfo=NEW_YORK)
    assert window(now, NEW_YORK, hours("00:00", "01:30")) == ("2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00")
    second = datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK)
    assert window(second, NEW_YORK, hours("00:00", "01:30")) == (
        "2026-11-01T01:00:00-05:00",
        "2026-11-01T01:30:00-05:00",
    )
    assert window(now, NEW_YORK, hours("21:00", "09:00")) == ("2026-11-01T00:00:00-04:00", "2026-11-01T09:00:00-05:00")


def test_the_weekday_is_that_of_the_customer_not_of_utc():
    sunday_evening = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # Monday 07:30 in Shanghai
    assert window(sunday_evening, SHANGHAI, hours("07:00", "20:00", weekends="skip"))[0] == "2026-11-23T07:30:00+08:00"
    monday_evening = datetime(2026, 11, 23, 20, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert (
        window(monday_evening, ZoneInfo("America/Los_Angeles"), hours("19:00", "21:00", weekends="skip"))[0]
        == "2026-11-23T20:00:00-08:00"
    )


def test_public_holidays_are_skipped_where_asked():
    now = datetime(2026, 9, 30, 21, tzinfo=SHANGHAI)
    china = calendar_of("CN")
    assert (
        window(now, SHANGHAI, hours("09:00", "20:00", holidays="skip"), days=14, calendar=china)[0]
        == "2026-10-08T09:00:00+08:00"
    )
    assert window(now, SHANGHAI, hours("09:00", "20:00"), days=14, calendar=china)[0] == "2026-10-01T09:00:00+08:00"


def test_a_sunday_worked_to_make_up_for_a_bridge_day_is_no_free_day():
    now = datetime(2026, 10, 9, 21, tzinfo=SHANGHAI)
    assert (
        window(now, SHANGHAI, hours("09:00", "20:00", weekends="skip"), calendar=calendar_of("CN"))[0]
        == "2026-10-10T09:00:00+08:00"
    )
    assert window(now, SHANGHAI, hours("09:00", "20:00", weekends="skip"))[0] == "2026-10-12T09:00:00+08:00"


@pytest.mark.real_data
def test_holidays_agree_with_the_notices_of_the_state_council(real_data):
    notices = json.loads((real_data("china-holidays") / "2026.json").read_text(encoding="utf-8"))["days"]
    china = calendar_of("CN")
    wrong = [day["date"] for day in notices if china.holiday(date.fromisoformat(day["date"])) != day["isOffDay"]]
    assert wrong == []


def test_a_year_the_calendar_does_not_fully_know_raises_nothing():
    assert calendar_of("CN").holiday(date(2031, 1, 1))


def test_no_window_before_the_message_would_be_too_late_is_none():
    now = datetime(2026, 11, 23, 21, tzinfo=SHANGHAI)
    assert next_window(now, now + timedelta(hours=3), SHANGHAI, [hours("09:00", "20:00")]) is None


def test_a_zone_that_does_not_exist_is_no_zone():
    assert zone_of("Mars/Olympus") is None
    assert zone_of("") is None
    assert zone_of("../../etc/passwd") is None


clocks = st.times().map(lambda clock: clock.strftime("%H:%M"))
zones = st.sampled_from(
    ["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
)


@given(
    now=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    zone=zones,
    rules=st.lists(st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=3),
)
def test_every_minute_of_a_window_is_allowed_by_every_rule(now, zone, rules):
    place = ZoneInfo(zone)
    instant = now.replace(tzinfo=UTC)
    made = [hours(*rule) for rule in rules]
    found = next_window(instant, instant + timedelta(days=3), place, made)
    if found is None:
        return
    start, end = found
    assert instant <= start < end <= instant + timedelta(days=3)
    for moment in (start, start + (end - start) / 2, end - timedelta(seconds=1)):
        clock = moment.astimezone(place).time()
        for rule in made:
            inside = (
                rule.opens <= clock < rule.closes
                if rule.opens < rule.closes
                else clock >= rule.opens or clock < rule.closes
            )
            assert inside
