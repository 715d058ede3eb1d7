"""The SQLite file under the ledger: how it is opened, and transactions that cannot deadlock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from campaigns.errors import LedgerBusyError, LedgerError
from campaigns.ledger.statements import migrations, statements

OLDEST_SQLITE = (3, 35, 0)  # RETURNING


class Store:
    """Named statements on one connection. Writing happens only inside `transaction()`, which takes the lock at once."""

    def __init__(self, path: Path | str, *, durable: bool = True) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise LedgerError(f"SQLite {sqlite3.sqlite_version} is too old for the ledger; it needs 3.35 or later")
        self.path = str(path)
        _only_ours(Path(path))
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=60)
            self._prepare(durable)
        except sqlite3.DatabaseError as error:
            raise _translated(error, self.path) from error

    def _prepare(self, durable: bool) -> None:
        for pragma in (
            "journal_mode = wal",
            f"synchronous = {'full' if durable else 'off'}",
            "foreign_keys = off",
            "secure_delete = on",
            "cache_size = -65536",
            "temp_store = memory",
        ):
            self._db.execute(f"pragma {pragma}")
        self._db.execute("create temp table wanted (customer_id text primary key) without rowid")
        if self._version() != max(migrations()):
            self._migrate()

    def _version(self) -> int:
        """The version of the ledger; 0 where there is none yet."""
        if not self._db.execute("select 1 from sqlite_master where name = 'meta'").fetchone():
            return 0
        found = self._db.execute("select value from meta where key = 'schema'").fetchone()
        return int(found[0]) if found else 0

    def _migrate(self) -> None:
        """Bring the tables up to date, all or none; whoever comes second finds nothing to do."""
        with self.transaction():
            found, oldest, newest = self._version(), min(migrations()), max(migrations())
            if found and not oldest <= found <= newest:
                raise LedgerError(
                    f"{self.path} has ledger version {found}, this Kairos reads {oldest} to {newest}; use the Kairos that wrote it"
                )
            for version, steps in migrations().items():
                for step in steps if version > found else ():
                    self._db.execute(step)
            self._db.execute("insert or replace into meta values ('schema', ?)", (str(newest),))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable on return. Takes the write lock when it begins, so that it never fails half-way on a lock."""
        try:
            self._db.execute("begin immediate")
            yield
            self._db.execute("commit")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            if isinstance(error, sqlite3.DatabaseError):
                raise _translated(error, self.path) from error
            raise

    def one(self, name: str, **values: Any) -> tuple[Any, ...] | None:
        """First row of a named statement, or None."""
        row: tuple[Any, ...] | None = self._db.execute(statements()[name], values).fetchone()
        return row

    def all(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        """All rows of a named statement."""
        return self._db.execute(statements()[name], values).fetchall()

    def batches(self, name: str, size: int, **values: Any) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of a named statement, so many at a time: for results that would not fit."""
        cursor = self._db.execute(statements()[name], values)
        while rows := cursor.fetchmany(size):
            yield rows

    def rows(self, name: str, **values: Any) -> list[dict[str, Any]]:
        """All rows of a named statement as dictionaries."""
        cursor = self._db.execute(statements()[name], values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def run(self, name: str, values: Mapping[str, Any] | None = None) -> int:
        """Run a named statement once; the number of rows it changed."""
        return self._db.execute(statements()[name], values or {}).rowcount

    def many(self, name: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> int:
        """Run a named statement for each row of values; the number of rows changed."""
        before = self._db.total_changes
        self._db.executemany(statements()[name], rows)
        return self._db.total_changes - before

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """A reading query for checks and reports; never built from anybody's input."""
        return self._db.execute(sql).fetchall()

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole ledger, for rehearsals."""
        target = sqlite3.connect(path)
        with target:
            self._db.backup(target)
        target.close()

    def scour(self) -> bool:
        """Write the file anew without what was deleted or replaced, the write-ahead log folded in and emptied.

        False where somebody is reading or writing, so that old words may still lie in freed pages: call it again.
        """
        try:
            self._db.execute("vacuum")
            busy: int = self._db.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if isinstance(_translated(error, self.path), LedgerBusyError):
                return False
            raise _translated(error, self.path) from error
        return not busy

    def close(self) -> None:
        """Close the file; the planner's statistics are refreshed where they are stale."""
        with suppress(sqlite3.OperationalError):  # somebody is writing: whoever closes after them does it
            self._db.execute("pragma optimize")
        self._db.close()


def _only_ours(path: Path) -> None:
    """A new ledger is readable by its owner alone: it holds addresses."""
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise LedgerError(f"the ledger {path} cannot be made: {error.strerror}") from error


def _translated(error: sqlite3.DatabaseError, path: str) -> LedgerError:
    if "locked" in str(error) or "busy" in str(error):
        return LedgerBusyError()
    return LedgerError(f"the ledger {path} cannot be used: {error}; check the disk, the rights, or restore a backup")
