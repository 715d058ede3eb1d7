"""The facts of a few customers in a folder, for another process: narrow tables (`triggers.narrow`) as Arrow files.

What is not about customers (products, alerts, regions, working days) is packed once for all parcels of an instant.
"""

# ruff: noqa: S608 - names come from the database itself, types from its own description
from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from triggers.facts import Facts, connect
from triggers.narrow import LAID_OUT, SCHEMA
from triggers.readers import described
from triggers.rejects import Report
from triggers.sqltext import identifier
from triggers.trigger import Columns

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_LEFT_OUT = ("rejects", "memberships")
_TYPES = b"kairos:types"


@dataclass(frozen=True)
class Known:
    """What facts are beside their tables; it travels with the parcels."""

    now: datetime
    timezone: str
    columns: Columns
    phone_region: str
    given: frozenset[str]

    @classmethod
    def of(cls, facts: Facts, timezone: str) -> Known:
        """Of facts whose database is set to this zone."""
        return cls(facts.now, timezone, facts.columns, facts.phone_region, facts.given)


def pack(facts: Facts, folder: Path) -> None:
    """Write the narrow tables of facts that are narrowed (`Narrowing.to`) into a new folder."""
    _write(facts.db, SCHEMA, LAID_OUT, folder)


def pack_shared(facts: Facts, folder: Path) -> None:
    """Write what is the same for all customers into a new folder."""
    listed = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT temporary ORDER BY 1"
    names = [name for (name,) in facts.db.execute(listed).fetchall()]
    others = [name for name in names if name not in LAID_OUT and name not in _LEFT_OUT]
    _write(facts.db, "main", [name for name in others if not name.startswith("superseded_")], folder)


class Unpacking:
    """Facts out of parcels, one after the other, in a database of its own that uses `threads` threads."""

    def __init__(self, shared: Path, known: Known, threads: int) -> None:
        self._known, self._db = known, connect(None, known.timezone)
        self._db.execute(f"SET threads = {int(threads)}")
        self._db.execute(f"CREATE SCHEMA {SCHEMA}")
        _read(self._db, "main", shared)

    def facts(self, folder: Path) -> Facts:
        """The facts of a parcel, until the next is asked for."""
        _read(self._db, SCHEMA, folder)
        self._db.execute(f"SET search_path = '{SCHEMA},main'")
        known = self._known
        return Facts(self._db, known.now, known.columns, Report({}), None, known.phone_region, known.given)

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()


def _write(db: DuckDBPyConnection, schema: str, names: Collection[str], folder: Path) -> None:
    import pyarrow as pa

    folder.mkdir()
    for name in names:
        query = f"SELECT * FROM {schema}.{identifier(name)}"
        table = db.sql(query).to_arrow_table()
        table = table.replace_schema_metadata({_TYPES: json.dumps(described(db, query)).encode()})
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)


def _read(db: DuckDBPyConnection, schema: str, folder: Path) -> None:
    """Make the tables of a folder in a schema, with the types they had."""
    for file in sorted(folder.glob("*.arrow")):
        table = _mapped(file)
        types: dict[str, str] = json.loads((table.schema.metadata or {})[_TYPES])
        columns = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in types.items())
        db.register("parcel", table)
        db.execute(f"CREATE OR REPLACE TABLE {schema}.{identifier(file.stem)} AS SELECT {columns} FROM parcel")
        db.unregister("parcel")


def _mapped(file: Path) -> pa.Table:
    import pyarrow as pa

    with pa.memory_map(str(file)) as mapped:
        return pa.ipc.open_file(mapped).read_all()
