"""Facts that arrive by themselves: what makes a record the same when it comes again, and what it must say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from triggers.alerts import alerts_in
from triggers.literals import written
from triggers.views import VIEWS, View

Row = Mapping[str, Any]

VERSIONS = {
    "events": "",
    "claims": "updated_at",
    "policies": "recorded_at",
    "customers": "recorded_at",
    "complaints": "recorded_at",
    "consents": "at",
    "alerts": "recorded_at",
}
"""The views whose rows may arrive -> the column that tells one version of a record from the next; an event has one."""


class UnusableError(ValueError):
    """What arrived can never be a fact; the message says why."""


@dataclass(frozen=True)
class Arrived:
    """One record: the view it is a row of, the key under which it is kept once, and the row."""

    view: str
    key: str
    row: Row


def read_arrival(view: str, body: bytes) -> list[Arrived]:
    """The records of a message: a JSON object with the view's columns; for alerts also a document as issuers send it.

    Raises UnusableError.
    """
    if view not in VERSIONS:
        raise UnusableError(f"facts of {view!r} cannot arrive; there are {', '.join(VERSIONS)}")
    if view == "alerts" and (documents := _alert_documents(body)):
        return documents
    try:
        row = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"not JSON: {error}") from error
    if not isinstance(row, dict):
        raise UnusableError(f"not a JSON object with the columns of {view}")
    return [Arrived(view, key_of(view, row), row)]


def key_of(view: str, row: Row) -> str:
    """What names this version of the record for ever. Raises UnusableError where something it must say is missing."""
    for name in VIEWS[view].required:
        if _blank(row.get(name)):
            raise UnusableError(f"{name} is missing")
    parts = [str(row[name]) for name in _names(VIEWS[view])]
    version = VERSIONS[view]
    if version:
        said = row.get(version) or (row.get("recorded_at") if view == "claims" else None)
        if _blank(said):
            raise UnusableError(f"{version} is missing: nothing else tells this version of the record from the next")
        parts.append(str(written(said)))
    return json.dumps(parts, ensure_ascii=False) if len(parts) > 1 else parts[0]


def _names(view: View) -> tuple[str, ...]:
    return (view.key,) if view.key else ("customer_id", "purpose", "channel")


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _alert_documents(body: bytes) -> list[Arrived]:
    """Alerts as issuers send them; none where the body is something else."""
    start = body.lstrip()
    if not start.startswith(b"<") and b'"alert_id"' in body:
        return []
    found = alerts_in(body, Path("alert"))
    if not found.rows:
        raise UnusableError("; ".join(fault.message for fault in found.faults) or "no alert in it")
    return [Arrived("alerts", f"{row['alert_id']} {row['message_id']}", _plain(row)) for row in found.rows]


def _plain(row: Row) -> Row:
    """The row as JSON keeps it."""
    return {name: value if isinstance(value, list) else written(value) for name, value in row.items()}


def known_since(row: Row, received_at: datetime) -> Row:
    """The row with `recorded_at` no later than when it arrived: a sender's clock may run ahead, our knowing does not."""
    said = row.get("recorded_at")
    try:
        known = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        known = None
    if known is not None and (known.tzinfo is None or known <= received_at):
        return row
    return {**row, "recorded_at": received_at.isoformat()}
