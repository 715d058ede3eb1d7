"""Moving what is finished and old out of the ledger: words, addresses, traces, attempts and receipts go into Parquet files.

What must not be asked twice stays in the ledger: each moment with its unique key, its verdicts and outcomes, and of each
message how it ended. So nothing is sent again, and every report says what it said before.

One transaction a batch. It marks moments, reads them, puts the files on the disk, and takes the rows out; killed anywhere,
the rows are in the ledger or in a file, and never in both for a reader of either.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaigns.archive_files import KEY, ArchiveFolder
from campaigns.audit import record
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds
from campaigns.trace import explain

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 5_000
"""Moments a transaction moves."""
TABLES = ("moments", "decisions", "messages", "attempts", "receipts")
OUT = (
    "archive_keep_fates",
    "archive_take_attempts",
    "archive_take_receipts",
    "archive_take_messages",
    "archive_take_traces",
)
"""What takes rows out once they are in files, in this order."""
NUMBERS = {"moment_id", "attempt_id", "attempts", "put_off"}
INSTANTS = {"at", "not_before", "not_after"}
"""Columns that hold instants, besides those whose name ends in `_at`."""
Progress = Callable[[int, int], None]
Batch = dict[tuple[str, str], "pa.Table"]


@dataclass
class Archived:
    """What was moved: rows by table, moments by month. `open`: older, but not over yet; `needed`: over, but still asked for."""

    rows: Counter[str] = field(default_factory=Counter)
    months: Counter[str] = field(default_factory=Counter)
    open: int = 0
    needed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The report for `--json`."""
        return {
            "rows": {table: self.rows[table] for table in TABLES},
            "months": dict(sorted(self.months.items())),
            "open": self.open,
            "needed": self.needed,
        }


@dataclass(frozen=True)
class Shelf:
    """Where to: `home` is the workspace; a folder inside it is noted relative to it, so that both may move together."""

    home: Path
    folder: Path

    @property
    def noted(self) -> str:
        """The folder as the ledger has it."""
        inside = self.folder.resolve().is_relative_to(self.home.resolve())
        return str(self.folder.resolve().relative_to(self.home.resolve()) if inside else self.folder.resolve())


def archive(
    ledger: Ledger,
    shelf: Shelf,
    before: datetime,
    now: datetime,
    by: str = "",
    *,
    size: int = BATCH,
    progress: Progress = lambda _done, _total: None,
) -> Archived:
    """Move what was over before an instant; killed at any point and called again, it goes on where it was."""
    files, report, after = ArchiveFolder(shelf.folder), Archived(), 0
    total = _older(ledger, before)
    with settled(ledger, files):
        while (batch := _moved(ledger, files, shelf, (before, now, after, size), by)) is not None:
            after = _last(batch)
            rows, months = _counted(batch)
            report.rows += rows
            report.months += months
            progress(report.rows["moments"], total)
    _left(ledger, before, report)
    return report


def rehearse(ledger: Ledger, before: datetime, now: datetime, *, size: int = BATCH) -> Archived:
    """What `archive` would move; every batch is undone, and the next one begins behind it."""
    report, after = Archived(), 0
    while True:
        found: list[Batch] = []
        try:
            with ledger.store.transaction():
                found.append(_taken(ledger, "rehearsal " + uuid.uuid4().hex, "", (before, now, after, size))[1])
                raise _UndoneError
        except _UndoneError:
            if not found:
                break
        rows, months = _counted(found[0])
        report.rows += rows
        report.months += months
        after = _last(found[0])
    _left(ledger, before, report)
    report.needed -= report.rows["moments"]
    return report


class _UndoneError(Exception):
    """Nothing of a transaction stays: it was a rehearsal, or there was nothing to do."""


@contextmanager
def settled(ledger: Ledger, files: ArchiveFolder) -> Iterator[None]:
    """The folder for oneself, what killed processes left in it finished or cleared away."""
    with ledger.store.transaction():
        ledger.store.run("archive_mark_ledger", {"mark": uuid.uuid4().hex})
    mark = ledger.store.one("archive_mark_of_ledger")
    with files.locked(str((mark or ("",))[0])):
        files.settle(lambda names: committed(ledger, names))
        yield


def committed(ledger: Ledger, names: Collection[str]) -> set[str]:
    """Which batches of these names the ledger has let go of."""
    return {name for (name,) in ledger.store.all("archives_committed", names=json.dumps(list(names)))}


def _older(ledger: Ledger, before: datetime) -> int:
    return sum(count for _, count in ledger.store.all("archive_left", before=seconds(before)))


def _left(ledger: Ledger, before: datetime, report: Archived) -> None:
    left: dict[str, int] = dict(ledger.store.all("archive_left", before=seconds(before)))
    report.open, report.needed = left.get("open", 0), left.get("needed", 0)


Asked = tuple[datetime, datetime, int, int]
"""Over before, now, behind which moment, how many at most."""


def _moved(ledger: Ledger, files: ArchiveFolder, shelf: Shelf, asked: Asked, by: str) -> Batch | None:
    """One batch, out of the ledger and into its files; None where nothing is left to move."""
    name = f"{asked[1]:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}"
    try:
        batch = ledger.store.repeat(lambda: _move(ledger, files, shelf, name, asked, by))
    except _UndoneError:
        return None
    except BaseException:
        if not committed(ledger, [name]):  # where the connection was lost the next call finds out
            files.clear(name)
        raise
    files.publish(name)
    return batch


def _move(ledger: Ledger, files: ArchiveFolder, shelf: Shelf, name: str, asked: Asked, by: str) -> Batch:
    ledger.store.in_line("archive")
    archive_id, batch = _taken(ledger, name, shelf.noted, asked)
    files.clear(name)  # of an attempt that lost against another transaction
    files.write(name, batch)
    for statement in OUT:
        ledger.store.run(statement, {"archive": archive_id})
    rows = dict(_counted(batch)[0])
    counts = {"moments": rows["moments"], "messages": rows.get("messages", 0)}
    ledger.store.run("archive_end", {"archive": archive_id, **counts})
    record(ledger, asked[1], by, "archive", "*", {"name": name, "before": asked[0].isoformat(), "rows": rows})
    return batch


def _taken(ledger: Ledger, name: str, folder: str, asked: Asked) -> tuple[int, Batch]:
    """Mark the next moments and read everything that goes with them. Raises _UndoneError where there are none."""
    before, now, after, size = asked
    times = {"before": seconds(before)}
    begun = ledger.store.one("archive_begin", files=name, folder=folder, at=seconds(now), **times)
    archive_id = int((begun or (0,))[0])
    if not ledger.store.run(
        "archive_mark", {"archive": archive_id, "now": seconds(now), "after": after, "limit": size, **times}
    ):
        raise _UndoneError
    ledger.store.one("archive_hold", archive=archive_id)
    return archive_id, _batch(ledger, archive_id)


def _batch(ledger: Ledger, archive_id: int) -> Batch:
    """(table, month) -> rows of everything marked; the month, in UTC, is the one in which the moment was due."""
    months: dict[int, str] = {}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    cases = {case_id: json.loads(body) for case_id, body in ledger.store.all("cases")}
    for table in TABLES:
        for row in ledger.store.rows(f"archive_{table}", archive=archive_id):
            if table == "moments":
                months[row[KEY]] = f"{instant(row['due_at']):%Y-%m}"
            if table == "decisions":
                row["trace"] = json.dumps(explain(row["trace"], cases), ensure_ascii=False)
            found.setdefault((table, months[row[KEY]]), []).append(row)
    return {place: _table(rows) for place, rows in found.items()}


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name.endswith("_at") or name in INSTANTS:
            columns[name] = pa.array(values, pa.int64()).cast(pa.timestamp("s", "UTC"))
        else:
            columns[name] = pa.array(values, pa.int64() if name in NUMBERS else pa.string())
    return pa.table(columns)


def _counted(batch: Batch) -> tuple[Counter[str], Counter[str]]:
    rows: Counter[str] = Counter()
    months: Counter[str] = Counter()
    for (table, month), held in batch.items():
        rows[table] += held.num_rows
        if table == "moments":
            months[month] += held.num_rows
    return rows, months


def _last(batch: Batch) -> int:
    """The highest number of a moment in it; every batch begins behind the one before."""
    return max(int(rows[KEY][-1].as_py()) for (table, _), rows in batch.items() if table == "moments")
