"""The facts of a few customers: small tables under the same names, so that every query of the large ones works on them.

They lie in a schema that comes first on the search path; what is not about customers (products, alerts, regions) is
found behind it. With the customers come the claims and policies their events and claims speak of, whoever owns them.
"""

# ruff: noqa: S608 - names come from triggers.views, values are a registered table
from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from triggers.facts import Facts
from triggers.views import VIEWS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "narrow"
_OWN = "customer_id IN (SELECT customer_id FROM wanted_customers)"
_TABLES = {
    "customers": f"SELECT * FROM {{base}}.customers WHERE {_OWN}",
    "events": f"SELECT * FROM {{base}}.events WHERE {_OWN}",
    "consents": f"SELECT * FROM {{base}}.consents WHERE {_OWN}",
    "complaints": f"SELECT * FROM {{base}}.complaints WHERE {_OWN}",
    "own_policies": f"SELECT policy_id FROM {{base}}.policies WHERE {_OWN}",
    "claims": f"SELECT * FROM {{base}}.claims WHERE {_OWN} OR policy_id IN (SELECT policy_id FROM {SCHEMA}.own_policies) "
    f"OR claim_id IN (SELECT subject_id FROM {SCHEMA}.events)",
    "policies": f"SELECT * FROM {{base}}.policies WHERE {_OWN} OR policy_id IN (SELECT policy_id FROM {SCHEMA}.claims) "
    f"OR policy_id IN (SELECT subject_id FROM {SCHEMA}.events)",
    "memberships": "SELECT * FROM main.memberships LIMIT 0",
}
NARROWED = frozenset(_TABLES) & frozenset(VIEWS)
"""Views of which a narrow table is laid out."""


@contextmanager
def narrowed(facts: Facts, customers: Collection[str], now: datetime) -> Iterator[Facts]:
    """These customers' facts, as known at `now`, for as long as the block lasts. One at a time."""
    db = facts.db.cursor()
    try:
        fill(db, customers, facts.schema_name)
        db.execute(f"SET search_path = '{','.join(dict.fromkeys((SCHEMA, facts.schema_name, 'main')))}'")
        yield replace(facts, db=db, now=now, copy=None, engine=None)
    finally:
        db.close()


def fill(db: DuckDBPyConnection, customers: Collection[str], base: str) -> None:
    """Lay the tables of these customers out anew, from those of the schema `base`."""
    import pyarrow as pa

    db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    db.register("wanted_customers", pa.table({"customer_id": pa.array(sorted(set(customers)), pa.string())}))
    for name, sql in _TABLES.items():
        db.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{name} AS {sql.format(base=base)}")
    db.unregister("wanted_customers")
