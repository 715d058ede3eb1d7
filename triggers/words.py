"""Distances in time, in words: how `why` tells how far an occasion is from being due."""

from __future__ import annotations

from datetime import UTC, datetime

from triggers.durations import Duration


def days(count: int) -> str:
    """`1 day`, `61 days`."""
    return f"{abs(count)} day{'' if abs(count) == 1 else 's'}"


def when(ahead: int, verb: str, past: str) -> str:
    """Days ahead (negative = ago) with the verb that fits: `expires in 61 days`, `expired 3 days ago`."""
    if ahead == 0:
        return f"{verb} today"
    return f"{verb} in {days(ahead)}" if ahead > 0 else f"{past} {days(ahead)} ago"


def looked_at(offset: Duration) -> str:
    """What a campaign with this offset looks at: `60` (days ahead), `1 month before`, `3 working days after`."""
    if offset.count == 0:
        return "the day itself, or the next working day" if offset.unit == "wd" else "the day itself"
    if offset.count < 0:
        return str(-offset.count) if offset.unit == "d" else f"{offset.words} before"
    return f"{offset.words} after"


def waits(delay: Duration) -> str:
    """What a campaign does after an occurrence: `waits for 2 days`, `does not wait`."""
    return f"waits for {delay.words}" if delay.count else "does not wait"


def looked_for(delay: Duration) -> str:
    """`the campaign waits for 2 days`, `the campaign does not wait`."""
    return f"the campaign {waits(delay)}"


def since(instant: datetime, now: datetime) -> str:
    """How long ago: hours below two days, else days."""
    hours = int((now.astimezone(UTC) - instant.astimezone(UTC)).total_seconds() // 3600)
    if abs(hours) < 48:
        return f"{abs(hours)} hour{'' if abs(hours) == 1 else 's'}"
    return days((now.date() - instant.astimezone(now.tzinfo).date()).days)


def clock(instant: datetime, now: datetime) -> str:
    """The instant on the insurer's clock, to the minute."""
    return instant.astimezone(now.tzinfo).strftime("%Y-%m-%d %H:%M")
