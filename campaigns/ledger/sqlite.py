"""The ledger in an SQLite file: how it is opened, and transactions that cannot deadlock."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from campaigns.errors import LedgerBusyError, LedgerError
from campaigns.ledger.buckets import BUCKETS, buckets, runs
from campaigns.ledger.statements import NEWER, migrations, statements
from campaigns.ledger.store import Cursor, Row, Store, Values

BUSY, NAP = 60, 0.002
"""Seconds after which somebody else has written for too long; seconds between two tries."""
OLDEST_SQLITE = (3, 35, 0)  # RETURNING


class SqliteStore(Store):
    """The file and its one writer: a transaction takes the write lock at once, so that it never fails half-way on a lock."""

    begin, begin_snapshot = "begin immediate", "begin"

    def __init__(self, path: Path | str, *, durable: bool = True) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise LedgerError(f"SQLite {sqlite3.sqlite_version} is too old for the ledger; it needs 3.35 or later")
        self.place = str(path)
        _only_ours(Path(path))
        try:
            self._db = sqlite3.connect(self.place, isolation_level=None, timeout=BUSY)
            self._prepare(durable)
        except sqlite3.DatabaseError as error:
            raise _translated(error, self.place) from error

    def _prepare(self, durable: bool) -> None:
        for pragma in (
            "journal_mode = wal",
            f"synchronous = {'full' if durable else 'off'}",
            "foreign_keys = off",
            "secure_delete = on",
            "cache_size = -16384",
            "temp_store = memory",
            "wal_autocheckpoint = 8000",  # pages: what is written again and again is copied into the file once
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
                raise LedgerError(NEWER.format(place=self.place, found=found, oldest=oldest, newest=newest))
            for version, steps in migrations().items():
                for step in steps if version > found else ():
                    self._db.execute(step)
            self._db.execute("insert or replace into meta values ('schema', ?)", (str(newest),))

    @property
    def within(self) -> bool:
        """Whether a transaction is under way."""
        return self._db.in_transaction

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        try:
            self._begin(begin)
            yield
            self._db.execute("commit")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            if isinstance(error, sqlite3.DatabaseError):
                raise _translated(error, self.place) from error
            raise

    def _begin(self, begin: str) -> None:
        """Begin as soon as nobody else writes: SQLite's own way of waiting sleeps up to a tenth of a second at a time."""
        patience = monotonic() + BUSY
        self._db.execute("pragma busy_timeout = 0")
        try:
            while True:
                try:
                    self._db.execute(begin)
                    return
                except sqlite3.OperationalError as error:
                    if not isinstance(_translated(error, self.place), LedgerBusyError) or monotonic() > patience:
                        raise
                    sleep(NAP)
        finally:
            self._db.execute(f"pragma busy_timeout = {BUSY * 1000}")

    @contextmanager
    def alone(self, customers: Iterable[str], *, budgets: bool = False) -> Iterator[None]:
        """Whoever decides holds locks on a file beside the ledger, which itself stays free for senders and the switch."""
        file = os.open(f"{self.place}-deciding", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            _lock(file, [*buckets(customers), *([BUCKETS] if budgets else [])])
            yield
        finally:
            os.close(file)

    def in_line(self, name: str) -> None:
        """Nothing to do: inside a transaction the whole file is ours."""

    def execute(self, sql: str, values: Values = ()) -> Cursor:
        """A statement of Kairos' own making."""
        try:
            return self._db.execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise _translated(error, self.place) from error

    def many(self, name: str, rows: Iterable[Values]) -> int:
        """Run a named statement for each row of values; the number of rows changed."""
        return self._many(statements()[name], rows)

    def _many(self, sql: str, rows: Iterable[Values]) -> int:
        before = self._db.total_changes
        try:
            self._db.executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            raise _translated(error, self.place) from error
        return self._db.total_changes - before

    def tables(self) -> dict[str, list[str]]:
        """Every table of the ledger, with its columns."""
        names = self.query(
            "select name from sqlite_master where type = 'table' and substr(name, 1, 7) <> 'sqlite_' order by name"
        )
        return {name: [row[1] for row in self.query(f'pragma table_info("{name}")')] for (name,) in names}

    def scan(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """All rows of a table."""
        yield from self._db.execute(f"select {', '.join(columns)} from {table}")

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Put rows into an empty table as they are."""
        marks = ", ".join("?" * len(columns))
        return self._many(f"insert into {table} ({', '.join(columns)}) values ({marks})", rows)

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole ledger, for rehearsals."""
        _only_ours(path)
        with closing(sqlite3.connect(path)) as target, target:
            self._db.backup(target)

    def integrity(self) -> str:
        """'ok', or the first fault of the file."""
        return str(self.query("pragma quick_check")[0][0])

    def scour(self) -> bool:
        """Write the file anew without what was deleted or replaced, the write-ahead log folded in and emptied."""
        try:
            self._db.execute("vacuum")
            busy: int = self._db.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if isinstance(_translated(error, self.place), LedgerBusyError):
                return False
            raise _translated(error, self.place) from error
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


def _lock(file: int, numbers: Sequence[int]) -> None:
    """Wait for these bytes of a file, in rising order; they are let go when it is closed, so with the process too.

    Where the system knows no locks of bytes by open file (macOS), whoever wants any customer waits for the whole file.
    """
    lock = getattr(fcntl, "F_OFD_SETLKW", None)
    if lock is None:
        if any(number < BUCKETS for number in numbers):
            fcntl.flock(file, fcntl.LOCK_EX)
        return
    for first, size in runs(numbers):
        fcntl.fcntl(file, lock, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, first, size, 0))
