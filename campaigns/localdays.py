"""Days as customers count them: from the first moment of a day in their own zone to the first moment of the next."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from triggers.durations import Span

_INSTANT = timedelta(microseconds=1)


def first_moment(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins: at midnight, at the first of two midnights, or where the clocks jump over it, at the jump. In UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def period_start(now: datetime, span: Span, zone: ZoneInfo) -> datetime:
    """The first instant of the period that ends now. In UTC.

    Days, weeks and months are calendar days: `1d` is today, `7d` today and the six days before, `1mo` what follows the same
    day of the month before. Hours roll: `24h` begins just after this very instant of yesterday.
    """
    if span.unit == "h":
        return now.astimezone(UTC) - span.timedelta + _INSTANT
    today = now.astimezone(zone).date()
    return first_moment(_back(today, span) + timedelta(days=1), zone)


def leaves_period(at: datetime, span: Span, zone: ZoneInfo) -> datetime:
    """The first instant whose period no longer holds `at`. In UTC."""
    if span.unit == "h":
        return at.astimezone(UTC) + span.timedelta
    day = at.astimezone(zone).date()
    last = span.day_after(day)
    while _back(last, span) < day:  # a month from the 31st may be shorter than the way back
        last += timedelta(days=1)
    return first_moment(last, zone)


def _back(day: date, span: Span) -> date:
    return span.before(datetime.combine(day, time())).date()
