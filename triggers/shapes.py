"""A view as its source has it: what was written and what it means, as SQL over the raw table.

A shaped view has, for each column, its typed value (NULL where it cannot be used) beside what was written
(`written:<column>`), and `row:verdict`: NULL for a good row, LATER for one not known yet at `now`, else the number of the
row check it failed first.

There are two such views of one source. All rows go through the plain one, which looks into no other table: so rows keep
their order, and nothing is held beside them. What must be found elsewhere (`Shape.lookups`, numbers that only the phone
library can read) is in it as it was written, to be looked up once a distinct value afterwards. The full one, for rows that
are listed and rows that arrive, looks everything up and tells every written value and the whole record.
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from triggers import casts
from triggers.checks import LATER, RECORDED_AT, REGION_COLUMNS, Check, row_checks, value_checks
from triggers.phones import Numbers, dialled, usual_spellings
from triggers.readers import Staged
from triggers.sqltext import identifier, instant, text
from triggers.views import TEXT, Column, View

EMAIL = r"[^@\s,;<>()]+@[^@\s.,;<>()]+(\.[^@\s.,;<>()]+)+"
SYNONYMS = {"f": "female", "w": "female", "女": "female", "m": "male", "男": "male", "canceled": "cancelled"}
UNREAD = "?"
"""Begins a phone number of the plain view that is left to the library."""
_DIGITS = '"row:digits"'


@dataclass(frozen=True)
class Reading:
    """One column: SQL over the raw table `r` of what was written and of what it means, in the plain and the full view."""

    column: Column
    written: str
    seen: str
    plain: str
    full: str

    @property
    def readable(self) -> bool:
        """Whether it means just what was written, so that nothing can be wrong with it."""
        return self.full == self.written


@dataclass(frozen=True)
class Shape:
    """Both shaped views of a source: columns in order with their types, the row checks in order, the value checks.

    `lookups` maps a column to SQL that says of a `value` whether another table knows it; `number` is SQL of the number
    of a row of the raw table `r`.
    """

    view: View
    types: dict[str, str]
    sourced: frozenset[str]
    row_checks: tuple[Check, ...]
    value_checks: tuple[Check, ...]
    lookups: dict[str, str]
    number: str
    plain: str
    _full: tuple[str, str]

    def full(self, where: str = "true") -> str:
        """The full view, of all rows or of those of the raw table `r` a condition names."""
        return where.join(self._full)

    @property
    def doubted(self) -> str:
        """SQL over the plain view: whether a value of the row cannot be used, as far as it can tell."""
        later = {*self.lookups, "phone"} if self.view.name == "customers" else {*self.lookups}
        faults = [f"({check.fault})" for check in self.value_checks if check.column not in later]
        return " OR ".join(faults) or "false"


def shape(view: View, staged: Staged, given: Collection[str], now: datetime, numbers: Numbers | None) -> Shape:
    """Both shaped views of `staging.raw_<view>`.

    `given` names the views that have a source, since only those can tell an unknown reference. `numbers` is how phone numbers
    are read; None: `staging.phones` has all of them.
    """
    canonical = {column.name for column in view.columns}
    columns = [
        *view.columns,
        *(Column(name, kind, "") for name, kind in staged.extras.items() if name not in canonical),
    ]
    lookups = _lookups(view, staged.raw, given)
    readings = [_reading(view, column, staged.raw, lookups, numbers) for column in columns if column.name in staged.raw]
    readable = {reading.column.name for reading in readings if reading.readable}
    checks = row_checks(view, columns, staged.raw, staged.broken, readable)
    number = f'r."{staged.place}" + 1'
    plain, full = _views(view, columns, readings, staged, _verdict(view, staged.raw, checks, now), number)
    return Shape(
        view,
        {column.name: column.type for column in columns},
        frozenset(staged.raw),
        tuple(checks),
        tuple(value_checks(columns, staged.raw, readable, now)),
        lookups,
        number,
        plain,
        full,
    )


def phone_written(view: View, raw: Mapping[str, str]) -> str | None:
    """SQL of the phone number as written, over a raw table named r; None where the view has none to read."""
    return casts.written('r."phone"', raw["phone"], TEXT) if view.name == "customers" and "phone" in raw else None


def _views(
    view: View, columns: Iterable[Column], readings: Iterable[Reading], staged: Staged, verdict: str, number: str
) -> tuple[str, tuple[str, str]]:
    """The plain view, and the full one before and after the condition that chooses rows."""
    plain, full = [f'{number} AS "row:number"'], [f'{number} AS "row:number"', f'{_record(staged.raw)} AS "row:record"']
    for reading in readings:
        name, written = identifier(reading.column.name), identifier("written:" + reading.column.name)
        plain += [f"{reading.seen} AS {written}", f"{reading.plain} AS {name}"]
        full += [f"{reading.written} AS {written}", f"{reading.full} AS {name}"]
    absent = [
        f"CAST(NULL AS {column.type}) AS {identifier(column.name)}"
        for column in columns
        if column.name not in staged.raw
    ]
    phone = phone_written(view, staged.raw)
    phones = f" LEFT JOIN staging.phones p ON p.written = {phone}" if phone else ""
    judged = f'SELECT *, {verdict} AS "row:verdict" FROM (SELECT '
    table = f"staging.raw_{view.name} r"
    rows = table
    if phone:  # what the digits are is asked for many times
        names = ", ".join(f"r.{identifier(name)}" for name in (staged.place, *staged.raw))
        rows = f"(SELECT {names}, {dialled(phone)} AS {_DIGITS} FROM {table}) r"
    return (
        f"{judged}{', '.join(plain + absent)} FROM {rows})",
        (f"{judged}{', '.join(full + absent)} FROM {table}{phones} WHERE ", ")"),
    )


def _record(raw: Iterable[str]) -> str:
    """SQL of the whole row as JSON."""
    return f"to_json({{{', '.join(f'{text(name)}: r.{identifier(name)}' for name in raw)}}})"


def _verdict(view: View, raw: Collection[str], checks: Iterable[Check], now: datetime) -> str:
    named = [identifier(name) for name in (RECORDED_AT, view.known_at) if name is not None and name in raw]
    cases = [f"WHEN coalesce({', '.join(named)}) > {instant(now)} THEN {LATER}"] if named else []
    cases += [f"WHEN {check.fault} THEN {number}" for number, check in enumerate(checks, start=1)]
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS INTEGER)"


def _reading(
    view: View, column: Column, raw: Mapping[str, str], lookups: Mapping[str, str], numbers: Numbers | None
) -> Reading:
    source, kind = f"r.{identifier(column.name)}", raw[column.name]
    written = casts.written(source, kind, column.type)
    if view.name == "customers" and column.name == "phone":
        return Reading(column, written, written, *_phone(written, numbers))
    if column.name in lookups:
        known = lookups[column.name].replace("value", written)
        return Reading(column, written, written, written, f"(CASE WHEN {known} THEN {written} END)")
    if column.values:
        meant = casts.values_of(written, column.values, SYNONYMS)
    elif view.name == "customers" and column.name == "email":
        meant = f"(CASE WHEN regexp_full_match({written}, '{EMAIL}') THEN {written} END)"
    else:
        as_text = kind in (TEXT, "JSON")
        meant = casts.typed(written if as_text else source, TEXT if as_text else kind, column.type)
    return Reading(column, written, casts.present(source, kind, column.type), meant, meant)


def _phone(written: str, numbers: Numbers | None) -> tuple[str, str]:
    """The number in the plain and in the full view."""
    if numbers is None:
        return "p.e164", "p.e164"
    fast = usual_spellings(written, numbers.region, f"r.{_DIGITS}")
    usual = usual_spellings(written, numbers.region)
    return f"coalesce({fast}, '{UNREAD}' || {written})", f"coalesce({usual}, p.e164)"


def _lookups(view: View, raw: Collection[str], given: Collection[str]) -> dict[str, str]:
    """A code is known if it is in `regions`; a twelve-digit one (street, village) if its county is."""
    found = {}
    targets = dict(view.references)
    for column in view.columns:
        target = targets.get(column.name)
        if column.name not in raw:
            continue
        if column.name in REGION_COLUMNS and view.name != "regions" and "regions" in given:
            codes = "(SELECT region_code FROM regions)"
            county = "regexp_full_match(value, '\\d{7,12}') AND left(value, 6)"
            found[column.name] = f"value IN {codes} OR {county} IN {codes}"
        elif target in given and not column.required:
            found[column.name] = f"value IN (SELECT {column.name} FROM {target})"
    return found
