"""A file of somebody's own, CSV or Parquet, checked and added up; what is wrong with it is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recommender.effect.groups import Columns, Groups, add_up, number, quoted
from recommender.errors import EffectError
from recommender.unreadable import no_such_column, unreadable

if TYPE_CHECKING:
    import duckdb

MOST_GROUPS = 20
"""More groups than this are no arms of a trial but, say, a column of ids."""
CONTROLS = ("0", "0.0", "false")


def read_groups(path: Path, columns: Columns) -> Groups:
    """Add up a CSV (also .gz) or Parquet file. Raises EffectError for a file, a column or a value that cannot be used."""
    import duckdb

    with duckdb.connect(":memory:") as db:
        try:
            _open(db, path, columns)
            groups = add_up(db, "data", columns)
            _complete(db, path, columns, groups)
        except duckdb.Error as error:
            raise EffectError(unreadable(path, error)) from error
    _comparable(path, columns, groups)
    return groups


def control_of(groups: Groups, columns: Columns, named: str | None) -> str:
    """The group the others are compared with: the one named, else 0. Raises EffectError where that is nobody."""
    known = list(groups.by_group())
    if named is not None:
        if named not in known:
            raise EffectError(f"no row has {columns.treatment} = {named!r}; its values are {', '.join(known)}")
        return named
    found = next((name for name in known if name.lower() in CONTROLS), None)
    if found is None:
        raise EffectError(f"which of {', '.join(known)} is the control group? Name it: --control {known[-1]!r}")
    return found


def _open(db: duckdb.DuckDBPyConnection, path: Path, columns: Columns) -> None:
    """The file as the view `data`, with the columns named."""
    if not path.is_file():
        raise EffectError(f"there is no file {path}")
    file = str(path).replace("'", "''")
    parquet = path.suffix == ".parquet"
    reader = f"read_parquet('{file}')" if parquet else f"read_csv('{file}', header = true, all_varchar = true)"
    there = [row[0] for row in db.execute(f"describe select * from {reader}").fetchall()]  # noqa: S608 - a quoted path
    for name in columns.all:
        if name not in there:
            raise EffectError(f"{path} {no_such_column([name], there)}")
    chosen = ", ".join(quoted(name) for name in columns.all)
    kind = "view" if parquet else "table"  # text is read once
    db.execute(f"create {kind} data as select {chosen} from {reader}")  # noqa: S608 - quoted names


def _complete(db: duckdb.DuckDBPyConnection, path: Path, columns: Columns, groups: Groups) -> None:
    """Every row has its group and its numbers, or it is said which has not."""
    if not groups.rows:
        raise EffectError(f"{path} has no rows below its header")
    if any(group == "(empty)" for group, _ in groups.sums):
        fault = f"{quoted(columns.treatment)} is null"
        raise EffectError(_told(db, path, columns.treatment, fault, "say for every row which group it was in"))
    for name in columns.numbers:
        if groups.numbers[name] < groups.rows:
            fault = f"{number(name)} is null or not isfinite({number(name)})"
            raise EffectError(
                _told(
                    db, path, name, fault, "write a number (0 and 1 for no and yes), or leave such rows out of the file"
                )
            )
    if columns.per is not None:
        fault = f"{number(columns.per)} < 0"
        if db.execute(f"select count(*) from data where {fault}").fetchall() != [(0,)]:  # noqa: S608 - quoted names
            way_out = "what an outcome is divided by is counted from 0 up"
            raise EffectError(_told(db, path, columns.per, fault, way_out, "below 0"))


def _told(
    db: duckdb.DuckDBPyConnection, path: Path, name: str, fault: str, way_out: str, wrong: str = "no number"
) -> str:
    """Place and value of the first faulty row and how many there are."""
    rows = db.execute(
        f"select place, value, count(*) over () from (select row_number() over () as place, {quoted(name)}, "  # noqa: S608 - quoted names
        f"cast({quoted(name)} as varchar) as value from data) where {fault} order by place limit 1"
    ).fetchall()
    place, value, count = rows[0]
    where = f"{path}: row {place}" if path.suffix == ".parquet" else f"{path}:{place + 1}"
    said = "is empty" if value is None else f"is {value!r}, {wrong}"
    more = f" (rows like it: {count:,})" if count > 1 else ""
    return f"{where}: {name} {said}{more}; {way_out}"


def _comparable(path: Path, columns: Columns, groups: Groups) -> None:
    known = groups.by_group()
    if len(known) < 2:
        raise EffectError(
            f"every row of {path} has {columns.treatment} = {next(iter(known))!r}: nothing to compare with"
        )
    if len(known) > MOST_GROUPS:
        raise EffectError(
            f"{columns.treatment} has {len(known):,} values; a treatment has at most {MOST_GROUPS}: name the column of the group"
        )
