"""Parquet files of a view, several blocks to a file, so that memory does not grow with the insurer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from kairos.demo.schemas import SCHEMAS


class Parts:
    """Writes `<folder>/<view>/part-0001.parquet` and so on; `rows` counts what each view got."""

    def __init__(self, folder: Path) -> None:
        self.rows: Counter[str] = Counter()
        self._folder = folder
        self._number = 0
        self._open: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.next()

    def write(self, view: str, table: pa.Table) -> None:
        """Append rows to the view's present file."""
        if view not in self._open:
            path = self._folder / view / f"part-{self._number + 1:04d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[view] = pq.ParquetWriter(path, SCHEMAS[view], compression="zstd")
        self._open[view].write_table(table)
        self.rows[view] += table.num_rows

    def next(self) -> None:
        """Close the present files; the next rows go into new ones."""
        while self._open:
            self._open.popitem()[1].close()
        self._number += 1
