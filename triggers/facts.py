"""One consistent, checked copy of the insurer's tables as known at one instant."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from triggers import rejects
from triggers.checks import phone_written
from triggers.errors import FactsError
from triggers.intake import empty, take_in
from triggers.outcomes import derive_events
from triggers.phones import read_phones
from triggers.readers import Staged, described, stage
from triggers.rejects import Report, ViewReport
from triggers.sources import Source, Sources
from triggers.sqltext import text
from triggers.trigger import Columns
from triggers.twins import note_twins
from triggers.views import VIEWS, View
from triggers.workingcopy import WorkingCopy, open_copy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "1GB"
"""What the database may hold in memory; beyond it, it writes to the working folder."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Facts:
    """The tables (`db`: one per canonical view, always all), the instant they are as of, their columns, what became of the rows."""

    db: DuckDBPyConnection
    now: datetime
    columns: Columns
    report: Report
    copy: WorkingCopy | None = None

    @property
    def schema(self) -> Columns:
        """View name -> column name -> SQL type, extras included: what conditions and templates may name."""
        return self.columns

    def close(self) -> None:
        """Let the connection go and remove the working copy. May be called again."""
        self.db.close()
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
) -> Facts:
    """Copy every source into a checked table as known at `now` (an aware datetime).

    `timezone` (IANA) is where naive timestamps of the sources are local, `default_phone_region` (ISO 3166-1) where phone
    numbers without a country code belong. The copy is a database file below `folder`, in memory where that is None.
    `progress` is told stage, done and total. Raises FactsError where a source cannot be read.
    """
    if now.tzinfo is None:
        raise ValueError("now has no time zone: nobody can say which instant it is")
    ZoneInfo(timezone)
    copy = open_copy(folder) if folder is not None else None
    try:
        db = _connect(copy, timezone)
        columns, report = _copy(db, sources, now, default_phone_region, copy, progress or _silent)
    except BaseException:
        if copy is not None:
            copy.remove()
        raise
    return Facts(db, now, columns, report, copy)


def _silent(stage: str, done: int, total: int) -> None:
    """Progress nobody asked for."""


def _connect(copy: WorkingCopy | None, timezone: str) -> DuckDBPyConnection:
    import duckdb

    db = duckdb.connect(":memory:" if copy is None else str(copy.database))
    db.execute(f"SET GLOBAL TimeZone = {text(timezone)}")  # global: cursors of this connection are to have it as well
    db.execute(f"SET memory_limit = {text(MEMORY)}")
    if copy is not None:
        db.execute(f"SET temp_directory = {text(str(copy.scratch))}")
    db.execute("SET enable_progress_bar = false")
    db.execute("CREATE SCHEMA staging")
    db.execute(rejects.CREATE)
    return db


def _copy(
    db: DuckDBPyConnection,
    sources: Sources,
    now: datetime,
    region: str,
    copy: WorkingCopy | None,
    progress: Progress,
) -> tuple[Columns, Report]:
    reports = {}
    # the table on the right of a join is the one held in memory, and rows stay in the order of the one on the left
    db.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    for place, (name, view) in enumerate(VIEWS.items()):
        progress(name, place, len(VIEWS))
        reports[name] = _take(db, view, sources, now, region, copy, progress)
    db.execute("RESET disabled_optimizers")
    db.execute("DROP SCHEMA staging CASCADE")
    progress("derived", len(VIEWS), len(VIEWS))
    _derive(db, reports, now)
    return _columns(db), Report(reports)


def _take(
    db: DuckDBPyConnection,
    view: View,
    sources: Sources,
    now: datetime,
    region: str,
    copy: WorkingCopy | None,
    progress: Progress,
) -> ViewReport:
    source = sources.views.get(view.name)
    if source is None:
        empty(db, view)
        return ViewReport()
    staged = _stage(db, source, copy)
    phone = phone_written(view, staged.raw)
    if phone is not None:
        read_phones(db, phone, "staging.raw_customers", region, lambda done, total: progress("phones", done, total))
    return take_in(db, view, staged.raw, staged.extras, sources.views, now)


def _stage(db: DuckDBPyConnection, source: Source, copy: WorkingCopy | None) -> Staged:
    import duckdb

    with _scratch(copy) as scratch:
        try:
            return stage(db, source, scratch)
        except duckdb.Error as fault:
            raise FactsError(f"{source.view} cannot be read: {fault}") from fault


def _scratch(copy: WorkingCopy | None) -> AbstractContextManager[Path]:
    if copy is not None:
        return nullcontext(copy.scratch)
    return _temporary()


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kairos-") as name:
        yield Path(name)


def _derive(db: DuckDBPyConnection, reports: dict[str, ViewReport], now: datetime) -> None:
    """Tables and events that follow from the copied ones."""
    note_twins(db, reports["customers"])
    reports["events"].derived = derive_events(db, _columns(db)["policies"], now)
    if reports["alerts"].kept:
        from triggers.regions import cover_alerts  # needs shapely; most days have no alert

        cover_alerts(db)
    else:
        db.execute("CREATE TABLE alert_cover (alert_id VARCHAR, region_code VARCHAR)")


def _columns(db: DuckDBPyConnection) -> dict[str, dict[str, str]]:
    return {name: described(db, f"SELECT * FROM {name}") for name in VIEWS}
