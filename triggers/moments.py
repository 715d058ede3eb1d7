"""From a trigger and the facts to its moments, in batches that never fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from triggers.terms import text

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

    from triggers.facts import Facts
    from triggers.trigger import Trigger


def moments(trigger: Trigger, facts: Facts, rows: int = 100_000) -> Iterator[pyarrow.RecordBatch]:
    """The moments of a trigger, MOMENT_COLUMNS, in the query's order, at most `rows` a batch.

    Raises FieldError or ConditionError at the first batch where the trigger does not fit the facts.
    """
    yield from batches_of(trigger.select(facts.columns, local_now(facts)), facts, rows)


def batches_of(query: exp.Select, facts: Facts, rows: int = 100_000) -> Iterator[pyarrow.RecordBatch]:
    """The rows of a query over the facts, at most `rows` a batch, found by the facts' engine."""
    if facts.engine is not None:
        yield from facts.engine.batches(query, facts, rows)
        return
    with session(facts) as db:
        yield from db.sql(in_duckdb(query)).to_arrow_reader(rows)


def local_now(facts: Facts) -> datetime:
    """The facts' instant on the insurer's clock."""
    return facts.now.astimezone(ZoneInfo(zone_of(facts.db)))


def session(facts: Facts) -> DuckDBPyConnection:
    """A connection of its own in the insurer's zone, so that reading in batches disturbs nobody. Close it."""
    db = facts.db.cursor()
    db.execute(f"SET TimeZone = {text(zone_of(facts.db)).sql('duckdb')}")
    if path := _setting(facts.db, "search_path"):
        db.execute(f"SET search_path = {text(path).sql('duckdb')}")
    return db


def rows_of(db: DuckDBPyConnection, query: exp.Select) -> list[dict[str, Any]]:
    """All rows of a small query, as dicts."""
    found: list[dict[str, Any]] = db.sql(in_duckdb(query)).to_arrow_table().to_pylist()
    return found


def in_duckdb(query: exp.Select) -> str:
    """The query in DuckDB's words. Malformed JSON is an error there and NULL elsewhere; so it is made NULL first."""

    def lenient(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.JSONExtractScalar):
            node.set("this", exp.TryCast(this=node.this, to=exp.DataType.build("JSON")))
        return node

    told = query.transform(lenient) if query.find(exp.JSONExtractScalar) else query
    return told.sql("duckdb")


def zone_of(db: DuckDBPyConnection) -> str:
    """The insurer's zone."""
    return _setting(db, "TimeZone")


def _setting(db: DuckDBPyConnection, name: str) -> str:
    (value,) = db.execute("SELECT current_setting($name)", {"name": name}).fetchall()[0]
    return str(value)
