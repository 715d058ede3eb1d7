"""Where something falls that is reckoned from a day or an instant: a length of time later, as SQL.

Working days are counted in the facts' table `workdays`, so that the query stays one, for every row at once: the N-th
working day after a day is the one whose number is N higher.
"""

from __future__ import annotations

from sqlglot import exp

from triggers.durations import Duration
from triggers.terms import column, local_day, midnight, same


def from_day(source: exp.Select, on: exp.Expr, length: Duration) -> tuple[exp.Select, exp.Expr]:
    """The source, joined with what it takes, and the local midnight of the day this much after the day `on`."""
    if length.unit != "wd":
        return source, midnight(exp.Add(this=on, expression=length.interval))
    return _counted(source, on, length.count), midnight(column("shifted", "until"))


def from_instant(source: exp.Select, at: exp.Expr, length: Duration) -> tuple[exp.Select, exp.Expr]:
    """The source, joined with what it takes, and the instant this much after the instant `at`, at the same local time."""
    if length.unit != "wd":
        return source, exp.Add(this=at, expression=length.interval)
    away = exp.DateDiff(this=column("shifted", "until"), expression=column("shifted", "day"), unit=exp.var("DAY"))
    later = exp.TimestampAdd(this=at, expression=away, unit=exp.var("DAY"))
    return _counted(source, local_day(at), length.count), later


def _counted(source: exp.Select, on: exp.Expr, count: int) -> exp.Select:
    """The source with `shifted.until`, the working day meant, beside `shifted.day`; nothing for days on no calendar."""
    number: exp.Expr = column("counted", "number")
    if count <= 0:  # the day itself is the first one looked at, also when going back
        number = exp.Sub(
            this=number, expression=exp.If(this=column("counted", "works"), true=_number(1), false=_number(0))
        )
    wanted = exp.Add(this=number, expression=_number(count if count > 0 else count + 1))
    meant = exp.and_(column("target", "works"), same(column("target", "number"), wanted))
    shifts = (
        exp.select(column("counted", "day"), exp.alias_(column("target", "day"), "until"))
        .from_(exp.to_table("workdays", alias="counted"))
        .join(exp.to_table("workdays", alias="target"), on=meant)
    )
    return source.join(shifts.subquery("shifted"), on=same(column("shifted", "day"), on.copy()), join_type="left")


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
