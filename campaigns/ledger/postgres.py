"""The ledger in a PostgreSQL database, shared by any number of processes on any number of machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NoReturn, cast

from campaigns.errors import LedgerBusyError, LedgerConflictError, LedgerError, LedgerLostError
from campaigns.ledger.buckets import BUCKETS, buckets
from campaigns.ledger.dialect import Bulk, bulk, for_driver, statement, steps, worded
from campaigns.ledger.statements import NEWER
from campaigns.ledger.store import Cursor, Row, Store, Values

try:
    import psycopg
    from psycopg import errors, pq
    from psycopg.conninfo import conninfo_to_dict

    from campaigns.ledger.postgres_types import like_sqlite
except ImportError as error:
    raise LedgerError(
        "a ledger in PostgreSQL needs the driver psycopg; install kairos[postgres], or pip install 'psycopg[binary]'"
    ) from error

OLDEST = 130_000
KAIROS = 0x4B41
"""'KA': first half of every advisory lock that is not a sender's, so that nobody else's is met by chance."""
BUDGETS, MIGRATING, LINES = BUCKETS, 2000, {"inbox": 2001, "audit": 2002, "archive": 2003}
"""Second halves: the buckets of customers, one for budgets, one for migrations, one for each line."""
FEW = 16
"""Up to so many rows are sent one by one."""
IN_LINE = {"arrive": "inbox"}
"""Statements that append rows others follow by number: one transaction at a time, so that below a number once seen none is yet to come."""
SESSION = {
    "application_name": "kairos",
    "default_transaction_isolation": "read committed",
    "lock_timeout": "600s",
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
    "client_min_messages": "warning",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""A lost machine is noticed, and its locks are let go, within a minute."""
SCOURING = "5s"
"""How long to wait for a table that others use before giving up to write it anew."""
AWAY = (
    "the ledger {place} cannot be reached: {said}. Is the server up, and is what `ledger` in kairos.yaml says of host, "
    "user and database right? A password is taken from PGPASSWORD, or from the variable the address names"
)
CONNECT = {"connect_timeout": "10", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


class PostgresStore(Store):
    """One session. Read committed: what must not change meanwhile is locked first and read then (`alone`)."""

    begin, begin_snapshot = "begin", "begin isolation level repeatable read"

    def __init__(self, url: str, *, durable: bool = True) -> None:
        self.place = _shown(url)
        self._staged: set[str] = set()
        try:
            self._db: psycopg.Connection[Row] = psycopg.connect(url, autocommit=True, **_defaults(url))  # type: ignore[arg-type]
        except psycopg.Error as error:
            raise LedgerError(AWAY.format(place=self.place, said=" ".join(str(error).split()))) from error
        like_sqlite(self._db)
        try:
            self._prepare(durable)
        except BaseException as error:
            closed = self._db.closed
            self._db.close()
            if isinstance(error, psycopg.Error):
                self._translate(error, lost=closed)
            raise

    def _prepare(self, durable: bool) -> None:
        if self._db.info.server_version < OLDEST:
            raise LedgerError(f"the PostgreSQL of {self.place} is too old for the ledger; it needs 13 or later")
        if self._setting("server_encoding") != "UTF8":
            raise LedgerError(f"the database {self.place} is not in UTF-8; make one with `createdb --encoding UTF8`")
        for name, value in SESSION.items():
            self._set(name, value)
        if not durable:
            self._set("synchronous_commit", "off")
        elif self._setting("synchronous_commit") == "off":
            self._set("synchronous_commit", "on")
        if self._version() != max(steps()):
            self._migrate()
        self._do('create temp table wanted (customer_id text collate "C" primary key)')

    def _setting(self, name: str) -> str:
        return str(self._db.execute("select current_setting(%s)", (name,)).fetchall()[0][0])

    def _set(self, name: str, value: str) -> None:
        self._db.execute("select set_config(%s, %s, false)", (name, value))

    def _do(self, sql: str, values: Mapping[str, Any] | None = None) -> psycopg.Cursor[Row]:
        return self._db.execute(cast(Any, sql), values)

    def _version(self) -> int:
        """The version of the ledger; 0 where there is none yet."""
        if self._do("select to_regclass('meta')").fetchall() == [(None,)]:
            return 0
        found = self._do("select value from meta where key = 'schema'").fetchone()
        return int(found[0]) if found else 0

    def _migrate(self) -> None:
        """Bring the tables up to date, all or none; whoever comes second waits and finds nothing to do."""
        with self.transaction():
            self._lock([MIGRATING])
            found, oldest, newest = self._version(), min(steps()), max(steps())
            if found and not oldest <= found <= newest:
                raise LedgerError(NEWER.format(place=self.place, found=found, oldest=oldest, newest=newest))
            for version, each in steps().items():
                for step in each if version > found else ():
                    self._do(step)
            self._do(
                "insert into meta values ('schema', %(newest)s) on conflict (key) do update set value = excluded.value",
                {"newest": str(newest)},
            )

    # whole or not at all

    def _lock(self, numbers: Sequence[int], how: str = "pg_advisory_xact_lock") -> None:
        """Take (or let go) advisory locks in this order."""
        if numbers:
            self._run(
                f"select count({how}(:kairos, n)) from unnest(:numbers) n", {"kairos": KAIROS, "numbers": numbers}
            )

    @property
    def within(self) -> bool:
        """Whether a transaction is under way."""
        return self._db.info.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        try:
            self._do(begin)
            yield
            if self._do("commit").statusmessage != "COMMIT":
                raise LedgerError(
                    f"the ledger {self.place} took nothing: a statement had failed; run the command again"
                )
        except BaseException as error:
            self._roll_back()
            if isinstance(error, psycopg.Error):
                self._translate(error)
            raise

    def _roll_back(self) -> None:
        self._staged.clear()
        try:
            if self._db.info.transaction_status != pq.TransactionStatus.IDLE:
                self._do("rollback")
        except psycopg.Error:
            self._db.close()  # the server undoes what a lost session had begun

    @contextmanager
    def alone(self, customers: Iterable[str], *, budgets: bool = False) -> Iterator[None]:
        """Locks of the session, taken in rising order before anything is read: each statement then sees what was committed."""
        numbers = [*buckets(customers), *([BUDGETS] if budgets else [])]
        try:
            self._lock(numbers, "pg_advisory_lock")
            yield
        finally:
            if not self._db.closed:
                self._let_go(numbers)

    def _let_go(self, numbers: Sequence[int]) -> None:
        # where taking them failed half-way some are not held: `select` warns and goes on
        self._lock(numbers, "pg_advisory_unlock")

    def in_line(self, name: str) -> None:
        """From here until the transaction ends nobody else passes the same point."""
        self._lock([LINES[name]])

    # statements

    def execute(self, sql: str, values: Values = ()) -> Cursor:
        """A statement of Kairos' own making, in the common dialect."""
        return self._run(worded(sql), values)

    def text(self, name: str) -> str:
        """A named statement as PostgreSQL reads it, with `:name` for values."""
        return statement(name)

    def _execute_named(self, name: str, values: Values) -> Cursor:
        return self._run(statement(name), values)

    def _run(self, sql: str, values: Values) -> Cursor:
        try:
            return self._do(for_driver(sql), _by_name(values))
        except psycopg.Error as error:
            self._translate(error)

    def batches(self, name: str, size: int, **values: Any) -> Iterator[list[Row]]:
        """Rows of a named statement, so many at a time; the others wait on the server."""
        with self.snapshot(), self._db.cursor(name=f"batches_{name}") as cursor:
            cursor.execute(cast(Any, for_driver(statement(name))), values)
            while rows := cursor.fetchmany(size):
                yield rows

    def many(self, name: str, rows: Iterable[Values]) -> int:
        """Run a named statement for each row of values; many rows go over together and take effect in one statement."""
        given = iter(rows)
        first = list(islice(given, FEW))
        if not first:
            return 0
        if name in IN_LINE:
            self.in_line(IN_LINE[name])
        form = bulk(name) if len(first) == FEW else None
        try:
            return self._together(form, chain(first, given)) if form else self._one_by_one(name, chain(first, given))
        except psycopg.Error as error:
            self._translate(error)

    def _one_by_one(self, name: str, rows: Iterable[Values]) -> int:
        with self._db.cursor() as cursor:
            cursor.executemany(cast(Any, for_driver(statement(name))), [_by_name(row) for row in rows])
            return max(cursor.rowcount, 0)

    def _together(self, form: Bulk, rows: Iterable[Values]) -> int:
        """Copy rows into the statement's stage, then let it work on all of them."""
        if form.stage not in self._staged:
            columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(self._types(form), 1))
            self._do(f"create temp table if not exists {form.stage.removeprefix('pg_temp.')} ({columns})")
            self._staged.add(form.stage)
        self._do(f"truncate {form.stage}")
        with self._db.cursor() as cursor:
            with cursor.copy(cast(Any, f"copy {form.stage} from stdin")) as copy:
                for row in rows:
                    copy.write_row([row[each] for each in form.names] if isinstance(row, Mapping) else row)
            return cursor.execute(cast(Any, form.applied)).rowcount

    def _types(self, form: Bulk) -> list[str]:
        """The types of a statement's values, as the server takes them."""
        name = form.stage.removeprefix("pg_temp.")
        self._do(f"prepare {name} as {form.typed}")
        asked = "select parameter_types::text[] from pg_prepared_statements where name = %(name)s"  # the driver's own are named otherwise
        types: list[str] = self._do(asked, {"name": name}).fetchall()[0][0]
        self._do(f"deallocate {name}")
        return ['text collate "C"' if kind == "text" else kind for kind in types]

    # the whole ledger

    def tables(self) -> dict[str, list[str]]:
        """Every table of the ledger, with its columns."""
        rows = self.query(
            "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "where c.relnamespace = cast(current_schema() as regnamespace) and c.relkind = 'r' and a.attnum > 0 "
            "and not a.attisdropped order by c.relname, a.attnum"
        )
        found: dict[str, list[str]] = {}
        for table, column in rows:
            found.setdefault(table, []).append(column)
        return found

    def scan(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """All rows of a table, some thousands at a time."""
        with self._db.cursor(name=f"scan_{table}") as cursor:
            cursor.itersize = 5_000
            cursor.execute(cast(Any, f"select {', '.join(columns)} from {table}"))
            yield from cursor

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Put rows into an empty table as they are; what counts up by itself goes on behind them."""
        try:
            with self._db.cursor() as cursor:
                with cursor.copy(cast(Any, f"copy {table} ({', '.join(columns)}) from stdin")) as copy:
                    for row in rows:
                        copy.write_row(row)
                size = cursor.rowcount
        except psycopg.Error as error:
            self._translate(error)
        for column in columns:
            counter = self.query(f"select pg_get_serial_sequence('{table}', '{column}')")[0][0]
            if counter:
                self.query(f"select setval('{counter}', coalesce(max({column}), 0) + 1, false) from {table}")
        return size

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole ledger in a new SQLite file, for rehearsals."""
        from campaigns.ledger.copying import copy_ledger
        from campaigns.ledger.sqlite import SqliteStore

        target = SqliteStore(path, durable=False)
        try:
            copy_ledger(self, target)
        finally:
            target.close()

    def integrity(self) -> str:
        """'ok', or the first index of the ledger that is not whole."""
        broken = self.query(
            "select min(c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid "
            "where c.relnamespace = cast(current_schema() as regnamespace) and not (i.indisvalid and i.indisready)"
        )
        return f"the index {broken[0][0]} is not valid; reindex it" if broken[0][0] else "ok"

    def scour(self) -> bool:
        """Write every table anew; False where others keep one of them in use."""
        self._set("lock_timeout", SCOURING)
        try:
            for table in self.tables():
                self._do(f"vacuum (full) {table}")
        except errors.LockNotAvailable:
            return False
        except psycopg.Error as error:
            self._translate(error)
        finally:
            if not self._db.closed:
                self._set("lock_timeout", SESSION["lock_timeout"])
        return True

    def close(self) -> None:
        """End the session; what it holds is let go."""
        self._db.close()

    # who is alive

    def claim(self, number: int) -> None:
        """Hold a number for as long as this session lives."""
        self._run("select pg_advisory_lock(:number)", {"number": number})

    def release(self, number: int) -> None:
        """Let a number go; a lost session has done so by itself."""
        if not self._db.closed:
            self._run("select pg_advisory_unlock(:number)", {"number": number})

    def is_claimed(self, number: int) -> bool:
        """Whether a session that lives holds a number. Who asks takes it only shared: two that ask take nobody for alive."""
        if self._run("select pg_try_advisory_lock_shared(:number)", {"number": number}).fetchone()[0]:
            self._run("select pg_advisory_unlock_shared(:number)", {"number": number})
            return False
        return True

    def _translate(self, error: psycopg.Error, *, lost: bool = False) -> NoReturn:
        if isinstance(error, errors.DeadlockDetected | errors.SerializationFailure):
            raise LedgerConflictError() from error
        if isinstance(error, errors.LockNotAvailable):
            raise LedgerBusyError() from error
        said = str(error).strip().partition("\n")[0]
        if lost or self._db.closed:
            raise LedgerLostError(
                f"the connection to the ledger {self.place} was lost ({said}); what was under way is undone: run the command again"
            ) from error
        raise LedgerError(f"the ledger {self.place} cannot be used: {said}") from error


def _by_name(values: Values) -> Mapping[str, Any]:
    return values if isinstance(values, Mapping) else {str(n): value for n, value in enumerate(values, 1)}


def _parts(url: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error:
        pass  # what the driver says holds the address, and so the password
    raise LedgerError("the address of the ledger cannot be read; write postgresql://user@host:5432/name")


def _shown(url: str) -> str:
    """The address without a password."""
    parts = _parts(url)
    port = f":{parts['port']}" if parts.get("port") else ""
    user = f"{parts['user']}@" if parts.get("user") else ""
    return f"postgresql://{user}{parts.get('host') or ''}{port}/{parts.get('dbname') or ''}"


def _defaults(url: str) -> dict[str, str]:
    """What the address does not say itself."""
    said = _parts(url)
    return {name: value for name, value in CONNECT.items() if name not in said}
