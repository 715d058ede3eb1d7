"""Days that come round every year. 29 February is kept on 28 February or 1 March in common years."""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlglot import exp

from triggers.terms import between, column, day, same

Leap = Literal["feb28", "mar1"]
"""The day on which 29 February is kept in common years."""


NARROW = timedelta(days=92)
"""Ranges longer than this are not narrowed by month and day."""


@dataclass(frozen=True)
class Recurrence:
    """The source, joined with the years asked about, and the day each row has in them.

    `named` is what the occasion is called, the same whichever day 29 February is kept on; `on` is the day itself,
    `within` the range it must lie in. For a date that does not recur both are that date.
    """

    source: exp.Select
    named: exp.Expr
    on: exp.Expr
    within: exp.Expr | None


def recurring(source: exp.Select, first: exp.Expr, days: tuple[date, date], leap: Leap = "feb28") -> Recurrence:
    """The days between these on which the day `first` comes round.

    The first year itself does not count: nobody has a birthday on the day of birth.
    """
    low, high = days
    source, year, february = _in_years(_near(source, first, days), range(low.year, high.year + 1))
    leap_day = exp.and_(same(exp.Month(this=first), _number(2)), same(exp.Day(this=first), _number(29)))
    moves = exp.and_(leap_day, same(february, _number(28)))
    named = _day(year, exp.Month(this=first), exp.case().when(leap_day, february).else_(exp.Day(this=first)))
    on = named if leap == "feb28" else exp.case().when(moves, _day(year, _number(3), _number(1))).else_(named)
    within = exp.and_(exp.GT(this=year, expression=exp.Year(this=first)), between(on, day(low), day(high)))
    return Recurrence(source, named, on, within)


def _in_years(source: exp.Select, years: range) -> tuple[exp.Select, exp.Expr, exp.Expr]:
    """Every row in every year; the year, and the last day of its February.

    A table even of one year: the join is what keeps DuckDB from making a date of every row before it leaves any out.
    """
    rows = [(year, 29 if isleap(year) else 28) for year in years]
    table = exp.values(rows, alias="years", columns=["year", "february"])
    return source.join(table, join_type="cross"), column("years", "year"), column("years", "february")


def _near(source: exp.Select, first: exp.Expr, days: tuple[date, date]) -> exp.Select:
    """The source without the rows whose month and day lie far from the range: cheaper than to lay every row in every year."""
    low, high = days
    if high - low > NARROW:
        return source
    months: dict[int, list[int]] = {}
    for each in (low + timedelta(days=n) for n in range((high - low).days + 1)):
        months.setdefault(each.month, []).append(each.day)
    if 28 in months.get(2, ()) or 1 in months.get(3, ()):
        months.setdefault(2, []).append(29)
    return source.where(exp.or_(*(_in_month(first, month, months[month]) for month in months)))


def _in_month(first: exp.Expr, month: int, days: list[int]) -> exp.Expr:
    """The month first: it alone leaves out most rows."""
    return exp.and_(
        same(exp.Month(this=first), _number(month)),
        between(exp.Day(this=first), _number(min(days)), _number(max(days))),
    )


def kept_on(first: date, named: date, leap: Leap) -> date:
    """The day on which the occasion of this name is kept, for one row."""
    moves = leap == "mar1" and (first.month, first.day) == (2, 29) and not isleap(named.year)
    return named + timedelta(days=1) if moves else named


def _day(year: exp.Expr, month: exp.Expr, last: exp.Expr) -> exp.Expr:
    return exp.DateFromParts(year=year, month=month, day=last)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
