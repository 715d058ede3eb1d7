"""A trial of the models on somebody's own files: interactions to learn from, later ones to be foreseen.

Every row of features is as of its interaction: what the same user had taken before, how much and how long ago. Nothing
later can be in it. Training rows hide the item taken; so do test rows, which know the training interactions alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.errors import TrialError
from recommender.features import Declared, fit_features
from recommender.topk import Mask

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from scipy.sparse import csr_matrix

PROFILE = (
    Declared("taken so far", "taken", (1, 2, 3, 5, 10)),
    Declared("days since the last", "since", (8, 31, 92, 183, 366)),
)
QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Trial:
    """Rows to learn from (features, item index taken), and events to foresee: features, what was taken, what could be.

    `history`: whether the user of a test event took anything in training.
    """

    items: tuple[str, ...]
    features: csr_matrix
    targets: NDArray[np.int64]
    test: csr_matrix
    relevant: Mask
    candidates: Mask
    history: Mask


def read_trial(
    train: Path, test: Path, *, eligible: Path | None = None, users: Path | None = None, items: Path | None = None
) -> Trial:
    """Read CSV or Parquet files with user_id and item_id, if wanted event_id and time; `eligible`: event_id, item_id.

    Without `eligible` a user may take every item but those taken in training. `users`: user_id and columns that become
    features. `items`: item_id of the whole catalogue, where it has more than was ever taken. Raises TrialError for a
    file that cannot be read or lacks a column.
    """
    import duckdb

    with duckdb.connect(":memory:") as db:
        for name, path in (("train", train), ("test", test)):
            _read(db, name, path, ("user_id", "item_id"))
            _complete(db, name)
        if eligible is not None:
            _read(db, "eligible", eligible, ("event_id", "item_id"))
        if users is not None:
            _read(db, "users", users, ("user_id",))
        if items is not None:
            _read(db, "catalogue", items, ("item_id",))
        return _made(db, eligible is not None, users is not None, items is not None)


def _read(db: duckdb.DuckDBPyConnection, name: str, path: Path, needed: Sequence[str]) -> None:
    import duckdb

    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    try:
        db.execute(f"CREATE TABLE raw_{name} AS SELECT * FROM {reader}($path)", {"path": str(path)})  # noqa: S608 - own names
    except duckdb.Error as error:
        raise TrialError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    columns = [row[0] for row in db.execute(f"DESCRIBE raw_{name}").fetchall()]
    missing = [column for column in needed if column not in columns]
    if missing:
        raise TrialError(f"{path} has no column {', '.join(missing)}; it has {', '.join(columns)}")


def _complete(db: duckdb.DuckDBPyConnection, name: str) -> None:
    """The columns of interactions: an event is a row of its own, and time stands still, where a file names neither."""
    columns = [row[0] for row in db.execute(f"DESCRIBE raw_{name}").fetchall()]
    event = "CAST(event_id AS VARCHAR)" if "event_id" in columns else "CAST(rowid AS VARCHAR)"
    timed = next((column for column in ("time", "event_time") if column in columns), None)
    time = f"CAST({timed} AS TIMESTAMP)" if timed else "TIMESTAMP '1970-01-01'"
    db.execute(
        f"CREATE TABLE {name} AS SELECT DISTINCT {event} AS event, CAST(user_id AS VARCHAR) AS person, "  # noqa: S608
        f"CAST(item_id AS VARCHAR) AS item, {time} AS taken_at FROM raw_{name} WHERE user_id IS NOT NULL AND item_id IS NOT NULL"
    )


def _made(db: duckdb.DuckDBPyConnection, eligible: bool, users: bool, catalogue: bool) -> Trial:
    more = " UNION SELECT CAST(item_id AS VARCHAR) FROM raw_catalogue" if catalogue else ""
    found = db.execute(f"SELECT item FROM train UNION SELECT item FROM test{more}").fetchall()  # noqa: S608 - own names
    items = tuple(sorted((item for (item,) in found), key=_natural))
    timed = db.execute("SELECT count(DISTINCT taken_at) > 1 FROM train").fetchall()[0][0]
    before = "o.taken_at < r.taken_at" if timed else "o.event <> r.event"
    db.execute(
        "CREATE TABLE train_rows AS SELECT row_number() OVER (ORDER BY taken_at, event, item) - 1 AS row, * FROM train"
    )
    db.execute(
        "CREATE TABLE test_rows AS SELECT row_number() OVER (ORDER BY taken_at, event) - 1 AS row, * FROM "
        "(SELECT event, any_value(person) AS person, min(taken_at) AS taken_at FROM test GROUP BY 1)"
    )
    learnt, known = (
        _features(db, rows, joined, users) for rows, joined in (("train_rows", before), ("test_rows", "true"))
    )
    schema = fit_features(learnt[0], items, _declared(db, users))
    relevant = _mask(db, "SELECT t.row, x.item FROM test x JOIN test_rows t USING (event)", items, known[0].num_rows)
    held = _mask(db, "SELECT r.row, o.item FROM test_rows r JOIN train o USING (person)", items, known[0].num_rows)
    if eligible:
        sql = (
            "SELECT t.row, CAST(e.item_id AS VARCHAR) AS item FROM raw_eligible e "
            "JOIN test_rows t ON t.event = CAST(e.event_id AS VARCHAR)"
        )
        candidates = _mask(db, sql, items, known[0].num_rows)
    else:
        candidates = ~held
    place = {item: index for index, item in enumerate(items)}
    targets = np.array([place[item] for (item,) in db.execute("SELECT item FROM train_rows ORDER BY row").fetchall()])
    return Trial(
        items,
        schema.encode(*learnt),
        targets,
        schema.encode(*known),
        relevant,
        candidates,
        np.asarray(held.any(axis=1)),
    )


def _features(db: duckdb.DuckDBPyConnection, rows: str, before: str, users: bool) -> tuple[pa.Table, pa.Table]:
    """The profile (one line a row) and the portfolio (row, product_id) as of each row, from training interactions."""
    own = ", any_value(COLUMNS(u.* EXCLUDE (user_id)))" if users else ""
    joined = "LEFT JOIN raw_users u ON CAST(u.user_id AS VARCHAR) = r.person" if users else ""
    profile = db.sql(
        f"""SELECT r.row, count(o.item) AS taken, min(date_diff('day', o.taken_at, r.taken_at)) AS since{own}
              FROM {rows} r LEFT JOIN train o ON o.person = r.person AND {before} {joined}
             GROUP BY r.row ORDER BY r.row"""  # noqa: S608 - own names
    ).to_arrow_table()
    portfolio = db.sql(
        f"SELECT DISTINCT r.row, o.item AS product_id FROM {rows} r JOIN train o ON o.person = r.person AND {before}"  # noqa: S608 - own names
    ).to_arrow_table()
    return profile, portfolio


def _declared(db: duckdb.DuckDBPyConnection, users: bool) -> tuple[Declared, ...]:
    """What is always known, and the columns of the users: numbers by their quarters, else the values themselves."""
    if not users:
        return PROFILE
    found = []
    for name, kind, *_ in db.execute("DESCRIBE raw_users").fetchall():
        if name == "user_id":
            continue
        number = kind in ("BIGINT", "INTEGER", "DOUBLE", "HUGEINT", "SMALLINT", "FLOAT") or kind.startswith("DECIMAL")
        edges: tuple[int, ...] = ()
        if number:
            cuts = db.execute(f'SELECT quantile_cont("{name}", {list(QUARTERS)}) FROM raw_users').fetchall()[0][0]  # noqa: S608 - a column's own name
            edges = tuple(sorted({int(cut) for cut in cuts or ()}))
        found.append(Declared(name, name, edges))
    return (*PROFILE, *found)


def _mask(db: duckdb.DuckDBPyConnection, sql: str, items: tuple[str, ...], rows: int) -> Mask:
    place = {item: index for index, item in enumerate(items)}
    mask = np.zeros((rows, len(items)), dtype=bool)
    pairs = [(row, place[item]) for row, item in db.execute(sql).fetchall() if item in place]
    if pairs:
        mask[tuple(np.array(pairs).T)] = True
    return mask


def _natural(item: str) -> tuple[object, ...]:
    """item_2 before item_10."""
    import re

    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", item))
