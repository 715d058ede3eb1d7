"""Laws of the hours: what `next_window` returns lies in every rule, and nothing earlier does, minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.policy import Hours
from campaigns.windows import next_window
from triggers.workdays import Calendar, OwnDay, calendar_of

MINUTE = timedelta(minutes=1)
DAYS = 4
ZONES = ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"]
CALENDARS = {
    "weekdays": calendar_of(""),
    "China": calendar_of("CN"),
    "own": Calendar("CN", {date(2026, 3, 9): OwnDay(False, "Founder's day"), date(2026, 11, 1): OwnDay(True)}),
}
AROUND = [
    "2026-03-07T20:00",  # New York goes forward
    "2026-03-28T22:00",  # Berlin goes forward
    "2026-10-03T12:00",  # Lord Howe goes forward by half an hour, National Day in China
    "2026-10-24T22:00",  # Berlin goes back
    "2026-10-29T12:00",  # Cairo goes back at midnight
    "2026-10-31T20:00",  # New York goes back
    "2026-09-18T12:00",  # a make-up Sunday in China
    "2026-10-09T12:00",  # a make-up Saturday
]
STARTS = st.builds(
    lambda base, minutes: base.replace(tzinfo=UTC) + minutes * MINUTE,
    st.sampled_from(AROUND).map(datetime.fromisoformat) | st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1)),  # noqa: DTZ001
    st.integers(0, 48 * 60),
).map(lambda instant: instant.replace(second=0, microsecond=0))
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 59]))


def rule(opens: str, closes: str, **more: str) -> Hours:
    """Hours as a file writes them."""
    return Hours.model_validate({"from": opens, "to": closes, **more})


RULES = st.builds(
    lambda clocks, weekends, holidays: rule(*clocks, weekends=weekends, holidays=holidays),
    st.tuples(CLOCKS, CLOCKS).filter(lambda clocks: clocks[0] != clocks[1]),
    st.sampled_from(["send", "skip"]),
    st.sampled_from(["send", "skip"]),
)


def allowed(instant: datetime, hours: Hours, zone: ZoneInfo, calendar: Calendar) -> bool:
    """Whether the clock and the calendar on the customer's wall allow this minute."""
    wall = instant.astimezone(zone)
    clock, day = wall.time(), wall.date()
    if hours.opens < hours.closes:
        inside = hours.opens <= clock < hours.closes
    else:
        inside = clock >= hours.opens or clock < hours.closes
        day -= timedelta(days=1 if clock < hours.closes else 0)  # the window of the evening before
    skipped = (hours.weekends == "skip" and not calendar.works(day)) or (
        hours.holidays == "skip" and calendar.holiday(day)
    )
    return inside and not skipped


def expected(
    now: datetime, until: datetime, rules: list[Hours], zone: ZoneInfo, calendar: Calendar
) -> tuple[datetime, datetime] | None:
    """The first run of allowed minutes, found by looking at each."""
    start: datetime | None = None
    minute = now
    while minute < until:
        if all(allowed(minute, hours, zone, calendar) for hours in rules):
            start = start or minute
        elif start:
            return start, minute
        minute += MINUTE
    return (start, until) if start else None


@settings(max_examples=150, deadline=None)
@given(
    now=STARTS,
    zone=st.sampled_from(ZONES),
    rules=st.lists(RULES, min_size=1, max_size=3),
    calendar=st.sampled_from(sorted(CALENDARS)),
)
@example(  # opens within the hour that comes twice
    now=datetime(2026, 11, 1, 4, tzinfo=UTC), zone="America/New_York", calendar="weekdays",
    rules=[rule("01:30", "20:00")],
)  # fmt: skip
@example(  # closes within the hour that does not exist
    now=datetime(2026, 3, 8, 5, tzinfo=UTC), zone="America/New_York", calendar="weekdays",
    rules=[rule("00:00", "02:30")],
)  # fmt: skip
@example(  # over midnight, from a holiday into a working day
    now=datetime(2026, 10, 7, 12, tzinfo=UTC), zone="Asia/Shanghai", calendar="China",
    rules=[rule("21:00", "09:00", holidays="skip")],
)  # fmt: skip
@example(  # two rules that meet only for a minute
    now=datetime(2026, 10, 9, 12, tzinfo=UTC), zone="Asia/Shanghai", calendar="China",
    rules=[rule("09:00", "20:00", weekends="skip"), rule("19:59", "03:00")],
)  # fmt: skip
def test_the_next_window_is_allowed_by_every_rule_and_nothing_earlier_is(
    now: datetime, zone: str, rules: list[Hours], calendar: str
) -> None:
    until, place = now + timedelta(days=DAYS), ZoneInfo(zone)
    wanted = expected(now, until, rules, place, CALENDARS[calendar])
    found = next_window(now, until, place, rules, CALENDARS[calendar])
    assert found == wanted
