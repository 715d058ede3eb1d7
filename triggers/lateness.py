"""What becomes of occasions found late: one rule for all kinds.

An occasion is due at an instant. It counts once that instant has come and while it is not overdue by more than
`max_age`; `skip` moreover wants it due on the very day, and `nearest` keeps the last due of those about the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from sqlglot import exp

from triggers.candidates import from_
from triggers.durations import Duration, Span
from triggers.terms import between, instant
from triggers.workdays import SLACK

Late = Literal["fire", "skip", "nearest"]


@dataclass(frozen=True)
class Reach:
    """From when to when an occasion may be due to count; both aware, in the insurer's zone, both included."""

    since: datetime
    now: datetime

    def before(self, delay: Duration) -> tuple[datetime, datetime]:
        """A range that certainly holds whatever comes due within reach after this delay; months get some slack.

        Working days get the most there can be: a calendar on which they took longer is refused (`triggers.workdays`).
        """
        if delay.unit == "wd":
            back, ahead = (timedelta(days=2 * max(0, count) + SLACK + 1) for count in (delay.count, -delay.count))
            return self.since - back, self.now + ahead
        slack = timedelta(0) if delay.unit == "h" else timedelta(days=1 if delay.exact else 4)
        return delay.before(self.since) - slack, delay.before(self.now) + slack


def reach(late: Late, max_age: Span, now: datetime) -> Reach:
    """How far back occasions count; ValueError for a naive `now`."""
    if now.tzinfo is None:
        raise ValueError(f"{now.isoformat()} has no time zone: nobody can say which instant it is")
    since = max_age.before(now)
    if late == "skip":
        since = max(since, datetime.combine(now.date(), time(), now.tzinfo))
    return Reach(since, now)


def on_time(found: exp.Select, within: Reach, *, last_of: tuple[str, ...] = ()) -> exp.Select:
    """Of all occasions found (MOMENT_COLUMNS and `about`) those that count, in a total order. `found` becomes part of it.

    `last_of` keeps the last due of those that have these columns in common.
    """
    due = between(exp.column("due_at"), instant(within.since), instant(within.now))
    counted = from_(found, "found").where(due, copy=False)
    if last_of:
        ranked = counted.select(exp.alias_(_place(last_of), "place"), copy=False)
        counted = from_(ranked, "ranked").where("place = 1", copy=False)
    return counted.order_by("customer_id", "subject", "occasion", copy=False)


def _place(last_of: tuple[str, ...]) -> exp.Window:
    latest = [
        exp.Ordered(this=exp.column(name), desc=True, nulls_first=False) for name in ("due_at", "occasion", "subject")
    ]
    return exp.Window(
        this=exp.RowNumber(),
        partition_by=[exp.column(name) for name in last_of],
        order=exp.Order(expressions=latest),
    )
