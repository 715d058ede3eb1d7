"""Rows of a table added up by group and segment, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from recommender.effect.sums import Sums, merged, pairs

if TYPE_CHECKING:
    import duckdb

Key = tuple[str, str]
"""Group and segment; the segment is "" where there are none."""
SAMPLE = 1_000


@dataclass(frozen=True)
class Columns:
    """What each column of a table is. `cost`: what was spent on the row."""

    treatment: str
    outcome: str
    per: str | None = None
    covariates: tuple[str, ...] = ()
    segment: str | None = None
    cost: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that are added up, each once."""
        found = (self.outcome, self.per, *self.covariates, self.cost)
        return tuple(dict.fromkeys(name for name in found if name is not None))

    @property
    def all(self) -> tuple[str, ...]:
        """Every column named, each once."""
        found = (self.treatment, self.segment, *self.numbers)
        return tuple(dict.fromkeys(name for name in found if name is not None))


@dataclass(frozen=True)
class Groups:
    """Sums by group and segment, the query that made them, and rows counted by column that hold a number."""

    sums: dict[Key, Sums]
    query: str
    numbers: dict[str, int]
    rows: int

    def by_group(self) -> dict[str, Sums]:
        """All segments of each group together."""
        names = dict.fromkeys(group for group, _ in self.sums)
        return {name: merged(own for (group, _), own in self.sums.items() if group == name) for name in names}

    def by_segment(self) -> dict[str, dict[str, Sums]]:
        """Segment to group to sums."""
        names = sorted({segment for _, segment in self.sums})
        return {each: {g: own for (g, segment), own in self.sums.items() if segment == each} for each in names}


def add_up(db: duckdb.DuckDBPyConnection, table: str, columns: Columns) -> Groups:
    """Add the rows of a table or view up; DuckDB's errors pass.

    A group with a value that is no finite number is left out and counts less in `numbers` than in `rows`.
    """
    names = columns.numbers
    origin = _origin(db, table, names)
    query = _query(table, columns, origin)
    size, found, rows, filled = len(names), {}, 0, [0] * len(names)
    for group, segment, n, *values in db.execute(query).fetchall():
        counts, sums, products = values[:size], values[size : 2 * size], values[2 * size :]
        endless = [value is not None and not isfinite(value) for value in sums]
        rows, filled = rows + n, [a + b - odd for a, b, odd in zip(filled, counts, endless, strict=True)]
        if any(endless):
            continue
        key = (_text(group), _text(segment) if columns.segment else "")
        found[key] = Sums.about(names, n, [v or 0.0 for v in sums], [v or 0.0 for v in products], origin)
    return Groups(found, query, dict(zip(names, filled, strict=True)), rows)


def quoted(name: str) -> str:
    """A column's or table's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def number(name: str) -> str:
    """The column as a number, null where it is none."""
    return f"try_cast({quoted(name)} as double)"


def _text(value: str | None) -> str:
    return value or "(empty)"


def _origin(db: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> list[float]:
    """A whole number near the values of each column, so that squares lose no digits; 0 or 1 for shares."""
    inner = ", ".join(f"{number(name)} as c{place}" for place, name in enumerate(names))
    outer = ", ".join(f"round(avg(c{place}) filter (where isfinite(c{place})))" for place in range(len(names)))
    row = db.execute(f"select {outer} from (select {inner} from {quoted(table)} limit {SAMPLE})").fetchone()  # noqa: S608 - quoted names
    return [float(value or 0.0) for value in row or ()]


def _query(table: str, columns: Columns, origin: Sequence[float]) -> str:
    names = columns.numbers
    shifted = [f"c{place}" if not base else f"(c{place} - {base!r})" for place, base in enumerate(origin)]
    segment = "''" if columns.segment is None else f"cast({quoted(columns.segment)} as varchar)"
    parts = [
        *(f"count(c{place})" for place in range(len(names))),
        *(f"sum({each})" for each in shifted),
        *(f"sum({shifted[i]} * {shifted[j]})" for i, j in pairs(len(names))),
    ]
    inner = ", ".join(f"{number(name)} as c{place}" for place, name in enumerate(names))
    return (
        f"select treatment, segment, count(*) as n, {', '.join(parts)}\n"  # noqa: S608 - quoted names
        f"  from (select cast({quoted(columns.treatment)} as varchar) as treatment, {segment} as segment, {inner} from {quoted(table)})\n"
        f" group by treatment, segment order by treatment, segment"
    )
