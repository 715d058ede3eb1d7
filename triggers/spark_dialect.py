"""A query tree in Spark's words, meaning what it means in DuckDB.

SQLGlot writes the syntax; what is left are functions of one name and two meanings. Each is rewritten on the tree.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from triggers.rewriting import rewritten


def in_spark(query: exp.Select) -> str:
    """The query for Spark. Its order is left to whoever reads the rows: Spark would sort them for nothing."""
    bare = query.copy()
    bare.set("order", None)
    return rewritten(bare, _rewrite).sql("spark")


def _rewrite(node: exp.Expr) -> exp.Expr:
    rewrite = _REWRITES.get(type(node))
    return rewrite(node) if rewrite else node


def _day_of_week(node: exp.Expr) -> exp.Expr:
    """Sunday is 0, in Spark it is 1."""
    return exp.paren(exp.Sub(this=exp.Anonymous(this="dayofweek", expressions=[node.this]), expression=_number(1)))


def _concat(node: exp.Expr) -> exp.Expr:
    """concat() passes over NULL; in Spark one NULL makes the whole NULL."""
    parts = [
        exp.Coalesce(this=exp.cast(part, exp.DataType.Type.TEXT), expressions=[exp.Literal.string("")])
        for part in node.expressions
    ]
    return exp.Anonymous(this="concat", expressions=parts)


def _date_diff(node: exp.Expr) -> exp.Expr:
    """The number of boundaries of the unit that lie between, which is how DuckDB counts."""
    later, earlier, unit = node.this, node.expression, str(node.args.get("unit") or "DAY").upper().strip("'")
    if unit == "WEEK":  # whole weeks, not boundaries
        days = exp.paren(exp.Sub(this=_days(later), expression=_days(earlier)))
        return exp.cast(exp.Div(this=days, expression=_number(7)), exp.DataType.Type.BIGINT)
    count = _BOUNDARIES.get(unit)
    return exp.paren(exp.Sub(this=count(later), expression=count(earlier))) if count else node


def _hours(node: exp.Expr) -> exp.Expr:
    """Hours are counted through; Spark makes days of twenty-four of them, and a day may have another length."""
    amount = node.expression
    unit = str(amount.args.get("unit") or "").upper() if isinstance(amount, exp.Interval) else ""
    if unit not in _MICROSECONDS:
        return node
    at = _call("unix_micros", exp.cast(node.this, exp.DataType.Type.TIMESTAMPTZ))
    count = exp.Mul(this=exp.cast(amount.this, exp.DataType.Type.BIGINT), expression=_number(_MICROSECONDS[unit]))
    return _call("timestamp_micros", type(node)(this=at, expression=exp.paren(count)))


def _date_add(node: exp.Expr) -> exp.Expr:
    """An interval added or taken away, which is what date_add and date_sub say of one."""
    amount = node.expression
    if not isinstance(amount, exp.Interval):
        amount = exp.Interval(this=amount, unit=node.args.get("unit") or exp.var("DAY"))
    kind = exp.Sub if isinstance(node, exp.DateSub) else exp.Add
    return exp.paren(_hours(kind(this=node.this, expression=amount)))


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _days(value: exp.Expr) -> exp.Expr:
    """Days since 1970-01-01."""
    day = exp.cast(value.copy(), exp.DataType.Type.DATE)
    return _call("datediff", day, exp.cast(exp.Literal.string("1970-01-01"), exp.DataType.Type.DATE))


def _parts(part: str, a_year: int) -> Callable[[exp.Expr], exp.Expr]:
    def count(value: exp.Expr) -> exp.Expr:
        years = exp.Mul(this=_call("year", value.copy()), expression=_number(a_year))
        return exp.paren(exp.Add(this=years, expression=_call(part, value.copy())))

    return count


def _every(seconds: int) -> Callable[[exp.Expr], exp.Expr]:
    def count(value: exp.Expr) -> exp.Expr:
        at = _call("unix_seconds", exp.cast(value.copy(), exp.DataType.Type.TIMESTAMPTZ))
        return _call("floor", exp.Div(this=at, expression=_number(seconds)))

    return count


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


_MICROSECONDS = {"HOUR": 3_600_000_000, "MINUTE": 60_000_000, "SECOND": 1_000_000}
_BOUNDARIES: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "DAY": _days,
    "MONTH": _parts("month", 12),
    "QUARTER": _parts("quarter", 4),
    "YEAR": lambda value: _call("year", value.copy()),
    "HOUR": _every(3600),
    "MINUTE": _every(60),
    "SECOND": _every(1),
}
_REWRITES: dict[type, Callable[[exp.Expr], exp.Expr]] = {
    exp.DayOfWeek: _day_of_week,
    exp.Week: lambda node: _call("weekofyear", node.this),
    exp.Concat: _concat,
    exp.DateDiff: _date_diff,
    exp.Add: _hours,
    exp.Sub: _hours,
    exp.DateAdd: _date_add,
    exp.DateSub: _date_add,
}
