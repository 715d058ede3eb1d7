"""Parquet files as a numbered table that is not copied: each time it is asked for, they are read again."""

# ruff: noqa: S608 - names and values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from triggers.sqltext import identifier, texts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PLACE = "row:place"
"""Column of the rows' places in all files together, from 0."""
_VIRTUAL = {"filename", "file_index", "file_row_number"}


@dataclass(frozen=True)
class Files:
    """Files that were looked at: their columns with SQL types, the rows before each, and what told their state."""

    paths: tuple[Path, ...]
    columns: Mapping[str, str]
    before: tuple[int, ...]
    state: tuple[tuple[int, int, int], ...]

    def select(self, picked: Mapping[str, str]) -> str:
        """A select of columns (name -> SQL) and PLACE."""
        before = f"[{', '.join(map(str, self.before))}]"
        place = f"CAST({before}[CAST(file_index AS BIGINT) + 1] + file_row_number AS BIGINT)"
        columns = [f"{sql} AS {identifier(name)}" for name, sql in picked.items()]
        return f"SELECT {', '.join([*columns, f'{place} AS {identifier(PLACE)}'])} FROM {_read(self.paths)}"

    @property
    def changed(self) -> bool:
        """Whether a file is not the one that was looked at any more."""
        return _state(self.paths) != self.state


def opened(db: DuckDBPyConnection, paths: Sequence[Path]) -> Files | None:
    """Look at the files; None where their rows cannot be numbered, for a column of theirs has a name that takes."""
    columns = {name: kind for name, kind, *_ in db.execute(f"DESCRIBE SELECT * FROM {_read(paths)}").fetchall()}
    found = db.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata({texts(map(str, paths))})").fetchall()
    sizes: dict[str, int] = dict(found)
    if (
        len(found) != len(paths)
        or sizes.keys() != set(map(str, paths))
        or _VIRTUAL & {name.lower() for name in columns}
    ):
        return None
    before = tuple(accumulate((sizes[str(path)] for path in paths), initial=0))[:-1]
    return Files(tuple(paths), columns, before, _state(paths))


def _read(paths: Sequence[Path]) -> str:
    return f"read_parquet({texts(map(str, paths))}, union_by_name = true)"


def _state(paths: Sequence[Path]) -> tuple[tuple[int, int, int], ...]:
    stats = [path.stat() for path in paths]
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in stats)
