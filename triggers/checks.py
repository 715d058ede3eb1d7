"""What is asked of every row and value of a view, as SQL over its shaped view (`triggers.shapes`).

A value that cannot be used is NULL in the shaped view already; cross checks null more later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from triggers.sqltext import identifier, instant
from triggers.views import DATE, FLAG, INSTANT, NUMBER, TEXT, TEXTS, Column, View

LATER = 0
RECORDED_AT = "recorded_at"
BROKEN = "\ufffd"

REASONS = {DATE: "bad_date", INSTANT: "bad_time", NUMBER: "bad_number", FLAG: "bad_flag", TEXTS: "bad_list"}
REGION_COLUMNS = ("region_code", "insured_region_code")


@dataclass(frozen=True)
class Check:
    """One fault a row or a value can have: the column it is about, and SQL over the shaped view that finds it."""

    column: str
    reason: str
    fault: str


def row_checks(
    view: View, columns: Iterable[Column], raw: Mapping[str, str], broken: Collection[str], readable: Collection[str]
) -> list[Check]:
    """What keeps a row out, in order. Only columns among `broken` can hold U+FFFD, those among `readable` are what was written."""
    columns = list(columns)
    checks = [
        Check(column.name, "encoding", f"contains({_written(column.name)}, '{BROKEN}')")
        for column in columns
        if raw.get(column.name) == TEXT and column.name in broken
    ]
    for column in columns:
        if not column.required:
            continue
        if column.name not in raw:
            checks.append(Check(column.name, "missing", "true"))
            continue
        checks.append(Check(column.name, "missing", f"{_written(column.name)} IS NULL"))
        if column.name not in readable:
            checks.append(Check(column.name, _reason(column), f"{identifier(column.name)} IS NULL"))
    if view.name == "consents" and "expires_at" in raw:  # a yes that ends nobody knows when must not hold for ever
        unread = f'{_written("expires_at")} IS NOT NULL AND "expires_at" IS NULL'
        checks.append(Check("expires_at", REASONS[INSTANT], f'"granted" AND {unread}'))
    return checks


def value_checks(
    columns: Iterable[Column], sourced: Collection[str], readable: Collection[str], now: datetime
) -> list[Check]:
    """What makes a value NULL in a row that stays."""
    columns = list(columns)
    checks = []
    for column in columns:
        if column.name in sourced and not column.required and column.name not in readable:
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
