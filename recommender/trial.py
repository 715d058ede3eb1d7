"""A trial of the models on somebody's own files: interactions to learn from, later ones to be foreseen.

Every row of features is as of its interaction: what the same user had taken before, how much and how long ago. Nothing
later can be in it. Training rows hide the item taken; so do test rows, which know the training interactions alone. Files
without times know no before: there a row has whatever else its user took.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.errors import TrialError
from recommender.features import HISTORY, OCCASION, Declared, fit_features
from recommender.topk import Mask

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from scipy.sparse import csr_matrix

QUARTERS = (0.25, 0.5, 0.75)
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
TIMES = ("time", "event_time")
LEAST_SHOWN = 0.05
"""A row shown with less than this chance counts as if shown with it: one row must not outweigh hundreds."""
WINDOW = 0.1
"""Share of the training rows, the last of them, that settings are chosen on where the file marks none (column valid)."""


@dataclass(frozen=True)
class Trial:
    """Rows to learn from (features, item index taken), and events to foresee: features, what was taken, what could be.

    `age`: days from each training row to the last of them (0 without times). `window`: the training rows that settings
    are chosen on. `weight` of each training row, 1 on average: the column weight over the propensity it was shown with.
    `history`: whether the user of a test event took anything in training. `given`: a file said what could be taken, so
    the candidates are eligible and not merely whatever the user has not. `choice`: what each training row could have
    taken, where that is on record. `person`: the user of each test event, numbered.
    """

    items: tuple[str, ...]
    features: csr_matrix
    targets: NDArray[np.int64]
    age: NDArray[np.float64]
    window: Mask
    weight: NDArray[np.float32]
    test: csr_matrix
    relevant: Mask
    candidates: Mask
    history: Mask
    person: NDArray[np.int64]
    given: bool = False
    choice: Mask | None = None


def read_trial(
    train: Path, test: Path, *, eligible: Path | None = None, users: Path | None = None, items: Path | None = None
) -> Trial:
    """Read CSV or Parquet files with user_id and item_id, if wanted event_id and time; `eligible`: event_id, item_id.

    A row counts by its columns `weight` and `propensity`, if there are any; a weight of 0 or less is left out. A column
    `valid` of the training file marks with 1 the rows that settings are chosen on, else they are its last tenth.

    Without `eligible` a user may take every item but those taken in training. `users`: user_id and columns that become
    features. `items`: item_id of the whole catalogue, where it has more than was ever taken. Raises TrialError for a
    file that cannot be read or lacks a column.
    """
    import duckdb

    with duckdb.connect(":memory:") as db:
        timed = {path: _interactions(db, name, path) for name, path in (("train", train), ("test", test))}
        if timed[train] != timed[test]:
            has, lacks = (train, test) if timed[train] else (test, train)
            raise TrialError(f"{has} has times and {lacks} has none; give both the column time, or neither")
        if eligible is not None:
            _read(db, "eligible", eligible, ("event_id", "item_id"))
        if users is not None:
            _users(db, users)
        if items is not None:
            _read(db, "catalogue", items, ("item_id",))
        _lay_out(db, catalogue=items is not None)
        if eligible is not None:
            _check_eligible(db, eligible)
        return _made(db, timed[train], eligible is not None, users is not None)


def _read(db: duckdb.DuckDBPyConnection, name: str, path: Path, needed: Sequence[str]) -> list[str]:
    """Read a file into `raw_<name>`; its columns."""
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
    return columns


def _interactions(db: duckdb.DuckDBPyConnection, name: str, path: Path) -> bool:
    """Read (event, person, item, taken_at); whether they have times. An event is a row of its own where the file names none."""
    import duckdb

    columns = _read(db, name, path, ("user_id", "item_id"))
    event = "CAST(event_id AS VARCHAR)" if "event_id" in columns else "CAST(rowid AS VARCHAR)"
    timed = next((column for column in TIMES if column in columns), None)
    time = f"CAST({timed} AS TIMESTAMP)" if timed else "TIMESTAMP '1970-01-01'"
    weight = _weight(columns, path)
    marked = "CAST(valid AS INTEGER) = 1" if "valid" in columns else "NULL"
    try:
        db.execute(
            f"CREATE TABLE {name} AS SELECT DISTINCT {event} AS event, CAST(user_id AS VARCHAR) AS person, "  # noqa: S608 - own names
            f"CAST(item_id AS VARCHAR) AS item, {time} AS taken_at, {marked} AS marked, {weight} AS weight FROM raw_{name} "
            f"WHERE user_id IS NOT NULL AND item_id IS NOT NULL AND {weight} > 0"
        )
    except duckdb.Error as error:
        raise TrialError(f"{path}: {timed} is no time: {str(error).splitlines()[0]}") from error
    if not db.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]:  # noqa: S608 - own names
        raise TrialError(f"{path} has no row with both user_id and item_id")
    return timed is not None


def _weight(columns: Sequence[str], path: Path) -> str:
    """What a row counts: its weight (a purchase 1, a click less) over the chance it had to be shown, that at least 0.05.

    Inverse propensity: what was seldom shown stands for what was not shown (Schnabel and others 2016, "Recommendations
    as treatments", section 3; clipped there as here).
    """
    weight = "coalesce(CAST(weight AS DOUBLE), 1)" if "weight" in columns else "1.0"
    if "propensity" not in columns:
        return weight
    return f"{weight} / greatest(least(coalesce(CAST(propensity AS DOUBLE), 1), 1), {LEAST_SHOWN})"


def _users(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Read what is known of users, one row each."""
    columns = _read(db, "users", path, ("user_id",))
    taken = {block.column for block in (*HISTORY, *OCCASION)} | {"row"}
    if clash := taken & set(columns):
        raise TrialError(f"{path} has a column {min(clash)}, a name the trial needs itself; call it otherwise")
    twice = db.execute("SELECT user_id FROM raw_users GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1").fetchall()
    if twice:
        raise TrialError(f"{path} has the user {twice[0][0]} more than once; one row a user says what is known of them")


def _lay_out(db: duckdb.DuckDBPyConnection, *, catalogue: bool) -> None:
    """Items by their place, training rows and test events by theirs."""
    import pyarrow as pa

    more = " UNION SELECT CAST(item_id AS VARCHAR) FROM raw_catalogue WHERE item_id IS NOT NULL" if catalogue else ""
    found = db.execute(f"SELECT item FROM train UNION SELECT item FROM test{more}").fetchall()  # noqa: S608 - own names
    names = sorted((item for (item,) in found), key=_natural)
    db.register(
        "named", pa.table({"item": pa.array(names, pa.string()), "place": pa.array(range(len(names)), pa.int64())})
    )
    db.execute("CREATE TABLE items AS FROM named ORDER BY place")
    db.execute(
        "CREATE TABLE train_rows AS SELECT row_number() OVER (ORDER BY taken_at, event, person, item) - 1 AS row, * FROM train"
    )
    db.execute(
        "CREATE TABLE test_rows AS SELECT row_number() OVER (ORDER BY taken_at, event, person) - 1 AS row, * FROM "
        "(SELECT event, person, min(taken_at) AS taken_at FROM test GROUP BY ALL)"
    )


def _check_eligible(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    known = "SELECT count(*) FROM test_rows SEMI JOIN raw_eligible e ON CAST(e.event_id AS VARCHAR) = event"
    if not db.execute(known).fetchall()[0][0]:
        raise TrialError(f"{path} names no event of the test file; give both the column event_id with the same ids")


def _made(db: duckdb.DuckDBPyConnection, timed: bool, eligible: bool, users: bool) -> Trial:
    before = "o.taken_at < r.taken_at" if timed else "o.event <> r.event"
    learnt = _features(db, "train_rows", before, users)
    known = _features(db, "test_rows", "true", users)
    age, window = _times(db, timed)
    items = tuple(item for (item,) in db.execute("SELECT item FROM items ORDER BY place").fetchall())
    schema = fit_features(learnt[0], items, _declared(db, timed, users))
    targets = db.execute("SELECT place FROM train_rows JOIN items USING (item) ORDER BY row").fetchnumpy()["place"]
    held = _mask(db, "SELECT r.row, o.item FROM test_rows r JOIN train o USING (person)")
    could = (
        "SELECT r.row, CAST(e.item_id AS VARCHAR) AS item FROM raw_eligible e "
        "JOIN test_rows r ON r.event = CAST(e.event_id AS VARCHAR)"
    )
    return Trial(
        items=items,
        features=schema.encode(*learnt),
        targets=np.asarray(targets, dtype=np.int64),
        age=age,
        window=window,
        weight=_weights(db),
        test=schema.encode(*known),
        relevant=_mask(db, "SELECT r.row, x.item FROM test x JOIN test_rows r USING (event, person)"),
        candidates=_mask(db, could) if eligible else ~held,
        history=np.asarray(held.any(axis=1)),
        person=_persons(db),
        given=eligible,
    )


def _weights(db: duckdb.DuckDBPyConnection) -> NDArray[np.float32]:
    found = np.asarray(
        db.execute("SELECT weight FROM train_rows ORDER BY row").fetchnumpy()["weight"], dtype=np.float64
    )
    return np.asarray(found / found.mean(), dtype=np.float32)


def _persons(db: duckdb.DuckDBPyConnection) -> NDArray[np.int64]:
    numbered = "SELECT dense_rank() OVER (ORDER BY person) - 1 AS number FROM test_rows ORDER BY row"
    return np.asarray(db.execute(numbered).fetchnumpy()["number"], dtype=np.int64)


def _times(db: duckdb.DuckDBPyConnection, timed: bool) -> tuple[NDArray[np.float64], Mask]:
    """Days from each training row to the last one, and the rows that settings are chosen on."""
    found = db.execute(
        "SELECT date_diff('second', taken_at, max(taken_at) OVER ()) / 86400.0 AS age, coalesce(marked, FALSE) AS marked "
        "FROM train_rows ORDER BY row"
    ).fetchnumpy()
    age, marked = np.asarray(found["age"], dtype=np.float64), np.asarray(found["marked"], dtype=bool)
    if not marked.any() or marked.all():
        size = len(marked)
        # without times the order of the rows is the file's, which may have a meaning of its own
        order = np.arange(size) if timed else np.random.default_rng(size).permutation(size)
        marked = order >= size - round(WINDOW * size)
    return age, marked


def _features(db: duckdb.DuckDBPyConnection, rows: str, before: str, users: bool) -> tuple[pa.Table, pa.Table]:
    """The profile (one line a row) and the portfolio (row, product_id) as of each row, from training interactions."""
    own = ", any_value(COLUMNS(u.* EXCLUDE (user_id)))" if users else ""
    joined = "LEFT JOIN raw_users u ON CAST(u.user_id AS VARCHAR) = r.person" if users else ""
    profile = db.sql(
        f"""SELECT r.row, count(o.item) AS taken, min(date_diff('day', o.taken_at, r.taken_at)) AS since,
                   max_by(o.item, (o.taken_at, o.item)) AS latest, any_value(hour(r.taken_at)) AS hour,
                   any_value(isodow(r.taken_at) - 1) AS weekday{own}
              FROM {rows} r LEFT JOIN train o ON o.person = r.person AND {before} {joined}
             GROUP BY r.row ORDER BY r.row"""  # noqa: S608 - own names
    ).to_arrow_table()
    portfolio = db.sql(
        f"SELECT DISTINCT r.row, o.item AS product_id FROM {rows} r JOIN train o ON o.person = r.person AND {before}"  # noqa: S608 - own names
    ).to_arrow_table()
    return profile, portfolio


def _declared(db: duckdb.DuckDBPyConnection, timed: bool, users: bool) -> tuple[Declared, ...]:
    """What is always known, and the columns of the users: numbers by their quarters, else the values themselves."""
    known = (*HISTORY, *OCCASION) if timed else HISTORY
    if not users:
        return known
    found = []
    for name, kind, *_ in db.execute("DESCRIBE raw_users").fetchall():
        if name == "user_id":
            continue
        edges: tuple[int, ...] = ()
        if kind.startswith(NUMBERS):
            cuts = db.execute(f'SELECT quantile_cont("{name}", {list(QUARTERS)}) FROM raw_users').fetchall()[0][0]  # noqa: S608 - a column's own name
            edges = tuple(sorted({int(cut) for cut in cuts or ()}))
        found.append(Declared(name, name, edges))
    return (*known, *found)


def _mask(db: duckdb.DuckDBPyConnection, pairs: str) -> Mask:
    """Test events x items, true where the query has a pair (row, item)."""
    rows, items = db.execute("SELECT (SELECT count(*) FROM test_rows), (SELECT count(*) FROM items)").fetchall()[0]
    mask = np.zeros((rows, items), dtype=bool)
    found = db.execute(f"SELECT p.row, i.place FROM ({pairs}) p JOIN items i USING (item)").fetchnumpy()  # noqa: S608 - own text
    mask[found["row"], found["place"]] = True
    return mask


def _natural(item: str) -> tuple[tuple[int, str], ...]:
    """item_2 before item_10."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", item))
