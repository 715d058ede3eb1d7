"""Taking one view in: from its raw table to the checked table, with every fault listed.

The steps are set-based statements over `staging.shaped_<view>`; `staging.aside` collects the rows that stay out.
A row has one reason only, the first found: not known yet, its own faults, its references, its key.
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from triggers.checks import LATER, RECORDED_AT, Check, Shape, shape
from triggers.readers import Staged
from triggers.rejects import ViewReport, tally
from triggers.sqltext import identifier, text
from triggers.views import VIEWS, View
from triggers.visibility import known_values, values_as_said

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DUPLICATE = -1
_ORPHAN = -2  # of the first reference; -3 of the second, and so on
_REFERRED = {target for view in VIEWS.values() for _, target in view.references}


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
    versions: bool = False,
    arrived: bool = False,
) -> ViewReport:
    """Check `staging.raw_<view>` into the table `<view>`; rows and values that fail go to `rejects`.

    With `versions`, earlier records of a key that were recorded at another time stay in `superseded_<view>`. With `arrived`,
    the rows are few and came by themselves: states and dates that lie ahead of `now` stay as said, for a later look to find
    them reached; and what the checks ask of is a table, since to plan it with every check would take longer than they do.
    """
    shaped = shape(view, staged.raw, staged.extras, given, now)
    db.execute(f"CREATE {'TABLE' if arrived else 'VIEW'} staging.shaped_{view.name} AS {shaped.sql}")
    _set_aside_faulty(db, shaped)
    _mark(db, shaped)
    _set_aside_orphans(db, shaped, given)
    _mark(db, shaped)
    _set_aside_duplicates(db, shaped)
    _mark(db, shaped)
    _keep_the_rest(db, shaped, values_as_said(view.name) if arrived else known_values(view.name, now))
    if versions and RECORDED_AT in shaped.sourced and view.key:
        _keep_versions(db, shaped)
    _list_rows(db, shaped)
    _list_values(db, shaped)
    report = _count(db, shaped)
    _clear(db, view, arrived)
    return report


def _set_aside_faulty(db: DuckDBPyConnection, shaped: Shape) -> None:
    name = shaped.view.name
    db.execute(  # materialized, else the filter would have every verdict found twice
        f'CREATE TABLE staging.aside AS WITH judged AS MATERIALIZED (SELECT "row:number" AS number, '
        f'CAST("row:verdict" AS INTEGER) AS verdict FROM staging.shaped_{name}) '
        f"SELECT * FROM judged WHERE verdict IS NOT NULL"
    )
    if name in _REFERRED and shaped.view.key:
        db.execute(
            f"CREATE TABLE staging.later_{name} AS SELECT {shaped.view.key} AS key FROM staging.shaped_{name} "
            f'WHERE "row:verdict" = {LATER} AND {shaped.view.key} IS NOT NULL'
        )


def _good(shaped: Shape) -> str:
    """The shaped rows not set aside so far. Looking at a bit each costs less than a join and keeps their order."""
    bit = "get_bit(getvariable('aside'), CAST(\"row:number\" - 1 AS INTEGER))"
    return f"(SELECT * FROM staging.shaped_{shaped.view.name} WHERE coalesce({bit}, 0) = 0)"


def _mark(db: DuckDBPyConnection, shaped: Shape) -> None:
    """Bring the bits, one for each row of the raw table, up to date with `staging.aside`."""
    rows = f"(SELECT max(rowid) FROM staging.raw_{shaped.view.name})"
    size = db.execute(f"SELECT coalesce({rows}, 0)").fetchall()[0][0]
    db.execute(f"SET VARIABLE aside = (SELECT bitstring_agg(number - 1, 0, {size}) FROM staging.aside)")


def _set_aside_orphans(db: DuckDBPyConnection, shaped: Shape, given: Collection[str]) -> None:
    """Rows whose owner is unknown; where the owner is merely not known yet, the row is not known yet either."""
    required = shaped.view.required
    for place, (column, target) in enumerate(shaped.view.references):
        if target not in given or column not in required or column not in shaped.sourced:
            continue
        later = f"g.{column} IN (SELECT key FROM staging.later_{target})"
        verdict = f"CASE WHEN {later} THEN {LATER} ELSE {_ORPHAN - place} END"
        db.execute(
            f'INSERT INTO staging.aside SELECT g."row:number", {verdict} FROM {_good(shaped)} g '
            f"ANTI JOIN {target} t ON t.{VIEWS[target].key} = g.{column}"
        )


def _set_aside_duplicates(db: DuckDBPyConnection, shaped: Shape) -> None:
    """Of several records of one key the one recorded last stays, else the last in the source.

    Keys are first counted by their hash, which needs eight bytes a row however long the keys are.
    """
    key = shaped.view.key
    if key is None or key not in shaped.sourced:
        return
    good = _good(shaped)
    db.execute(
        f"CREATE TABLE staging.doubled AS SELECT hash({key}) AS hashed FROM {good} GROUP BY 1 HAVING count(*) > 1"
    )
    recorded = f"{RECORDED_AT} DESC NULLS LAST, " if RECORDED_AT in shaped.types else ""
    db.execute(
        f'INSERT INTO staging.aside SELECT number, {_DUPLICATE} FROM (SELECT "row:number" AS number, row_number() OVER '
        f'(PARTITION BY {key} ORDER BY {recorded}"row:number" DESC) AS place FROM {good} '
        f"WHERE hash({key}) IN (SELECT hashed FROM staging.doubled)) WHERE place > 1"
    )
    db.execute("DROP TABLE staging.doubled")


def _keep_the_rest(db: DuckDBPyConnection, shaped: Shape, known: Mapping[str, str]) -> None:
    """Write the table in the order of the source, which the joins of some views would otherwise leave to chance."""
    clean = _clean(shaped)
    final = ", ".join(
        f"CAST({known[name]} AS {kind}) AS {identifier(name)}" if name in known else identifier(name)
        for name, kind in shaped.types.items()
    )
    checked = f'SELECT {clean}, "row:number" FROM {_good(shaped)}'
    order = ' ORDER BY "row:number"' if shaped.joins else ""
    db.execute(f"CREATE TABLE {shaped.view.name} AS SELECT {final} FROM ({checked}){order}")


def _keep_versions(db: DuckDBPyConnection, shaped: Shape) -> None:
    """Sound rows that a later record of their key took the place of; none, no table."""
    aside = f"SELECT number FROM staging.aside WHERE verdict = {_DUPLICATE}"
    if db.execute(f"SELECT count(*) FROM ({aside})").fetchall()[0][0]:
        db.execute(
            f'CREATE TABLE superseded_{shaped.view.name} AS SELECT {_clean(shaped)}, "row:number" AS place '
            f'FROM staging.shaped_{shaped.view.name} WHERE "row:number" IN ({aside})'
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


def _list_rows(db: DuckDBPyConnection, shaped: Shape) -> None:
    for (verdict,) in db.execute("SELECT DISTINCT verdict FROM staging.aside ORDER BY 1").fetchall():
        if verdict == LATER:
            continue
        reason, column = _meaning(shaped, verdict)
        seen = identifier("written:" + column) if column in shaped.sourced else "NULL"
        db.execute(
            f'INSERT INTO rejects SELECT {text(shaped.view.name)}, s."row:number", {text(reason)}, {text(column)}, '
            f'{seen}, s."row:record", {text("row")} FROM staging.shaped_{shaped.view.name} s '
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
    checks = shaped.value_checks
    if not checks:
        return
    counts = ", ".join(f"count(*) FILTER (WHERE {check.fault})" for check in checks)
    found = db.execute(f"SELECT {counts} FROM {_good(shaped)}").fetchall()[0]
    for check, count in zip(checks, found, strict=True):
        if count:
            _list_value(db, shaped, check)


def _list_value(db: DuckDBPyConnection, shaped: Shape, check: Check) -> None:
    db.execute(
        f'INSERT INTO rejects SELECT {text(shaped.view.name)}, "row:number", {text(check.reason)}, '
        f'{text(check.column)}, {identifier("written:" + check.column)}, "row:record", {text("value")} '
        f"FROM {_good(shaped)} WHERE {check.fault} ORDER BY 2"
    )


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


def _clear(db: DuckDBPyConnection, view: View, arrived: bool) -> None:
    db.execute("RESET VARIABLE aside")
    db.execute(f"DROP {'TABLE' if arrived else 'VIEW'} staging.shaped_{view.name}")
    db.execute("DROP TABLE staging.aside")
    db.execute(f"DROP TABLE staging.raw_{view.name}")
