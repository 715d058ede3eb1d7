"""What is asked of every row and value of a view, as SQL over the raw table.

Shaping a raw table gives a SQL view with, for each column, its typed value (NULL where it cannot be used) beside what
was written (`written:<column>`), and `row:verdict`: NULL for a good row, LATER for one not known yet at `now`, else the
number of the row check it failed first. Values that fail their check are NULL already; cross checks null more later.
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from triggers import casts
from triggers.sqltext import identifier, instant
from triggers.views import DATE, FLAG, INSTANT, NUMBER, TEXT, TEXTS, Column, View

LATER = 0
RECORDED_AT = "recorded_at"
BROKEN = "\ufffd"
_WHERE = "/* rows */"

REASONS = {DATE: "bad_date", INSTANT: "bad_time", NUMBER: "bad_number", FLAG: "bad_flag", TEXTS: "bad_list"}
EMAIL = r"[^@\s,;<>()]+@[^@\s.,;<>()]+(\.[^@\s.,;<>()]+)+"
SYNONYMS = {"f": "female", "w": "female", "女": "female", "m": "male", "男": "male", "canceled": "cancelled"}
REGION_COLUMNS = ("region_code", "insured_region_code")


@dataclass(frozen=True)
class Check:
    """One fault a row or a value can have: the column it is about, and SQL over the shaped view that finds it."""

    column: str
    reason: str
    fault: str


@dataclass(frozen=True)
class Shape:
    """A view as its source has it: columns in order with their types, the row checks in order, the value checks."""

    view: View
    types: dict[str, str]
    sourced: frozenset[str]
    row_checks: tuple[Check, ...]
    value_checks: tuple[Check, ...]
    frame: str

    def sql(self, where: str = "true") -> str:
        """The shaped view, of all rows or of those of the raw table `r` a condition names."""
        return self.frame.replace(_WHERE, where)

    @property
    def joins(self) -> bool:
        """Whether other tables are looked into, after which rows come in any order."""
        return " JOIN " in self.frame or " IN (SELECT " in self.frame

    @property
    def known_at(self) -> str | None:
        """SQL of the instant since when a row is known; None if always."""
        named = [
            identifier(name) for name in (RECORDED_AT, self.view.known_at) if name is not None and name in self.sourced
        ]
        return f"coalesce({', '.join(named)})" if named else None


def shape(
    view: View, raw: Mapping[str, str], extras: Mapping[str, str], given: Collection[str], now: datetime
) -> Shape:
    """The shaped view of `staging.raw_<view>`.

    `raw` maps the raw table's columns to SQL types, `extras` those beyond the canonical ones to the types they are to
    have; `given` names the views that have a source, since only those can tell an unknown reference.
    """
    canonical = {column.name for column in view.columns}
    columns = [*view.columns, *(Column(name, kind, "") for name, kind in extras.items() if name not in canonical)]
    sourced = frozenset(raw)
    rows = tuple(_row_checks(view, columns, raw))
    values = tuple(_value_checks(columns, sourced, now))
    types = {column.name: column.type for column in columns}
    draft = Shape(view, types, sourced, rows, values, "")
    return Shape(view, types, sourced, rows, values, _sql(draft, columns, raw, given, now))


def _sql(draft: Shape, columns: list[Column], raw: Mapping[str, str], given: Collection[str], now: datetime) -> str:
    name = draft.view.name
    pairs = [pair for column in columns for pair in _pair(draft.view, column, raw, given)]
    phone = phone_written(draft.view, raw)
    phones = f" LEFT JOIN staging.phones p ON p.written = {phone}" if phone else ""
    known = draft.known_at
    cases = [f"WHEN {known} > {instant(now)} THEN {LATER}"] if known else []
    cases += [f"WHEN {check.fault} THEN {number}" for number, check in enumerate(draft.row_checks, start=1)]
    verdict = f"CASE {' '.join(cases)} END"
    inner = f'SELECT r.rowid + 1 AS "row:number", to_json(r) AS "row:record", {", ".join(pairs)}'
    return f'SELECT *, {verdict} AS "row:verdict" FROM ({inner} FROM staging.raw_{name} r{phones} WHERE {_WHERE})'


def _pair(view: View, column: Column, raw: Mapping[str, str], given: Collection[str]) -> list[str]:
    """What was written and what it means, for one column."""
    name = identifier(column.name)
    if column.name not in raw:
        return [f"CAST(NULL AS {column.type}) AS {name}"]
    source, kind = f"r.{name}", raw[column.name]
    written = casts.written(source, kind, column.type)
    as_text = kind in (TEXT, "JSON")
    plain = casts.typed(written if as_text else source, TEXT if as_text else kind, column.type)
    typed = _meaning(view, column, written, plain, given)
    return [f"{written} AS {identifier('written:' + column.name)}", f"{typed} AS {name}"]


def _meaning(view: View, column: Column, written: str, plain: str, given: Collection[str]) -> str:
    """What the column means where what was written is known; `plain` is its bare cast."""
    target = dict(view.references).get(column.name)
    if column.values:
        return casts.values_of(written, column.values, SYNONYMS)
    if view.name == "customers" and column.name == "phone":
        return "p.e164"
    if view.name == "customers" and column.name == "email":
        return f"(CASE WHEN regexp_full_match({written}, '{EMAIL}') THEN {written} END)"
    if column.name in REGION_COLUMNS and view.name != "regions" and "regions" in given:
        return _known_region(written)
    if target in given and not column.required:
        return f"(CASE WHEN {written} IN (SELECT {column.name} FROM {target}) THEN {written} END)"
    return plain


def _known_region(written: str) -> str:
    """A code is known if it is in `regions`; a twelve-digit one (street, village) if its county is."""
    county = f"regexp_full_match({written}, '\\d{{7,12}}') AND left({written}, 6)"
    codes = "(SELECT region_code FROM regions)"
    return f"(CASE WHEN {written} IN {codes} OR {county} IN {codes} THEN {written} END)"


def _row_checks(view: View, columns: list[Column], raw: Mapping[str, str]) -> list[Check]:
    checks = [
        Check(column.name, "encoding", f"contains({_written(column.name)}, '{BROKEN}')")
        for column in columns
        if raw.get(column.name) == TEXT
    ]
    for column in columns:
        if not column.required:
            continue
        if column.name not in raw:
            checks.append(Check(column.name, "missing", "true"))
            continue
        checks.append(Check(column.name, "missing", f"{_written(column.name)} IS NULL"))
        checks.append(Check(column.name, _reason(column), f"{identifier(column.name)} IS NULL"))
    if view.name == "consents" and "expires_at" in raw:  # a yes that ends nobody knows when must not hold for ever
        unread = f'{_written("expires_at")} IS NOT NULL AND "expires_at" IS NULL'
        checks.append(Check("expires_at", REASONS[INSTANT], f'"granted" AND {unread}'))
    return checks


def _value_checks(columns: list[Column], sourced: frozenset[str], now: datetime) -> list[Check]:
    checks = []
    for column in columns:
        if column.name in sourced and not column.required:
            fault = f"{_written(column.name)} IS NOT NULL AND {identifier(column.name)} IS NULL"
            checks.append(Check(column.name, _reason(column), fault))
    names = {column.name for column in columns}
    return checks + [check for check in _impossible(now) if check.column in sourced and _fits(check, names)]


def _impossible(now: datetime) -> list[Check]:
    day = f"CAST({instant(now)} AS DATE)"
    backwards = '"expiry_date" < "effective_date"'
    found = {
        "birth_date": f'"birth_date" > {day} OR "birth_date" < DATE \'1900-01-01\'',
        "effective_date": backwards,
        "expiry_date": backwards,
        "updated_at": 'CAST("updated_at" AS DATE) < CAST("reported_at" AS DATE)',
        "expires_at": '"expires_at" < "effective_at"',
    }
    checks = [Check(column, "impossible_date", fault) for column, fault in found.items()]
    closed = 'CAST("closed_at" AS DATE) < CAST("{}" AS DATE)'
    return checks + [
        Check("closed_at", "impossible_date", closed.format(since)) for since in ("reported_at", "opened_at")
    ]


def _fits(check: Check, names: set[str]) -> bool:
    """Whether every column a cross check compares is there; quoted names are the only quotes in these checks."""
    return all(name in names for name in check.fault.split('"')[1::2])


def _reason(column: Column) -> str:
    if column.values:
        return "unknown_value"
    special = {"email": "email_malformed", "phone": "phone_invalid", "customer_id": "orphan", "policy_id": "orphan"}
    if column.name in REGION_COLUMNS:
        return "region_unknown"
    if column.type == TEXT and column.name in special:
        return special[column.name]
    return REASONS.get(column.type, "bad_value")


def _written(name: str) -> str:
    return identifier("written:" + name)


def phone_written(view: View, raw: Mapping[str, str]) -> str | None:
    """SQL of the phone number as written, over a raw table named r; None where the view has none to read."""
    return casts.written('r."phone"', raw["phone"], TEXT) if view.name == "customers" and "phone" in raw else None
