"""Taking one view in: from its raw table to the checked table, with every fault listed.

Every value is read and every check made once, on the way into the table itself, which for a while carries the number of
each row and what was found; `staging.aside` collects the rows that stay out. What another table has to tell is asked
afterwards, once a distinct value. Only rows with a fault are read a second time, to be listed. A row has one reason only,
the first found: not known yet, its own faults, its references, its key.
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from triggers.checks import LATER, RECORDED_AT
from triggers.phones import Numbers, read_rest
from triggers.readers import Staged
from triggers.rejects import ViewReport, tally
from triggers.shapes import UNREAD, Shape, phone_written, shape
from triggers.sqltext import identifier, text
from triggers.views import VIEWS, View
from triggers.visibility import known_values, values_as_said

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DUPLICATE = -1
_ORPHAN = -2  # of the first reference; -3 of the second, and so on
_REFERRED = {target for view in VIEWS.values() for _, target in view.references}
_MARKS = ('"row:number"', '"row:verdict"', '"row:doubted"')
"""Carried by a table while it is checked; `row:doubted`: a value check or a cross check failed."""


def empty(db: DuckDBPyConnection, view: View) -> None:
    """Create the table of a view that has no source."""
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in view.types.items())
    db.execute(f"CREATE TABLE {view.name} ({columns})")


def take_in(
    db: DuckDBPyConnection,
    view: View,
    staged: Staged,
    given: Collection[str],
    now: datetime,
    *,
    numbers: Numbers | None = None,
    versions: bool = False,
) -> ViewReport:
    """Check `staging.raw_<view>` into the table `<view>`; rows and values that fail go to `rejects`.

    With `versions`, earlier records of a key that were recorded at another time stay in `superseded_<view>`. `numbers` says
    how phone numbers are read.
    """
    shaped = shape(view, staged, given, now, numbers or Numbers())
    _fill(db, shaped, f"({shaped.plain})", known_values(view.name, now))
    _set_aside_faulty(db, shaped)
    if phone_written(view, staged.raw):
        _read_phones(db, shaped, numbers or Numbers())
    _look_up(db, shaped)
    _set_aside_orphans(db, shaped, given)
    _set_aside_duplicates(db, shaped, versions)
    if _read_again(db, shaped):
        _list_rows(db, shaped)
        _list_values(db, shaped)
    return _finish(db, shaped, staged)


def take_in_arrived(
    db: DuckDBPyConnection, view: View, staged: Staged, given: Collection[str], now: datetime
) -> ViewReport:
    """Check `staging.raw_<view>` into the table `<view>` where the rows are few and came by themselves.

    States and dates that lie ahead of `now` stay as said, for a later look to find them reached. `staging.phones` has all
    their numbers. All rows are kept as they were read, since to plan the checks twice would take longer than they do.
    """
    shaped = shape(view, staged, given, now, None)
    db.execute(f"CREATE TABLE staging.odd AS {shaped.full()}")
    _fill(db, shaped, 'staging.odd ORDER BY "row:number"', values_as_said(view.name))
    _set_aside_faulty(db, shaped)
    _set_aside_orphans(db, shaped, given)
    _set_aside_duplicates(db, shaped, versions=False)
    _list_rows(db, shaped)
    _list_values(db, shaped)
    return _finish(db, shaped, staged)


def _fill(db: DuckDBPyConnection, shaped: Shape, source: str, known: Mapping[str, str]) -> None:
    """Write the table, in the order of the source."""
    final = ", ".join(
        f"CAST({known[name]} AS {kind}) AS {identifier(name)}" if name in known else identifier(name)
        for name, kind in shaped.types.items()
    )
    marks = f'"row:number", CAST("row:verdict" AS INTEGER) AS "row:verdict", ({shaped.doubted}) AS "row:doubted"'
    db.execute(
        f"CREATE TABLE {shaped.view.name} AS SELECT {final}, {', '.join(_MARKS)} "
        f"FROM (SELECT {_clean(shaped)}, {marks} FROM {source})"
    )


def _clean(shaped: Shape) -> str:
    """The columns of a view, what its cross checks refuse made NULL."""
    faults = _faults_by_column(shaped)
    return ", ".join(
        f"CASE WHEN {' OR '.join(faults[name])} THEN NULL ELSE {identifier(name)} END AS {identifier(name)}"
        if name in faults
        else identifier(name)
        for name in shaped.types
    )


def _faults_by_column(shaped: Shape) -> dict[str, list[str]]:
    """The cross checks by the column they null; values of the wrong type are NULL in the shaped view already."""
    faults: dict[str, list[str]] = {}
    for check in shaped.value_checks:
        if check.reason == "impossible_date":
            faults.setdefault(check.column, []).append(f"({check.fault})")
    return faults


def _set_aside_faulty(db: DuckDBPyConnection, shaped: Shape) -> None:
    name, key = shaped.view.name, shaped.view.key
    db.execute(
        f'CREATE TABLE staging.aside AS SELECT "row:number" AS number, "row:verdict" AS verdict FROM {name} '
        f'WHERE "row:verdict" IS NOT NULL'
    )
    if name in _REFERRED and key:
        db.execute(
            f"CREATE TABLE staging.later_{name} AS SELECT {key} AS key FROM {name} "
            f'WHERE "row:verdict" = {LATER} AND {key} IS NOT NULL'
        )
    db.execute(f'DELETE FROM {name} WHERE "row:verdict" IS NOT NULL')


def _read_phones(db: DuckDBPyConnection, shaped: Shape, numbers: Numbers) -> None:
    """Read the numbers that were left to the library."""
    name = shaped.view.name
    read_rest(db, name, UNREAD, numbers)
    db.execute(
        f'UPDATE {name} SET phone = p.e164, "row:doubted" = "row:doubted" OR p.e164 IS NULL '
        f"FROM staging.phones p WHERE phone = {text(UNREAD)} || p.written"
    )


def _look_up(db: DuckDBPyConnection, shaped: Shape) -> None:
    """Make NULL what another table was to know and does not."""
    name = shaped.view.name
    for column, known in shaped.lookups.items():
        values = f"SELECT DISTINCT {column} AS value FROM {name} WHERE {column} IS NOT NULL"
        db.execute(f"CREATE TABLE staging.unknown AS SELECT value FROM ({values}) WHERE ({known}) IS NOT TRUE")
        if _holds(db, "staging.unknown"):
            db.execute(
                f'UPDATE {name} SET {column} = NULL, "row:doubted" = true '
                f"WHERE {column} IN (SELECT value FROM staging.unknown)"
            )
        db.execute("DROP TABLE staging.unknown")


def _holds(db: DuckDBPyConnection, rows: str) -> bool:
    """Whether there are any rows."""
    return bool(db.execute(f"SELECT EXISTS (FROM {rows})").fetchall()[0][0])


def _set_aside_orphans(db: DuckDBPyConnection, shaped: Shape, given: Collection[str]) -> None:
    """Rows whose owner is unknown; where the owner is merely not known yet, the row is not known yet either."""
    required, name = shaped.view.required, shaped.view.name
    for place, (column, target) in enumerate(shaped.view.references):
        if target not in given or column not in required or column not in shaped.sourced:
            continue
        later = f"g.{column} IN (SELECT key FROM staging.later_{target})"
        found = (
            f'SELECT g."row:number", CASE WHEN {later} THEN {LATER} ELSE {_ORPHAN - place} END FROM {name} g '
            f"ANTI JOIN {target} t ON t.{VIEWS[target].key} = g.{column}"
        )
        _set_aside(db, name, found)


def _set_aside_duplicates(db: DuckDBPyConnection, shaped: Shape, versions: bool) -> None:
    """Of several records of one key the one recorded last stays, else the last in the source.

    Keys are first counted by their hash, which needs eight bytes a row however long the keys are.
    """
    key, name = shaped.view.key, shaped.view.name
    if key is None or key not in shaped.sourced:
        return
    doubled = f"SELECT hash({key}) FROM {name} GROUP BY 1 HAVING count(*) > 1"
    recorded = f"{RECORDED_AT} DESC NULLS LAST, " if RECORDED_AT in shaped.types else ""
    found = (
        f'SELECT number, {_DUPLICATE} FROM (SELECT "row:number" AS number, row_number() OVER '
        f'(PARTITION BY {key} ORDER BY {recorded}"row:number" DESC) AS place FROM {name} '
        f"WHERE hash({key}) IN ({doubled})) WHERE place > 1"
    )
    _set_aside(db, name, found, keep=versions and RECORDED_AT in shaped.sourced)


def _set_aside(db: DuckDBPyConnection, name: str, found: str, *, keep: bool = False) -> None:
    """Take rows (number, verdict) out of the table; with `keep`, as earlier versions of what stays in it."""
    db.execute("CREATE TABLE staging.going (number BIGINT, verdict INTEGER)")
    db.execute(f"INSERT INTO staging.going {found}")
    if _holds(db, "staging.going"):
        gone = '"row:number" IN (SELECT number FROM staging.going)'
        if keep:
            exclude = ", ".join(_MARKS)
            db.execute(
                f'CREATE TABLE superseded_{name} AS SELECT * EXCLUDE ({exclude}), "row:number" AS place '
                f"FROM {name} WHERE {gone}"
            )
        db.execute("INSERT INTO staging.aside FROM staging.going")
        db.execute(f"DELETE FROM {name} WHERE {gone}")
    db.execute("DROP TABLE staging.going")


def _read_again(db: DuckDBPyConnection, shaped: Shape) -> bool:
    """`staging.odd`: the rows there is something to say about, as they were written and as they were read. Whether there are any."""
    db.execute(
        f"CREATE TABLE staging.listed AS SELECT number FROM staging.aside WHERE verdict <> {LATER} "
        f'UNION ALL SELECT "row:number" FROM {shaped.view.name} WHERE "row:doubted"'
    )
    if not (found := _holds(db, "staging.listed")):
        return False
    db.execute(f"CREATE TABLE staging.odd AS {shaped.full(f'{shaped.number} IN (SELECT number FROM staging.listed)')}")
    return found


def _list_rows(db: DuckDBPyConnection, shaped: Shape) -> None:
    for (verdict,) in db.execute("SELECT DISTINCT verdict FROM staging.aside ORDER BY 1").fetchall():
        if verdict == LATER:
            continue
        reason, column = _meaning(shaped, verdict)
        seen = identifier("written:" + column) if column in shaped.sourced else "NULL"
        db.execute(
            f'INSERT INTO rejects SELECT {text(shaped.view.name)}, s."row:number", {text(reason)}, {text(column)}, '
            f'{seen}, s."row:record", {text("row")} FROM staging.odd s '
            f'JOIN staging.aside a ON a.number = s."row:number" AND a.verdict = {verdict} ORDER BY 2'
        )


def _meaning(shaped: Shape, verdict: int) -> tuple[str, str]:
    """Reason and column of the rows set aside with this verdict."""
    if verdict == _DUPLICATE:
        return "duplicate_key", str(shaped.view.key)
    if verdict < 0:
        return "orphan", shaped.view.references[_ORPHAN - verdict][0]
    check = shaped.row_checks[verdict - 1]
    return check.reason, check.column


def _list_values(db: DuckDBPyConnection, shaped: Shape) -> None:
    """What was refused of rows that stay."""
    checks = shaped.value_checks
    if not checks:
        return
    kept = 'staging.odd WHERE "row:number" NOT IN (SELECT number FROM staging.aside)'
    counts = ", ".join(f"count(*) FILTER (WHERE {check.fault})" for check in checks)
    found = db.execute(f"SELECT {counts} FROM {kept}").fetchall()[0]
    for check, count in zip(checks, found, strict=True):
        if count:
            db.execute(
                f'INSERT INTO rejects SELECT {text(shaped.view.name)}, "row:number", {text(check.reason)}, '
                f'{text(check.column)}, {identifier("written:" + check.column)}, "row:record", {text("value")} '
                f"FROM {kept} AND ({check.fault}) ORDER BY 2"
            )


def _finish(db: DuckDBPyConnection, shaped: Shape, staged: Staged) -> ViewReport:
    """Count, and clear away what was needed only on the way."""
    report = _count(db, shaped)
    for mark in _MARKS:
        db.execute(f"ALTER TABLE {shaped.view.name} DROP COLUMN {mark}")
    for table in ("odd", "aside", "listed"):
        db.execute(f"DROP TABLE IF EXISTS staging.{table}")
    db.execute(f"DROP {'TABLE' if staged.files is None else 'VIEW'} staging.raw_{shaped.view.name}")
    return report


def _count(db: DuckDBPyConnection, shaped: Shape) -> ViewReport:
    name = shaped.view.name
    read, kept, later = db.execute(
        f"SELECT (SELECT count(*) FROM staging.raw_{name}), (SELECT count(*) FROM {name}), "
        f"(SELECT count(*) FROM staging.aside WHERE verdict = {LATER})"
    ).fetchall()[0]
    report = ViewReport(read=read, kept=kept, later=later)
    tally(db, name, report)
    report.read += db.execute(
        "SELECT count(*) FROM rejects WHERE source = ? AND reason IN ('malformed_line', 'unreadable_alert')", [name]
    ).fetchall()[0][0]
    return report
