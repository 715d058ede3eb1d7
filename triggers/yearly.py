"""Days that come round every year. 29 February is kept on 28 February in common years."""

from __future__ import annotations

from calendar import isleap
from datetime import date

from sqlglot import exp

from triggers.terms import between, column, day, same


def recurring(source: exp.Select, on: exp.Expr, days: tuple[date, date]) -> tuple[exp.Select, exp.Expr, exp.Expr]:
    """The source joined with the years of these days, the day each row has in them, and the range it must lie in.

    The first year itself does not count: nobody has a birthday on the day of birth.
    """
    low, high = days
    years = [(year, 29 if isleap(year) else 28) for year in range(low.year, high.year + 1)]
    table = exp.values(years, alias="years", columns=["year", "february"])
    later = exp.GT(this=column("years", "year"), expression=exp.Year(this=on))
    kept = _kept(on)
    return source.join(table, join_type="cross"), kept, exp.and_(later, between(kept, day(low), day(high)))


def _kept(on: exp.Expr) -> exp.Expr:
    month, last = exp.Month(this=on), exp.Day(this=on)
    leap_day = exp.and_(same(month, exp.Literal.number(2)), same(last, exp.Literal.number(29)))
    kept = exp.case().when(leap_day, column("years", "february")).else_(last)
    return exp.DateFromParts(year=column("years", "year"), month=month.copy(), day=kept)
