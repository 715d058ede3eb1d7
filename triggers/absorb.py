"""Facts that arrived after the sources were read, taken in by the same checks and laid over what is there.

An event known already stays as it is; of a changed record the later version holds, whichever came first. What arrived
is known: no clock of whoever sent it hides it again. Tables are changed for everybody (`main`) and for the customers
concerned (`triggers.narrow`) alike, so that what runs on the few sees what a full run would.
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triggers import narrow
from triggers.alerts import join_alerts
from triggers.arrivals import VERSIONS, Row
from triggers.checks import RECORDED_AT
from triggers.facts import Facts
from triggers.intake import take_in_arrived
from triggers.outcomes import derive_events
from triggers.phones import Numbers, read_phones
from triggers.readers import Staged, described, stage
from triggers.regions import cover_alerts
from triggers.shapes import phone_written
from triggers.sources import RowSource
from triggers.sqltext import identifier
from triggers.views import INSTANT, TEXT, TEXTS, VIEWS, View

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SKEW = timedelta(days=1)
"""How far ahead of ours the clock of a system that sends facts may be."""
_INTO = ("main", narrow.SCHEMA)
_MESSAGES = {"message_id": TEXT, "supersedes": TEXTS, "places": TEXTS, "codes": TEXTS, RECORDED_AT: INSTANT}


@dataclass
class Concerned:
    """Whose facts changed, whether alerts did, and the rows that could not be used by view and reason."""

    customers: frozenset[str]
    alerts: bool = False
    set_aside: Counter[tuple[str, str]] = field(default_factory=Counter)


@contextmanager
def absorbed(
    facts: Facts, arrived: Mapping[str, Sequence[Row]], now: datetime, alerts: Sequence[Row] = ()
) -> Iterator[tuple[Facts, Concerned]]:
    """Lay arrived rows over the facts; inside the block, the facts of the customers concerned as known at `now`.

    `arrived`: view -> rows, each with `recorded_at`. Where alerts are among them, `alerts` are all alerts there are,
    these included: an update makes sense only beside what it updates.
    """
    concerned = Concerned(frozenset(_customers(facts, arrived)), bool(arrived.get("alerts")))
    with narrow.narrowed(facts, concerned.customers, now) as few:
        for view in VIEWS.values():
            for rows in _apart(view, arrived.get(view.name, ())):
                _take(facts, few.db, view, alerts if view.name == "alerts" else rows, now, concerned)
        if arrived.get("policies"):
            _derive(few.db, now)
        if any(arrived.get(name) for name in ("alerts", "customers", "policies", "regions")):
            cover_alerts(facts.db)
        yield few, concerned


def alert_rows(facts: Facts) -> list[Row]:
    """The alerts as they are, as rows to be joined with those that arrive."""
    rows: list[Row] = facts.db.sql("SELECT * FROM main.alerts").to_arrow_table().to_pylist()
    return rows


def _customers(facts: Facts, arrived: Mapping[str, Sequence[Row]]) -> set[str]:
    """Whoever a row names, and the owners of the policies it is about or renews."""
    found = {
        str(row["customer_id"])
        for view, rows in arrived.items()
        if view != "alerts"
        for row in rows
        if row.get("customer_id")
    }
    named = ("policy_id", "renews_policy_id")
    policies = [
        row[name] for view in ("claims", "policies") for row in arrived.get(view, ()) for name in named if row.get(name)
    ]
    if policies:
        sql = "SELECT customer_id FROM main.policies WHERE policy_id IN (SELECT unnest($ids))"
        found |= {owner for (owner,) in facts.db.execute(sql, {"ids": [str(each) for each in policies]}).fetchall()}
    return found


def _apart(view: View, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows cut so that no record comes twice in one piece: which version holds must not depend on the pieces."""
    if view.name not in ("claims", "policies", "customers", "complaints"):
        if rows:
            yield list(rows)
        return
    piece: dict[str, Row] = {}
    for row in rows:
        key = str(row.get(str(view.key)))
        if key in piece:
            yield list(piece.values())
            piece = {}
        piece[key] = row
    if piece:
        yield list(piece.values())


def _take(
    facts: Facts, db: DuckDBPyConnection, view: View, rows: Sequence[Row], now: datetime, concerned: Concerned
) -> None:
    """Check the rows by the path the sources take, into a table of their own, and merge that."""
    _lay_out(db, view)
    db.execute(f"SET search_path = 'arriving,{narrow.SCHEMA},main'")
    staged = _stage(facts, db, view, rows)
    report = take_in_arrived(db, view, staged, facts.given | {view.name}, now + SKEW)
    for reason, count in report.reasons.items():
        concerned.set_aside[view.name, reason] += count
    db.execute(f"SET search_path = '{narrow.SCHEMA},main'")
    _replace_alerts(db) if view.name == "alerts" else _merge(db, view, facts.versions)
    db.execute(f"DROP TABLE arriving.{view.name}")
    db.execute("DROP SCHEMA staging CASCADE")


def _lay_out(db: DuckDBPyConnection, view: View) -> None:
    """Room to work in; nothing that rows refer to is not known yet."""
    db.execute("CREATE SCHEMA IF NOT EXISTS arriving")
    db.execute("CREATE SCHEMA staging")
    for _, target in view.references:
        db.execute(f"CREATE TABLE IF NOT EXISTS staging.later_{target} (key VARCHAR)")


def _stage(facts: Facts, db: DuckDBPyConnection, view: View, rows: Sequence[Row]) -> Staged:
    """The raw table, its extra columns those the facts have: a key nobody knows is no column of anything."""
    if view.name == "alerts":
        rows = _joined(rows)
    found = stage(db, RowSource(view.name, rows), Path())
    extras = {
        name: kind for name, kind in described(db, f"SELECT * FROM main.{view.name}").items() if name not in view.types
    }
    extras |= _MESSAGES if view.name == "alerts" else {RECORDED_AT: INSTANT}
    raw = {name: kind for name, kind in found.raw.items() if name in view.types or name in extras}
    written = phone_written(view, raw)
    if written is not None:
        read_phones(db, written, "staging.raw_customers", Numbers(facts.phone_region))
    return replace(found, raw=raw, extras=extras)


def _joined(rows: Sequence[Row]) -> list[Row]:
    """Updates under the id of their alert; rows that name no message are what they are."""
    told: list[Any] = [{**row, "supersedes": row.get("supersedes") or []} for row in rows if row.get("message_id")]
    return [*(row for row in rows if not row.get("message_id")), *join_alerts(told)]


def _replace_alerts(db: DuckDBPyConnection) -> None:
    db.execute("CREATE OR REPLACE TABLE main.alerts AS SELECT * FROM arriving.alerts")


def _merge(db: DuckDBPyConnection, view: View, versions: bool) -> None:
    """Put the checked rows into the tables: new events, later versions."""
    name = view.name
    for schema in _INTO:
        if RECORDED_AT not in described(db, f"SELECT * FROM {schema}.{name}"):
            db.execute(f"ALTER TABLE {schema}.{name} ADD COLUMN {RECORDED_AT} {INSTANT}")
    if view.key is None:
        _drop_known(db, view, ("customer_id", "purpose", "channel", '"at"', "granted"))
    elif not VERSIONS[name]:
        _drop_known(db, view, (view.key,))
    else:
        _drop_older(db, view, view.key)
        if versions:
            _keep_superseded(db, view)
        for schema in _INTO:
            db.execute(f"DELETE FROM {schema}.{name} WHERE {view.key} IN (SELECT {view.key} FROM arriving.{name})")
    for schema in _INTO:
        db.execute(f"INSERT INTO {schema}.{name} BY NAME SELECT * FROM arriving.{name}")


def _keep_superseded(db: DuckDBPyConnection, view: View) -> None:
    """The versions that go; those older than the one held were dropped before they were any."""
    kept, gone = f"main.superseded_{view.name}", f"SELECT *, 0 AS place FROM main.{view.name}"
    db.execute(f"CREATE TABLE IF NOT EXISTS {kept} AS {gone} LIMIT 0")
    if RECORDED_AT not in described(db, f"SELECT * FROM {kept}"):
        db.execute(f"ALTER TABLE {kept} ADD COLUMN {RECORDED_AT} {INSTANT}")
    db.execute(f"INSERT INTO {kept} BY NAME {gone} WHERE {view.key} IN (SELECT {view.key} FROM arriving.{view.name})")


def _drop_known(db: DuckDBPyConnection, view: View, keys: tuple[str, ...]) -> None:
    same = " AND ".join(f"k.{key} = a.{key}" for key in keys)
    known = f"SELECT 1 FROM {narrow.SCHEMA}.{view.name} k WHERE {same}"
    db.execute(f"DELETE FROM arriving.{view.name} a WHERE EXISTS ({known})")


def _drop_older(db: DuckDBPyConnection, view: View, key: str) -> None:
    """A version older than the one held is history already."""
    columns = [identifier(column) for column in (VERSIONS[view.name], RECORDED_AT, view.known_at) if column]
    newer = f"coalesce({', '.join(f'k.{column}' for column in columns)}) > coalesce({', '.join(f'a.{column}' for column in columns)})"
    known = f"SELECT 1 FROM {narrow.SCHEMA}.{view.name} k WHERE k.{key} = a.{key} AND {newer}"
    db.execute(f"DELETE FROM arriving.{view.name} a WHERE EXISTS ({known})")


def _derive(db: DuckDBPyConnection, now: datetime) -> None:
    """The events that follow from the policies of the customers concerned, put into both tables."""
    db.execute(f"CREATE OR REPLACE TABLE {narrow.SCHEMA}.told AS SELECT event_id FROM {narrow.SCHEMA}.events")
    derive_events(db, described(db, f"SELECT * FROM {narrow.SCHEMA}.policies"), now)
    new = f"SELECT e.* FROM {narrow.SCHEMA}.events e ANTI JOIN {narrow.SCHEMA}.told t USING (event_id)"
    db.execute(f"INSERT INTO main.events BY NAME {new} ANTI JOIN main.events m ON m.event_id = e.event_id")
