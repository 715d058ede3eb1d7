"""Names and values written as SQL text, quoted so that none can end its own quotes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def identifier(name: str) -> str:
    """A column or table name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """A bracketed list of string literals, as DuckDB's readers take file names."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def instant(value: datetime) -> str:
    """An instant as a literal; naive datetimes are refused because nobody can say which instant they are."""
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return f"TIMESTAMPTZ '{value.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f')}+00'"


def draw(key: str) -> str:
    """SQL of a number in [0, 1) from the SQL of a text: the first 52 bits of its md5, exact in a double. The same text, the same number."""
    return f"(('0x' || md5({key})[1:13])::ubigint / 4503599627370496.0)"
