"""The pieces queries for moments are built of: literals, days and instants, as SQLGlot trees every dialect understands.

Days begin at midnight of the session's time zone, which is the insurer's.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlglot import exp


def text(value: str) -> exp.Expr:
    """A text, quoted whatever it contains."""
    return exp.Literal.string(value)


def day(value: date) -> exp.Expr:
    """A calendar day."""
    return exp.cast(exp.Literal.string(value.isoformat()), exp.DataType.Type.DATE)


def instant(value: datetime) -> exp.Expr:
    """An instant, written in UTC so that it means the same in every session."""
    written = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
    return exp.cast(exp.Literal.string(written), exp.DataType.Type.TIMESTAMPTZ)


def nothing() -> exp.Expr:
    """A text that is not there."""
    return exp.cast(exp.Null(), exp.DataType.Type.TEXT)


def column(view: str, name: str) -> exp.Column:
    """A column of a view, quoted."""
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(view, quoted=True))


def named(prefix: str, key: exp.Expr) -> exp.Expr:
    """`policy:` and the id."""
    return exp.DPipe(this=text(f"{prefix}:"), expression=key)


def local_day(value: exp.Expr) -> exp.Expr:
    """The local calendar day of an instant."""
    return exp.cast(value, exp.DataType.Type.DATE)


def midnight(value: exp.Expr) -> exp.Expr:
    """The instant at which a local day begins, also where the day has been shifted into a local timestamp."""
    return exp.cast(exp.cast(value, exp.DataType.Type.TIMESTAMP), exp.DataType.Type.TIMESTAMPTZ)


def written(value: exp.Expr) -> exp.Expr:
    """A value as text: an ISO date for a day."""
    return exp.cast(value, exp.DataType.Type.TEXT)


def between(value: exp.Expr, low: exp.Expr, high: exp.Expr) -> exp.Expr:
    """Whether the value lies in the closed range; two bare comparisons, so that zone maps can skip row groups."""
    return exp.and_(exp.GTE(this=value, expression=low), exp.LTE(this=value.copy(), expression=high))


def one_of(value: exp.Expr, texts: tuple[str, ...]) -> exp.Expr:
    """Whether the value is one of these texts."""
    return exp.In(this=value, expressions=[text(each) for each in texts])


def same(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Whether both are equal."""
    return exp.EQ(this=left, expression=right)
