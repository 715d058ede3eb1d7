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
    years = [(year, 29 if isleap(year) else 28) for year in range(low.year, high.year + 1)]
    table = exp.values(years, alias="years", columns=["year", "february"])
    later = exp.GT(this=column("years", "year"), expression=exp.Year(this=first))
    named = _day(exp.Month(this=first), exp.case().when(_is_leap_day(first), _february()).else_(exp.Day(this=first)))
    on = named if leap == "feb28" else exp.case().when(_moves(first), _day(_number(3), _number(1))).else_(named)
    within = exp.and_(later, between(on, day(low), day(high)))
    return Recurrence(_near(source, first, days).join(table, join_type="cross"), named, on, within)


def _near(source: exp.Select, first: exp.Expr, days: tuple[date, date]) -> exp.Select:
    """The source without the rows whose month and day lie far from the range: cheaper than to lay every row in every year."""
    low, high = days[0] - timedelta(days=2), days[1] + timedelta(days=2)  # 29 February is kept a day away
    if high - low > NARROW:
        return source
    inside = {each.month * 100 + each.day for each in (low + timedelta(days=n) for n in range((high - low).days + 1))}
    if inside & {228, 301}:
        inside.add(229)
    number = exp.Add(this=exp.Mul(this=exp.Month(this=first), expression=_number(100)), expression=exp.Day(this=first))
    return source.where(exp.In(this=exp.paren(number), expressions=[_number(each) for each in sorted(inside)]))


def kept_on(first: date, named: date, leap: Leap) -> date:
    """The day on which the occasion of this name is kept, for one row."""
    moves = leap == "mar1" and (first.month, first.day) == (2, 29) and not isleap(named.year)
    return named + timedelta(days=1) if moves else named


def _is_leap_day(first: exp.Expr) -> exp.Expr:
    return exp.and_(same(exp.Month(this=first), _number(2)), same(exp.Day(this=first), _number(29)))


def _moves(first: exp.Expr) -> exp.Expr:
    return exp.and_(_is_leap_day(first), same(_february(), _number(28)))


def _february() -> exp.Expr:
    return column("years", "february")


def _day(month: exp.Expr, last: exp.Expr) -> exp.Expr:
    return exp.DateFromParts(year=column("years", "year"), month=month, day=last)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
