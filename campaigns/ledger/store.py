"""What a ledger's database can do for the rest of Kairos, whichever it is: named statements, and work that is whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, Concatenate, ParamSpec, Protocol, TypeVar, runtime_checkable

from campaigns.errors import LedgerConflictError
from campaigns.ledger.statements import statements

T = TypeVar("T")
P = ParamSpec("P")
Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]
REPEATS = 20
"""How often work that lost against another transaction is begun again; each time somebody else got further."""


class Cursor(Protocol):
    """What the drivers have in common of the result of a statement."""

    @property
    def description(self) -> Any:
        """A sequence a column, its name first."""

    @property
    def rowcount(self) -> int:
        """Rows the statement changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchmany(self, size: int, /) -> list[Any]:
        """The next rows, so many at most."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""


class Store(ABC):
    """Named statements on one connection, for one thread. Writing happens only inside `transaction()` or `repeat()`.

    Every method raises `LedgerError`, whose message says what to do, and nothing of the driver's.
    """

    place: str
    """How the ledger is called in messages; never holds a password."""

    # whole or not at all

    begin: ClassVar[str]
    """How a transaction begins that writes, and how one that reads what belongs together."""
    begin_snapshot: ClassVar[str]

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, durable on return. Within another one it is a part of that one."""
        return nullcontext() if self.within else self._between(self.begin)

    @abstractmethod
    def _between(self, begin: str) -> AbstractContextManager[None]:
        """From this statement to a commit; undone where anything fails."""

    @property
    @abstractmethod
    def within(self) -> bool:
        """Whether a transaction is under way."""

    def repeat(self, work: Callable[[], T]) -> T:
        """Do work in one transaction; where that lost against another one (a deadlock), do all of it again.

        So `work` changes nothing but the ledger, or does so in a way that may happen twice.
        """
        if self.within:
            return work()
        for left in reversed(range(REPEATS)):
            try:
                with self.transaction():
                    return work()
            except LedgerConflictError:
                if not left:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def snapshot(self) -> AbstractContextManager[None]:
        """What is read inside belongs together, whatever others write meanwhile. Nothing is written inside."""
        return nullcontext() if self.within else self._between(self.begin_snapshot)

    @abstractmethod
    def alone(self, customers: Iterable[str], *, budgets: bool = False) -> AbstractContextManager[None]:
        """Nobody else decides about these customers meanwhile, nor about anybody where `budgets` are shared by all.

        Waits for whoever does; a process that dies lets go. Begins outside transactions: what is read inside was
        committed before, or is one's own.
        """

    @abstractmethod
    def in_line(self, name: str) -> None:
        """From here until the transaction ends nobody else passes the same point."""

    # statements

    @abstractmethod
    def execute(self, sql: str, values: Values = ()) -> Cursor:
        """A statement in the common dialect (`?` or `:name` for values), of Kairos' own making."""

    def text(self, name: str) -> str:
        """A named statement as this database reads it, with `:name` for values."""
        return statements()[name]

    def _execute_named(self, name: str, values: Values) -> Cursor:
        return self.execute(statements()[name], values)

    def one(self, name: str, **values: Any) -> Row | None:
        """First row of a named statement, or None."""
        row: Row | None = self._execute_named(name, values).fetchone()
        return row

    def all(self, name: str, **values: Any) -> list[Row]:
        """All rows of a named statement."""
        return self._execute_named(name, values).fetchall()

    def batches(self, name: str, size: int, **values: Any) -> Iterator[list[Row]]:
        """Rows of a named statement, so many at a time: for results that would not fit. Nothing is written meanwhile."""
        cursor = self._execute_named(name, values)
        while rows := cursor.fetchmany(size):
            yield rows

    def rows(self, name: str, **values: Any) -> list[dict[str, Any]]:
        """All rows of a named statement as dictionaries."""
        cursor = self._execute_named(name, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def run(self, name: str, values: Mapping[str, Any] | None = None) -> int:
        """Run a named statement once; the number of rows it changed."""
        return self._execute_named(name, values or {}).rowcount

    @abstractmethod
    def many(self, name: str, rows: Iterable[Values]) -> int:
        """Run a named statement for each row of values; the number of rows changed.

        The rows of one call are about different rows of the table: on PostgreSQL they may take effect all at once.
        """

    def query(self, sql: str) -> list[Row]:
        """A reading query for checks and reports; never built from anybody's input."""
        cursor = self.execute(sql)
        return cursor.fetchall() if cursor.description else []

    # the whole ledger

    @abstractmethod
    def tables(self) -> dict[str, list[str]]:
        """Every table of the ledger, with its columns."""

    @abstractmethod
    def scan(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """All rows of a table, without holding them all in memory; inside `snapshot()`."""

    @abstractmethod
    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Put rows into an empty table as they are; the number of them. Inside a transaction."""

    @abstractmethod
    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole ledger in a new SQLite file, for rehearsals."""

    @abstractmethod
    def integrity(self) -> str:
        """'ok', or what the database itself finds wrong with the ledger."""

    @abstractmethod
    def scour(self) -> bool:
        """Write everything anew without what was deleted or replaced.

        False where somebody is reading or writing, so that old words may still lie in freed pages: call it again.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""


@runtime_checkable
class Sessions(Protocol):
    """A store whose sessions tell who is alive, wherever they are."""

    def claim(self, number: int) -> None:
        """Hold a number for as long as this session lives."""

    def release(self, number: int) -> None:
        """Let a number go; a lost session has done so by itself."""

    def is_claimed(self, number: int) -> bool:
        """Whether a session that lives holds a number."""


class HasStore(Protocol):
    """Whatever works on a store."""

    store: Store


Worker = TypeVar("Worker", bound=HasStore)


def whole(method: Callable[Concatenate[Worker, P], T]) -> Callable[Concatenate[Worker, P], T]:
    """Make a method one transaction, begun again where it lost against another one; so its arguments are no iterators."""

    @wraps(method)
    def repeated(self: Worker, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.store.repeat(lambda: method(self, *args, **kwargs))

    return repeated


def open_store(place: Path | str, *, durable: bool = True) -> Store:
    """The ledger at a path, or at a URL `sqlite:///path` or `postgresql://user@host/name`. Raises LedgerError."""
    if is_postgres(place):
        from campaigns.ledger.postgres import PostgresStore

        return PostgresStore(str(place), durable=durable)
    from campaigns.ledger.sqlite import SqliteStore

    return SqliteStore(str(place).removeprefix("sqlite:///"), durable=durable)


def is_postgres(place: Path | str) -> bool:
    """Whether a place is the URL of a PostgreSQL database."""
    return str(place).startswith(("postgresql://", "postgres://"))
