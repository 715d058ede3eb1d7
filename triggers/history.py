"""Facts as of many earlier days, from one opening: a backtest asks about every day of a year.

The tables are read once, as known at the end. Beside each row stands since when it is known; as of a day, a schema of
views comes first on the search path, which leave out what was not known, take back what became of a row later, and show
of a record that changed the version that held. The views say what `open_facts` would have found on that day (a test).
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from triggers.checks import RECORDED_AT
from triggers.facts import Facts
from triggers.outcomes import BOUGHT, RENEWED, derive_events
from triggers.readers import described
from triggers.regions import cover_alerts
from triggers.sqltext import identifier, instant, text
from triggers.views import EVENTS, VIEWS, View
from triggers.visibility import known_values

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "back_then"
SINCE = '"known:since"'
MARKED = ("renewed:",)
DERIVED = ("renewal:", "purchase:", *MARKED)


class History:
    """Facts opened with `versions=True`, everything that arrived laid over them; `at` shows them as of an earlier instant."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self._alerts = facts, ""
        db = facts.db
        db.execute(f"CREATE SCHEMA {SCHEMA}")
        for view in VIEWS.values():
            _note_since(db, view)
        _note_derived(db)
        self._superseded = {name for name in VIEWS if _has(db, f"superseded_{name}")}
        anew = (
            DERIVED if "policies" in self._superseded else MARKED
        )  # what is derived day by day need not be passed over then
        db.execute(
            f"DELETE FROM main.events WHERE {' OR '.join(f'starts_with(event_id, {text(each)})' for each in anew)}"
        )

    @contextmanager
    def at(self, now: datetime) -> Iterator[Facts]:
        """The facts as known at `now`, no later than they were opened for. One at a time."""
        if now > self.facts.now:
            raise ValueError(
                f"nothing is known yet of {now.isoformat()}; the facts end at {self.facts.now.isoformat()}"
            )
        db = self.facts.db.cursor()
        try:
            anew = "policies" in self._superseded  # what follows from policies that changed is derived anew
            for view in VIEWS.values():
                kind = "TABLE" if view is EVENTS and anew else "VIEW"
                db.execute(f"CREATE OR REPLACE {kind} {SCHEMA}.{view.name} AS {self._seen(view, now)}")
            db.execute(f"SET search_path = '{SCHEMA},main'")
            if anew:
                derive_events(db, described(db, "SELECT * FROM policies"), now)
            self._cover(db)
            yield replace(self.facts, db=db, now=now, copy=None, engine=None, schema_name=SCHEMA)
        finally:
            db.close()

    def _seen(self, view: View, now: datetime) -> str:
        """The rows of a view as known at `now`."""
        columns = self.facts.columns[view.name]
        values = _values(view, columns, now)
        picked = ", ".join(
            f"{values[name]} AS {identifier(name)}" if name in values else identifier(name) for name in columns
        )
        rows = _versions(view) if view.name in self._superseded else f"main.{view.name}"
        known = f"({SINCE} IS NULL OR {SINCE} <= {instant(now)})"
        if view.name in self._superseded:
            rows = rows.format(known=known)
        found = f"SELECT {picked} FROM {rows} WHERE {known}"
        if view is not EVENTS:
            return found
        if "policies" in self._superseded:
            return found
        marked = (
            f"SELECT 'renewed:' || policy_id AS event_id, customer_id, {text(RENEWED)} AS type, "
            f"least(since, {instant(now)}) AS occurred_at, policy_id AS subject_id FROM main.marked_renewed "
            f"WHERE ({SINCE} IS NULL OR {SINCE} <= {instant(now)}) AND (renewed_since IS NULL OR renewed_since > {instant(now)})"
        )
        return f"{found} UNION ALL BY NAME {marked}"

    def _cover(self, db: DuckDBPyConnection) -> None:
        """Which regions the alerts known now cover: an update moves the region. Looked up anew only where alerts changed."""
        now = db.execute("SELECT md5(string_agg(to_json(a)::VARCHAR, '' ORDER BY alert_id)) FROM alerts a").fetchall()[
            0
        ][0]
        if now != self._alerts or not self._alerts:
            self._alerts = now or "none"
            cover_alerts(db)


def _values(view: View, columns: dict[str, str] | object, now: datetime) -> dict[str, str]:
    """What of a row is taken back: states reached later, births that lay ahead."""
    values = {name: f"CAST({value} AS {columns[name]})" for name, value in known_values(view.name, now).items()}  # type: ignore[index]
    if view.name == "customers":
        values["birth_date"] = f"CASE WHEN birth_date <= CAST({instant(now)} AS DATE) THEN birth_date END"
    return values


def _note_since(db: DuckDBPyConnection, view: View) -> None:
    """Since when each row is known: when it was recorded, else when it says it was; not before what it is about."""
    for table in (view.name, f"superseded_{view.name}"):
        if not _has(db, table):
            continue
        columns = described(db, f"SELECT * FROM main.{table}")
        own = [identifier(name) for name in (RECORDED_AT, view.known_at) if name in columns]
        db.execute(f"ALTER TABLE main.{table} ADD COLUMN {SINCE} TIMESTAMPTZ")
        if own:
            db.execute(f"UPDATE main.{table} SET {SINCE} = coalesce({', '.join(own)})")
        for column, target in view.references:
            if column in view.required and _is_timed(db, target):
                key = VIEWS[target].key
                first = f"CASE WHEN count(*) = count({SINCE}) THEN min({SINCE}) END AS since"  # NULL: always known
                first = f"SELECT {key}, {first} FROM {_every(db, target)} GROUP BY 1"
                db.execute(
                    f"UPDATE main.{table} SET {SINCE} = greatest({SINCE}, o.since) FROM ({first}) o "
                    f"WHERE o.{key} = {table}.{column}"
                )


def _every(db: DuckDBPyConnection, name: str) -> str:
    """All versions of a view's records."""
    key = VIEWS[name].key
    if not _has(db, f"superseded_{name}"):
        return f"main.{name}"
    return f"(SELECT {key}, {SINCE} FROM main.{name} UNION ALL SELECT {key}, {SINCE} FROM main.superseded_{name})"


def _is_timed(db: DuckDBPyConnection, name: str) -> bool:
    found = db.execute(f"SELECT count({SINCE}) > 0 FROM main.{name}").fetchall()
    return bool(found[0][0])


def _note_derived(db: DuckDBPyConnection) -> None:
    """Derived events are known once the policies they follow from are; terms merely marked renewed stand apart."""
    since = (
        f"SELECT n.policy_id, greatest(n.{SINCE}, o.{SINCE}) AS since FROM main.policies n "
        f"LEFT JOIN main.policies o ON o.policy_id = n.renews_policy_id"
    )
    db.execute(
        f"UPDATE main.events SET {SINCE} = greatest(events.occurred_at, p.since) FROM ({since}) p "
        f"WHERE p.policy_id = substr(events.event_id, strpos(events.event_id, ':') + 1) "
        f"AND (starts_with(events.event_id, 'purchase:') OR starts_with(events.event_id, 'renewal:')) "
        f"AND events.type IN ({text(BOUGHT)}, {text(RENEWED)})"
    )
    recorded = f"o.{RECORDED_AT}" if RECORDED_AT in described(db, "SELECT * FROM main.policies") else "NULL"
    renewed = (
        f"SELECT subject_id, min({SINCE}) AS since FROM main.events WHERE type = {text(RENEWED)} "
        f"AND NOT starts_with(event_id, 'renewed:') GROUP BY 1"
    )
    db.execute(
        f"CREATE TABLE main.marked_renewed AS SELECT o.policy_id, o.customer_id, o.{SINCE}, "
        f"coalesce(CAST({recorded} AS TIMESTAMPTZ), CAST(o.expiry_date AS TIMESTAMPTZ)) AS since, r.since AS renewed_since "
        f"FROM main.policies o LEFT JOIN ({renewed}) r ON r.subject_id = o.policy_id WHERE o.status = 'renewed'"
    )


def _versions(view: View) -> str:
    """The rows of a view whose records changed: of each the version last recorded of those known."""
    key, name = view.key, view.name
    changed = f"(SELECT {key} FROM main.superseded_{name})"
    both = (
        f"SELECT *, 9223372036854775807 AS place FROM main.{name} WHERE {key} IN {changed} "
        f"UNION ALL BY NAME SELECT * FROM main.superseded_{name}"
    )
    latest = (
        f"SELECT * EXCLUDE (place, rank) FROM (SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY {RECORDED_AT} "
        f"DESC NULLS LAST, place DESC) AS rank FROM ({both}) WHERE {{known}}) WHERE rank = 1"
    )
    return f"(SELECT * FROM main.{name} WHERE {key} NOT IN {changed} UNION ALL BY NAME {latest})"


def _has(db: DuckDBPyConnection, table: str) -> bool:
    sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'main' AND table_name = $name"
    return bool(db.execute(sql, {"name": table}).fetchall()[0][0])
