"""The scores of every row, written for whoever wants to work on with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from recommender.errors import UpliftError
from recommender.uplift.frame import Frame
from recommender.uplift.learner import Floats

if TYPE_CHECKING:
    import pyarrow as pa


def score_table(frame: Frame, scores: Mapping[str, Floats]) -> pa.Table:
    """`row` of the file, the columns that are no features (ids, arm, outcome), and a score by each learner."""
    import pyarrow as pa

    own = {name: frame.table[name] for name in frame.table.column_names if name not in frame.names}
    for name in scores:
        if name in own:
            raise UpliftError(f"the file has a column {name!r}, as the learner is called: rename it")
    return pa.table({"row": pa.array(frame.places), **own, **{name: pa.array(each) for name, each in scores.items()}})


def write_table(table: pa.Table, path: Path) -> None:
    """Write CSV or Parquet, by the name's ending, in one step: whoever reads sees the old file or the new one."""
    from pyarrow import csv, parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    if path.suffix == ".parquet":
        parquet.write_table(table, beside)
    else:
        csv.write_csv(table, beside)
    beside.replace(path)
