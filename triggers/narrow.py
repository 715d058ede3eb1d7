"""The facts of a few customers: small tables under the same names, so that every query of the large ones works on them.

They lie in a schema that comes first on the search path; what is not about customers (products, alerts, regions) is
found behind it. With the customers come the claims and policies their events and claims speak of, whoever owns them.
"""

# ruff: noqa: S608 - names come from triggers.views, values are a registered table
from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
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
    **{
        name: f"SELECT * FROM {{base}}.{name} WHERE {_OWN}"
        for name in ("customers", "events", "consents", "complaints", "policies")
    },
    "claims": f"SELECT * FROM {{base}}.claims WHERE {_OWN} OR policy_id IN (SELECT policy_id FROM {SCHEMA}.policies) "
    f"OR claim_id IN (SELECT subject_id FROM {SCHEMA}.events)",
    "memberships": "SELECT * FROM main.memberships LIMIT 0",
}
LAID_OUT = tuple(_TABLES)
"""The narrow tables."""
NARROWED = frozenset(_TABLES) & frozenset(VIEWS)
"""Views of which a narrow table is laid out."""
_SPOKEN_OF = f"""
    SELECT policy_id FROM (SELECT policy_id FROM {SCHEMA}.claims UNION SELECT subject_id FROM {SCHEMA}.events)
     WHERE policy_id IS NOT NULL AND policy_id NOT IN (SELECT policy_id FROM {SCHEMA}.policies WHERE policy_id IS NOT NULL)"""


@contextmanager
def narrowed(facts: Facts, customers: Collection[str], now: datetime) -> Iterator[Facts]:
    """These customers' facts, as known at `now`, for as long as the block lasts. One at a time."""
    with closing(Narrowing(facts, now)) as narrowing:
        yield narrowing.to(customers)


class Narrowing:
    """The narrow tables as known at `now`, laid out anew only for customers who are not among those they hold. One at a time."""

    def __init__(self, facts: Facts, now: datetime) -> None:
        self._facts, self._now = facts, now
        self._few: Facts | None = None
        self._customers = frozenset[str]()

    def to(self, customers: Collection[str]) -> Facts:
        """The facts of at least these customers, until the next call or `close`."""
        wanted, base = frozenset(customers), self._facts.schema_name
        if self._few is None:
            db = self._facts.db.cursor()
            self._few = replace(self._facts, db=db, now=self._now, copy=None, engine=None)
        elif wanted <= self._customers:
            return self._few
        fill(self._few.db, wanted, base)
        self._few.db.execute(f"SET search_path = '{','.join(dict.fromkeys((SCHEMA, base, 'main')))}'")
        self._customers = wanted
        return self._few

    def close(self) -> None:
        """Close the connection of its own."""
        if self._few is not None:
            self._few.db.close()


def fill(db: DuckDBPyConnection, customers: Collection[str], base: str) -> None:
    """Lay the tables of these customers out anew, from those of the schema `base`."""
    import pyarrow as pa

    db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    db.register("wanted_customers", pa.table({"customer_id": pa.array(sorted(set(customers)), pa.string())}))
    for name, sql in _TABLES.items():
        db.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{name} AS {sql.format(base=base)}")
    others = db.sql(_SPOKEN_OF).to_arrow_table()
    if others.num_rows:  # seldom: to look for nobody's policies costs as much as to look for somebody's
        db.register("spoken_of", others)
        db.execute(f"INSERT INTO {SCHEMA}.policies SELECT * FROM {base}.policies SEMI JOIN spoken_of USING (policy_id)")
        db.unregister("spoken_of")
    db.unregister("wanted_customers")
