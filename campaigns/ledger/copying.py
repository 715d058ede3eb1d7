"""A whole ledger into an empty one of either kind: for rehearsals, and to move from a file to a server or back."""

from __future__ import annotations

from campaigns.errors import LedgerError
from campaigns.ledger.store import Store

META = "meta"
"""Every ledger has it from the beginning, for its version; the other rows are copied one by one."""


def copy_ledger(source: Store, target: Store) -> dict[str, int]:
    """Copy every row, as of one moment, in one transaction; rows by table. Raises LedgerError where `target` holds anything."""
    tables = {table: columns for table, columns in target.tables().items() if table != META}
    with source.snapshot(), target.transaction():
        for table in tables:
            if target.query(f"select 1 from {table} limit 1"):
                raise LedgerError(f"the ledger {target.place} is not empty; copy into one that is new")
        copied = {table: target.fill(table, each, source.scan(table, each)) for table, each in tables.items()}
        marks = source.query("select key, value from meta where key <> 'schema' order by key")
        for mark in marks:
            target.execute("insert into meta (key, value) values (?, ?)", mark)
    return {**copied, META: len(marks)}
