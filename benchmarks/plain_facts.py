"""The insurer's tables as a plain developer has them: pandas frames, made into dictionaries by customer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import phonenumbers
import shapely

Row = dict[str, Any]
Rows = dict[str, list[Row]]

EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s.,;<>()]+(\.[^@\s.,;<>()]+)+")
OLDEST = date(1900, 1, 1)
DERIVED = ("policy_renewed", "policy_bought")


@dataclass
class Insurer:
    """Everything the loop looks at, by customer where it belongs to one."""

    customers: list[Row]
    policies: Rows
    claims: Rows
    events: Rows
    consents: Rows
    complaints: Rows
    alerts: list[Row]
    policy: dict[str, Row] = field(default_factory=dict)


def read_insurer(folder: Path, now: datetime, zone: ZoneInfo) -> Insurer:
    """Read the demo insurer's Parquet files as known at `now`, bad rows left out, instants in the insurer's zone."""
    regions = {row["region_code"]: row for row in _records(folder, "regions", zone)}
    customers = _customers(folder, zone, regions, now.astimezone(zone).date())
    known = {row["customer_id"] for row in customers}
    policies = [
        row for row in _records(folder, "policies", zone) if row["recorded_at"] <= now and row["customer_id"] in known
    ]
    for row in policies:
        row["insured_region_code"] = row["insured_region_code"] if row["insured_region_code"] in regions else None
    by_id = {row["policy_id"]: row for row in policies}
    claims = [
        _claim(row, now)
        for row in _records(folder, "claims", zone)
        if row["reported_at"] <= now and row["policy_id"] in by_id
    ]
    events = [
        row for row in _records(folder, "events", zone) if row["occurred_at"] <= now and row["customer_id"] in known
    ]
    consents = [row for row in _records(folder, "consents", zone) if row["at"] <= now]
    complaints = [row for row in _records(folder, "complaints", zone) if row["opened_at"] <= now]
    return Insurer(
        customers,
        _by_customer(policies),
        _by_customer(claims),
        _by_customer([*events, *_renewals(policies, by_id, now, zone)]),
        _by_customer(consents),
        _by_customer(complaints),
        [_covered(row, regions) for row in _records(folder, "alerts", zone) if row["effective_at"] <= now],
        by_id,
    )


def _records(folder: Path, view: str, zone: ZoneInfo) -> list[Row]:
    """The rows of a table as dictionaries, None where there is nothing."""
    frame = pd.concat(
        [pd.read_parquet(path) for path in sorted((folder / "facts" / view).glob("*.parquet"))], ignore_index=True
    )
    for name in frame.columns[[isinstance(kind, pd.DatetimeTZDtype) for kind in frame.dtypes]]:
        frame[name] = frame[name].dt.tz_convert(zone)
    names = list(frame.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*(_values(frame[name]) for name in names), strict=True)]


def _values(column: pd.Series[Any]) -> list[Any]:
    """A column as Python values; iterating over the column itself takes five times as long."""
    values = column.to_numpy(dtype=object, copy=True)
    values[column.isna().to_numpy()] = None
    found: list[Any] = values.tolist()
    return found


def _by_customer(rows: Iterable[Row]) -> Rows:
    found: Rows = defaultdict(list)
    for row in rows:
        found[row["customer_id"]].append(row)
    return found


def _customers(folder: Path, zone: ZoneInfo, regions: dict[str, Row], today: date) -> list[Row]:
    """The last record of each customer, in order of their ids, with dates that exist and regions that are known."""
    rows = {
        row["customer_id"]: row for row in _records(folder, "customers", zone) if "\ufffd" not in (row["name"] or "")
    }
    for row in rows.values():
        row["birth_date"] = _day(row["birth_date"], today)
        row["region_code"] = row["region_code"] if row["region_code"] in regions else None
        row["email"] = row["email"] if row["email"] and EMAIL.fullmatch(row["email"]) else None
        row["deceased_on"] = row["deceased_on"] if row["deceased_on"] and row["deceased_on"] <= today else None
    return [rows[key] for key in sorted(rows)]


def _day(written: str | None, today: date) -> date | None:
    try:
        day = date.fromisoformat(written) if written else None
    except ValueError:
        return None
    return day if day and OLDEST <= day <= today else None


def _claim(row: Row, now: datetime) -> Row:
    """A claim as known at `now`: a state reached later is not known yet."""
    row["updated_at"] = row["updated_at"] or row["reported_at"]
    row["missing_documents"] = None if row["missing_documents"] is None else list(row["missing_documents"])
    if row["updated_at"] > now:
        row |= {"status": "reported", "updated_at": row["reported_at"], "amount": None, "missing_documents": None}
    return row


def _renewals(policies: list[Row], by_id: dict[str, Row], now: datetime, zone: ZoneInfo) -> Iterator[Row]:
    """A term that renews another is the event that reminders wait for."""
    for row in policies:
        old = by_id.get(row["renews_policy_id"] or "")
        if old and old is not row:
            yield {
                "customer_id": old["customer_id"],
                "type": "policy_renewed",
                "occurred_at": row["recorded_at"],
                "subject_id": old["policy_id"],
            }


def _covered(alert: Row, regions: dict[str, Row]) -> Row:
    """The alert with the set of region codes it covers: by the digits the codes begin with, or by its polygon."""
    stems = tuple(_stem(code) for code in alert["region_codes"])
    area = shapely.from_wkt(alert["polygon"]) if alert["polygon"] else None
    inside = {
        code
        for code, row in regions.items()
        if code.startswith(stems)
        or (area is not None and area.intersects(shapely.Point(row["longitude"], row["latitude"])))
    }
    return alert | {"regions": inside}


def _stem(code: str) -> str:
    digits = code.rstrip("0")
    return digits + "0" * (len(digits) % 2)


def phone_of(customer: Row) -> str | None:
    """The number in E.164, or None where it is none."""
    try:
        number = phonenumbers.parse(customer["phone"] or "", "CN")
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None
