"""The facts of some customers in a folder, for another process: the narrow tables (`triggers.narrow`) as Arrow files.

Everybody's parcels are made by one look at each table. What is not about customers (products, alerts, regions, working
days) is packed once for all of them.
"""

# ruff: noqa: S608 - names come from the database itself, types from its own description
from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
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

ROWS = 200_000
"""Rows dealt out at a time."""
_OWN = "SELECT t.*, w.parcel FROM {name} t JOIN parcels w USING (customer_id)"
_CLAIMS = """
    SELECT t.*, x.parcel FROM claims t JOIN (
           SELECT c.rowid AS place, w.parcel FROM claims c JOIN parcels w USING (customer_id)
            UNION SELECT c.rowid, w.parcel
                    FROM claims c JOIN policies p USING (policy_id) JOIN parcels w ON w.customer_id = p.customer_id
            UNION SELECT c.rowid, w.parcel
                    FROM claims c JOIN events e ON e.subject_id = c.claim_id JOIN parcels w ON w.customer_id = e.customer_id
         ) x ON x.place = t.rowid ORDER BY t.rowid"""
_SPOKEN_OF = """
    WITH named AS (SELECT policy_id, parcel FROM claims_dealt
                    UNION SELECT p.policy_id, w.parcel
                            FROM events e JOIN parcels w USING (customer_id) JOIN policies p ON p.policy_id = e.subject_id)
    SELECT t.*, n.parcel FROM policies t JOIN named n USING (policy_id) LEFT JOIN parcels w ON w.customer_id = t.customer_id
     WHERE w.parcel IS DISTINCT FROM n.parcel ORDER BY t.rowid"""
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


def deal(facts: Facts, customers: Sequence[Collection[str]], folders: Sequence[Path]) -> None:
    """Write the facts of each of these groups of customers into the folder at its place, which is made.

    A parcel holds what `Narrowing.to` lays out: what is the customers' own, in the order of the facts, then the claims and
    policies that is about, whoever owns them.
    """
    import pyarrow as pa

    for folder in folders:
        folder.mkdir()
    names = [customer for group in customers for customer in group]
    numbers = [number for number, group in enumerate(customers) for _ in group]
    db = facts.db
    db.register(
        "parcels", pa.table({"customer_id": pa.array(names, pa.string()), "parcel": pa.array(numbers, pa.int32())})
    )
    claims = db.sql(_CLAIMS).to_arrow_table()
    db.register("claims_dealt", claims)
    for name in LAID_OUT:
        with closing(_Sorter(db, name, folders)) as sorter:
            if name == "claims":
                sorter.take(claims.to_batches())
            elif name != "memberships":
                sorter.take(db.sql(_OWN.format(name=name)).to_arrow_reader(ROWS))
            if name == "policies":
                sorter.take(db.sql(_SPOKEN_OF).to_arrow_table().to_batches())
    db.unregister("claims_dealt")
    db.unregister("parcels")


class _Sorter:
    """One table of every parcel, written batch by batch: the last column of a batch says where each row belongs."""

    def __init__(self, db: DuckDBPyConnection, name: str, folders: Sequence[Path]) -> None:
        import pyarrow as pa

        query = f"SELECT * FROM {identifier(name)}"
        empty = db.sql(f"{query} LIMIT 0").to_arrow_table().schema
        self._schema = empty.with_metadata({_TYPES: json.dumps(described(db, query)).encode()})
        self._open = ExitStack()
        files = [self._open.enter_context(pa.OSFile(str(folder / f"{name}.arrow"), "wb")) for folder in folders]
        self._writers = [self._open.enter_context(pa.ipc.new_file(file, self._schema)) for file in files]

    def take(self, batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch]) -> None:
        """Put the rows where they belong, in their order."""
        import numpy as np
        import pyarrow as pa

        for batch in batches:
            parcels = batch.column(batch.num_columns - 1).to_numpy()
            order = np.argsort(parcels, kind="stable")
            rows = pa.record_batch(batch.take(pa.array(order)).columns[:-1], schema=self._schema)
            cuts = [0, *(np.flatnonzero(np.diff(parcels[order])) + 1).tolist(), len(order)]
            for start, end in pairwise(cuts):
                if end > start:
                    self._writers[int(parcels[order[start]])].write_batch(rows.slice(start, end - start))

    def close(self) -> None:
        """End the files."""
        self._open.close()


def pack_shared(facts: Facts, folder: Path) -> None:
    """Write what is the same for all customers into a new folder."""
    folder.mkdir()
    listed = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT temporary ORDER BY 1"
    for (name,) in facts.db.execute(listed).fetchall():
        if name in LAID_OUT or name in _LEFT_OUT or name.startswith("superseded_"):
            continue
        with closing(_Sorter(facts.db, name, [folder])) as sorter:
            sorter.take(facts.db.sql(f"SELECT *, 0 AS parcel FROM {identifier(name)}").to_arrow_reader(ROWS))


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
