"""One consistent, checked copy of the insurer's tables as known at one instant."""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from triggers import memberships, rejects
from triggers.engine import Engine, open_engine
from triggers.errors import FactsError
from triggers.intake import empty, take_in
from triggers.outcomes import derive_events
from triggers.phones import Numbers
from triggers.readers import Staged, described, stage
from triggers.regions import cover_alerts
from triggers.rejects import Report, ViewReport
from triggers.sources import Source, Sources
from triggers.sqltext import text
from triggers.trigger import Columns
from triggers.twins import note_twins
from triggers.views import VIEWS, View
from triggers.workdays import Calendar, calendar_of
from triggers.workingcopy import WorkingCopy, open_copy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "700MB"
"""What the database may hold in memory; beyond it, it writes to the working folder."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Facts:
    """The tables as known at `now`: `db` has one per canonical view, always all, and `rejects`, `alert_cover` and `workdays`.

    `columns` maps view to column to SQL type, extras included; `report` says what became of every row.
    """

    db: DuckDBPyConnection
    now: datetime
    columns: Columns
    report: Report
    copy: WorkingCopy | None = None
    phone_region: str = "CN"
    given: frozenset[str] = frozenset()
    """Views that have a source: only those can tell that a reference leads nowhere."""
    versions: bool = False
    """Whether what later records take the place of is kept, in `superseded_<view>`."""
    schema_name: str = "main"
    """Where in `db` the tables of the canonical views are those of `now`."""
    engine: Engine | None = None
    """Where queries for moments run; None: in `db`."""

    @property
    def schema(self) -> Columns:
        """View name -> column name -> SQL type, extras included: what conditions and templates may name."""
        return self.columns

    def close(self) -> None:
        """Let the connection go and remove the working copy. May be called again."""
        self.db.close()
        if self.engine is not None:
            self.engine.close()
        if self.copy is not None:
            self.copy.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_facts(
    sources: Sources,
    now: datetime,
    *,
    timezone: str,
    default_phone_region: str = "CN",
    folder: Path | None,
    progress: Progress | None = None,
    calendar: Calendar | None = None,
    versions: bool = False,
    engine: str = "duckdb",
) -> Facts:
    """Copy every source into a checked table as known at `now` (an aware datetime).

    `timezone` (IANA) is where naive timestamps of the sources are local, `default_phone_region` (ISO 3166-1) where
    phone numbers without a country code belong. The copy is a database file below `folder`, in memory where that is
    None. `progress` is told stage, done and total. `calendar` says on which days people work, Monday to Friday where
    it is None. `engine` is where queries for moments run (`triggers.engine`). `versions` keeps what later records took
    the place of, for `triggers.history`. Raises FactsError where a source cannot be read.
    """
    if now.tzinfo is None:
        raise ValueError("now has no time zone: nobody can say which instant it is")
    ZoneInfo(timezone)
    with ExitStack() as undone:
        copy = open_copy(folder) if folder is not None else None
        if copy is not None:
            undone.callback(copy.remove)
        db = undone.enter_context(connect(copy, timezone))
        (calendar or calendar_of("")).lay_out(db)
        report = _Copying(db, sources, now, default_phone_region, copy, progress or _silent, versions).run()
        undone.pop_all()
    given = frozenset(sources.views)
    return Facts(
        db, now, _columns(db), report, copy, default_phone_region, given, versions=versions, engine=open_engine(engine)
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Progress nobody asked for."""


def connect(copy: WorkingCopy | None, timezone: str) -> DuckDBPyConnection:
    """A database for facts, still without them: naive timestamps are local in `timezone`; it spills into `copy`'s folder."""
    import duckdb

    # in memory, spilling beyond the limit: a database file is compressed and written twice for a copy nobody reads again
    db = duckdb.connect(":memory:")
    db.execute(f"SET GLOBAL TimeZone = {text(timezone)}")  # global: cursors of this connection are to have it as well
    db.execute(f"SET memory_limit = {text(MEMORY)}")
    if copy is not None:
        db.execute(f"SET temp_directory = {text(str(copy.scratch))}")
    db.execute("SET enable_progress_bar = false")
    db.execute("SET GLOBAL error_on_division_by_zero = false")  # what cannot be reckoned for one row is unknown there
    db.execute("CREATE SCHEMA staging")
    db.execute(rejects.CREATE)
    memberships.create(db)
    return db


@dataclass(frozen=True)
class _Copying:
    """The views copied one after the other, each after those it refers to, then what follows from them."""

    db: DuckDBPyConnection
    sources: Sources
    now: datetime
    phone_region: str
    copy: WorkingCopy | None
    progress: Progress
    versions: bool = False

    def run(self) -> Report:
        reports = {}
        # lists of words are short, but would be made into joins, after which rows come in any order
        self.db.execute("SET disabled_optimizers = 'in_clause'")
        for place, (name, view) in enumerate(VIEWS.items()):
            self.progress(name, place, len(VIEWS))
            reports[name] = self._take(view)
        self.db.execute("RESET disabled_optimizers")
        self.db.execute("DROP SCHEMA staging CASCADE")
        self.progress("derived", len(VIEWS), len(VIEWS))
        _derive(self.db, reports, self.now)
        return Report(reports)

    def _take(self, view: View) -> ViewReport:
        source = self.sources.views.get(view.name)
        if source is None:
            empty(self.db, view)
            return ViewReport()
        staged = self._stage(source)
        numbers = Numbers(self.phone_region, partial(self.progress, "phones"))
        report = take_in(self.db, view, staged, self.sources.views, self.now, numbers=numbers, versions=self.versions)
        if staged.files is not None and staged.files.changed:  # its rows are read twice where some are listed
            raise FactsError(f"{view.name} cannot be read: a file of it changed meanwhile; try again")
        return report

    def _stage(self, source: Source) -> Staged:
        import duckdb

        scratch = _temporary() if self.copy is None else nullcontext(self.copy.scratch)
        with scratch as folder:
            try:
                return stage(self.db, source, folder)
            except duckdb.Error as fault:
                raise FactsError(f"{source.view} cannot be read: {fault}") from fault


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kairos-") as name:
        yield Path(name)


def _derive(db: DuckDBPyConnection, reports: dict[str, ViewReport], now: datetime) -> None:
    """Tables and events that follow from the copied ones."""
    note_twins(db, reports["customers"])
    reports["events"].derived = derive_events(db, _columns(db)["policies"], now)
    cover_alerts(db)


def _columns(db: DuckDBPyConnection) -> dict[str, dict[str, str]]:
    return {name: described(db, f"SELECT * FROM {name}") for name in VIEWS}
