"""The facts of a share of the customers, drawn by hash: whole customers, the same ones whenever the same share is drawn."""

# ruff: noqa: S608 - names come from triggers.views, values are parameters
from __future__ import annotations

from typing import TYPE_CHECKING

from triggers import narrow
from triggers.facts import Facts
from triggers.sqltext import draw
from triggers.views import VIEWS

if TYPE_CHECKING:
    import pyarrow as pa

_DRAW = draw("$salt || ':sample:' || customer_id")
_DRAWN = f"SELECT customer_id FROM main.customers WHERE {_DRAW} < $share ORDER BY customer_id"


def keep_sample(facts: Facts, share: float, salt: str) -> pa.Table:
    """Reduce the facts, in place, to those of a share of the customers; returns these (customer_id).

    `share` is above 0 and at most 1; each customer is drawn with that probability. As everywhere, the claims and
    policies their events and claims speak of stay too, whoever owns them. Raises ValueError for another share.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a sample of {share:g} of the customers is none; give a share above 0 and up to 1")
    db = facts.db
    drawn = db.sql(_DRAWN, params={"salt": salt, "share": share}).to_arrow_table()
    narrow.fill(db, drawn["customer_id"].to_pylist(), facts.schema_name)
    tables = {
        name for (name,) in db.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
    }
    for view in VIEWS.values():
        if view.name not in narrow.NARROWED:
            continue
        db.execute(f"CREATE OR REPLACE TABLE main.{view.name} AS FROM {narrow.SCHEMA}.{view.name}")
        earlier = f"superseded_{view.name}"
        if earlier in tables:
            db.execute(f"DELETE FROM main.{earlier} WHERE {view.key} NOT IN (SELECT {view.key} FROM main.{view.name})")
    db.execute(f"DROP SCHEMA {narrow.SCHEMA} CASCADE")
    return drawn
