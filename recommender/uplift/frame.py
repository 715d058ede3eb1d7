"""A table for uplift models: features, who was treated, with which probability, and who reached the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.errors import UpliftError
from recommender.unreadable import no_such_column, unreadable
from recommender.uplift.learner import Floats

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

YES, NO = ("1", "1.0", "true", "yes", "y", "t"), ("0", "0.0", "false", "no", "n", "f")


@dataclass(frozen=True)
class Columns:
    """Which column is what. `treatment` None: nobody was left out. `treated`, `control`: the two arms compared, where it names more.

    `propensity`: the probability of treatment of each row; where absent it is the share treated. `features`: all other
    columns where empty, but those of `ignore`.
    """

    outcome: str
    treatment: str | None = None
    treated: str | None = None
    control: str | None = None
    propensity: str | None = None
    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """Columns that are no features."""
        return tuple(name for name in (self.treatment, self.outcome, self.propensity) if name)


@dataclass(frozen=True)
class Frame:
    """Rows as arrays; `table` holds all columns, `names` those that may be features, `dropped` rows of other arms.

    `places`: the row of the file each came from, the first is 1.
    """

    table: pa.Table
    names: tuple[str, ...]
    treatment: Floats
    outcome: Floats
    propensity: Floats | None
    places: NDArray[np.int64]
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.outcome)

    def take(self, rows: np.ndarray) -> Frame:
        """Some of the rows."""
        known = None if self.propensity is None else self.propensity[rows]
        treatment, outcome = self.treatment[rows], self.outcome[rows]
        return Frame(self.table.take(rows), self.names, treatment, outcome, known, self.places[rows])


def read_table(path: Path) -> pa.Table:
    """A CSV (also .gz) or Parquet file. Raises UpliftError where it cannot be read."""
    import duckdb

    if not path.is_file():
        raise UpliftError(f"there is no file {path}")
    try:
        with duckdb.connect(":memory:") as db:
            return _opened(db, path).to_arrow_table()
    except duckdb.Error as error:
        raise UpliftError(unreadable(path, error)) from error


def _opened(db: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    if path.suffix == ".parquet":
        return db.read_parquet(str(path))
    return db.read_csv(str(path), header=True, sample_size=-1)


def read_frame(path: Path, columns: Columns) -> Frame:
    """Read a file and say which column is what. Raises UpliftError for columns and values that cannot be used."""
    table = read_table(path)
    try:
        return frame_of(table, columns)
    except UpliftError as error:
        raise UpliftError(f"{path}: {error}") from error


def frame_of(table: pa.Table, columns: Columns) -> Frame:
    """The roles of a table's columns."""
    wanted = (*columns.roles, *columns.features, *columns.ignore)
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise UpliftError(f"the table {no_such_column(missing, table.column_names)}")
    whole = table.num_rows
    places = np.arange(1, whole + 1)
    if columns.treatment and (columns.treated or columns.control):
        mine = _two_arms(table, columns)
        table, places = table.filter(mine), places[mine.to_numpy(zero_copy_only=False)]
    if not table.num_rows:
        raise UpliftError("there are no rows")
    names = columns.features or [n for n in table.column_names if n not in (*columns.roles, *columns.ignore)]
    treatment = _treatment(table, columns)
    known = None if columns.propensity is None else _probability(table, columns.propensity)
    outcome = _flag(table, columns.outcome)
    return Frame(table, tuple(names), treatment, outcome, known, places, whole - table.num_rows)


def same_features(train: Frame, test: Frame, asked: Sequence[str]) -> tuple[str, ...]:
    """Columns both tables have; where columns were asked for, those. Raises UpliftError where nothing is left."""
    shared = tuple(name for name in train.names if name in test.names)
    if asked or shared:
        return tuple(asked) or shared
    raise UpliftError("the two files share no column that could be a feature")


def _two_arms(table: pa.Table, columns: Columns) -> pa.BooleanArray:
    """Which rows are of the arms compared."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arm = table[columns.treatment].cast(pa.string())
    there = sorted(str(value) for value in arm.unique().to_pylist())
    for option, value in (("--treated", columns.treated), ("--control", columns.control)):
        if value is not None and value not in there:
            raise UpliftError(
                f"no row has {columns.treatment} = {value!r} ({option}); its values are {', '.join(there)}"
            )
    if columns.treated is None or columns.control is None:
        raise UpliftError(f"name both arms: --treated and --control, of {', '.join(there)}")
    return pc.fill_null(pc.is_in(arm, value_set=pa.array([columns.treated, columns.control])), False).combine_chunks()


def _treatment(table: pa.Table, columns: Columns) -> Floats:
    import pyarrow as pa
    import pyarrow.compute as pc

    if columns.treatment is None:
        return np.ones(table.num_rows)
    if columns.treated is None:
        return _flag(table, columns.treatment, " Name the arms compared: --treated and --control")
    same = pc.equal(table[columns.treatment].cast(pa.string()), columns.treated)
    found: Floats = same.to_numpy().astype(np.float64)
    return found


def _flag(table: pa.Table, name: str, hint: str = "") -> Floats:
    import pyarrow as pa

    words = table[name].cast(pa.string()).to_pandas().str.strip().str.lower()
    yes, no = words.isin(YES).to_numpy(), words.isin(NO).to_numpy()
    if not (yes | no).all():
        row = int(np.flatnonzero(~(yes | no))[0])
        value = table[name][row].as_py()
        said = "is empty" if value is None else f"is {value!r}"
        raise UpliftError(f"row {row + 1}: {name} {said}; write 0 and 1, or yes and no, in every row.{hint}")
    found: Floats = yes.astype(np.float64)
    return found


def _probability(table: pa.Table, name: str) -> Floats:
    import pyarrow as pa

    try:
        values: Floats = table[name].cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise UpliftError(f"{name} is no number: {error}") from error
    wrong = np.flatnonzero(~((values > 0) & (values < 1)))
    if len(wrong):
        raise UpliftError(f"row {wrong[0] + 1}: {name} is {values[wrong[0]]}; a propensity lies between 0 and 1")
    return values
