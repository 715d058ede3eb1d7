"""The folder of an archive: Parquet files by table and month, that are there whole or not at all.

    messages/month=2025-03/20261123T020000-5f0c9a17.parquet

A file is written under a hidden name, on the disk before the ledger commits what was taken out, and gets its own name
after. Whoever comes next finishes or clears away what a killed process left: the ledger says which.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from campaigns.errors import LedgerError

if TYPE_CHECKING:
    import pyarrow as pa

PENDING, REWRITTEN = ".pending", ".rewritten"
KEY = "moment_id"
"""Column every table has: which moment a row is about."""


class ArchiveFolder:
    """One folder. What changes it happens inside `locked()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self, mark: str) -> Iterator[None]:
        """Nobody else changes the folder meanwhile; a process that dies lets go.

        `mark` is the ledger's own: raises LedgerError where the folder has that of another one, whose files nobody here knows.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            found = os.pread(file, len(mark), 0).decode()
            if found not in ("", mark):
                raise LedgerError(f"{self.folder} holds the archive of another ledger; name another folder")
            os.pwrite(file, mark.encode(), 0)
            os.fsync(file)
            yield
        finally:
            os.close(file)

    def write(self, name: str, tables: Mapping[tuple[str, str], pa.Table]) -> None:
        """Put (table, month) -> rows on the disk, still under hidden names."""
        for (table, month), rows in tables.items():
            place = self.folder / table / f"month={month}"
            place.mkdir(parents=True, exist_ok=True)
            _write(rows, place / f".{name}{PENDING}")

    def publish(self, name: str) -> None:
        """The ledger has committed: the files get their names."""
        for file in sorted(self.folder.glob(f"*/month=*/.{name}{PENDING}")):
            _move(file, file.with_name(f"{name}.parquet"))

    def clear(self, name: str) -> None:
        """The ledger has taken nothing out: the files were never there."""
        for file in self.folder.glob(f"*/month=*/.{name}{PENDING}"):
            file.unlink()

    def settle(self, committed: Callable[[Collection[str]], Collection[str]]) -> None:
        """Finish or clear away what killed processes left; `committed` tells which of some names the ledger knows."""
        for file in self.folder.glob(f"*/month=*/.*{REWRITTEN}"):
            file.unlink()
        left = {_name(file) for file in self.folder.glob(f"*/month=*/.*{PENDING}")}
        known = set(committed(sorted(left))) if left else set()
        for name in sorted(left):
            self.publish(name) if name in known else self.clear(name)

    def files(self, name: str) -> list[Path]:
        """What is written under a name, one file a table and month."""
        return sorted(self.folder.glob(f"*/month=*/{name}.parquet"))

    def holds(self, name: str) -> bool:
        """Whether what was written under a name is here, its own name given to it yet or not."""
        return any(self.folder.glob(f"moments/month=*/{name}.parquet")) or any(
            self.folder.glob(f"moments/month=*/.{name}{PENDING}")
        )

    def rows(self, name: str, moments: Collection[int]) -> dict[str, list[dict[str, object]]]:
        """Table -> the rows about some moments."""
        found: dict[str, list[dict[str, object]]] = {}
        for file in [*self.files(name), *sorted(self.folder.glob(f"*/month=*/.{name}{PENDING}"))]:
            rows = _about(_read(file), moments).to_pylist()
            found.setdefault(file.parent.parent.name, []).extend(rows)
        return {table: rows for table, rows in found.items() if rows}

    def drop(self, name: str, moments: Collection[int]) -> int:
        """Write files anew without the rows about some moments; how many rows went."""
        gone = 0
        for file in self.files(name):
            held = _read(file)
            kept = _about(held, moments, others=True)
            if kept.num_rows < held.num_rows:
                written = file.with_name(f".{file.stem}{REWRITTEN}")
                _write(kept, written)
                _move(written, file)
                gone += held.num_rows - kept.num_rows
        return gone


def _name(file: Path) -> str:
    return file.name.removeprefix(".").removesuffix(PENDING)


def _read(file: Path) -> pa.Table:
    import pyarrow.parquet as pq

    with file.open("rb") as opened:
        return pq.read_table(opened)


def _about(rows: pa.Table, moments: Collection[int], *, others: bool = False) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    asked = pc.is_in(rows[KEY], value_set=pa.array(sorted(moments), pa.int64()))
    return rows.filter(pc.invert(asked) if others else asked)


def _write(rows: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        pq.write_table(rows, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _move(file: Path, to: Path) -> None:
    file.replace(to)
    folder = os.open(to.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
