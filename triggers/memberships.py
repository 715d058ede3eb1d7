"""Who is in a segment, or beyond a line, and since when: what Kairos remembers for the kinds that ask (`Trigger.remembers`).

The table lies beside the facts and holds one campaign's memberships at a time. Before `Trigger.members` is asked it
tells who was a member at the last look, before `Trigger.candidates` also what this look has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

COLUMNS = {
    "customer_id": "VARCHAR",
    "subject": "VARCHAR",
    "entered_at": "TIMESTAMP WITH TIME ZONE",
    "left_at": "TIMESTAMP WITH TIME ZONE",
    "initial": "BOOLEAN",
}
"""`left_at` NULL: still a member; `initial`: was one when the campaign first looked, nobody knows since when."""


def create(db: DuckDBPyConnection) -> None:
    """Make the empty table."""
    db.execute(f"CREATE TABLE memberships ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")


def remember(db: DuckDBPyConnection, table: pyarrow.Table) -> None:
    """Put these memberships (COLUMNS) in place of those that are there."""
    picked = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    db.register("remembered", table)
    db.execute("DELETE FROM memberships")
    db.execute(f"INSERT INTO memberships BY NAME SELECT {picked} FROM remembered")  # noqa: S608 - names of our own
    db.unregister("remembered")
