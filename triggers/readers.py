"""From a source to its raw table `staging.raw_<view>`: what is written there, row by row in the order of the source.

Text sources (CSV, JSON, alerts, literal rows) keep every value as text; the types of their extra columns are found by
looking at all values, not at a sample. Parquet files and SQL sources keep their own types. Parquet files are as quick to
read as a table: their raw table is a view of them (`triggers.parquetfiles`).
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triggers import parquetfiles, textfiles
from triggers.literals import as_texts
from triggers.sources import AlertSource, FileSource, RowSource, SelectSource, Source
from triggers.sqltext import identifier, text, texts
from triggers.views import INSTANT, TEXT, TEXTS, VIEWS, View

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BLANK = " \t\r\n\u00a0\u3000"
_BLANK = ("{0} < '!'", "{0}[-1] < '!'")
"""Tests of a text, cheaper than trimming it: whether it is empty, or begins or ends with a blank or a control character."""
_OTHER = ("{0} > '\x7f'", "{0}[-1] > '\x7f'")
"""Whether it begins or ends with what is not ASCII."""
_OTHER_BLANK = (
    "{0} >= '\u00a0' AND {0} < '\u00a1'",
    "{0} >= '\u3000' AND {0} < '\u3001'",
    "ascii({0}[-1]) IN (160, 12288)",
)
"""Whether it begins or ends with a blank that is not ASCII."""
_BROKEN = "contains({0}, '\ufffd')"
_EXTRA_TYPES = (
    ("BIGINT", "TRY_CAST({0} AS BIGINT) IS NOT NULL AND regexp_full_match({0}, '-?(0|[1-9]\\d{{0,17}})')"),
    (
        "DOUBLE",
        "isfinite(TRY_CAST({0} AS DOUBLE)) AND regexp_full_match({0}, '-?(0|[1-9]\\d*)?(\\.\\d+)?([eE][+-]?\\d+)?')",
    ),
    ("DATE", "TRY_CAST({0} AS DATE) IS NOT NULL AND regexp_full_match({0}, '\\d{{4}}[-/]\\d{{1,2}}[-/]\\d{{1,2}}')"),
    (INSTANT, "TRY_CAST({0} AS TIMESTAMPTZ) IS NOT NULL AND regexp_full_match({0}, '\\d{{4}}[-/].*')"),
    (TEXTS, "json_valid({0}) AND starts_with({0}, '[')"),
    ("BOOLEAN", "lower({0}) IN ('true', 'false')"),
)


@dataclass(frozen=True)
class Staged:
    """The columns of a raw table, and the types its extra columns are to have.

    `broken` are the columns that hold U+FFFD. `place` counts the rows from 0. `files` are those the raw table is a view of.
    """

    raw: dict[str, str]
    extras: dict[str, str]
    broken: frozenset[str] = frozenset()
    place: str = "rowid"
    files: parquetfiles.Files | None = None


def stage(db: DuckDBPyConnection, source: Source, scratch: Path, lines: int | None = None) -> Staged:
    """Read a source into its raw table; with `lines`, only about that many, to learn the columns."""
    if lines is None and isinstance(source, FileSource) and source.format == "parquet":
        opened = parquetfiles.opened(db, source.paths)
        if opened is not None:
            return _stage_files(db, source, opened)
    match source:
        case FileSource(format="csv"):
            _stage_csv(db, source, scratch, lines)
        case FileSource(format="json"):
            _stage_json(db, source, scratch, lines)
        case FileSource():
            files = f"read_parquet({texts(map(str, source.paths))}, union_by_name = true)"
            _stage_select(db, source.view, f"SELECT * FROM {files}", source.columns, lines)
        case SelectSource():
            sql = source.query.sql(lambda path: _legible(path, source.encoding, scratch, lines))
            _stage_select(db, source.view, sql, source.columns, lines)
        case AlertSource():
            _stage_alerts(db, source)
        case RowSource():
            _stage_rows(db, source.view, source.rows)
    broken = _tidy(db, source.view)
    raw = described(db, f"SELECT * FROM staging.raw_{source.view}")
    return Staged(raw, _extras(db, VIEWS[source.view], raw), broken)


def _stage_files(db: DuckDBPyConnection, source: FileSource, files: parquetfiles.Files) -> Staged:
    """A view of Parquet files in place of the raw table."""
    name, columns = f"staging.raw_{source.view}", named(source.view, list(files.columns), source.columns)
    raw = {new: files.columns[old] for new, old in columns.items()}
    picked = {new: identifier(old) for new, old in columns.items()}
    db.execute(f"CREATE VIEW {name} AS {files.select(picked)}")
    texts_only = [new for new, kind in raw.items() if kind == TEXT]
    untidy, broken = _look(db, name, texts_only)
    if untidy:
        picked |= {new: _trimmed(picked[new]) for new in untidy}
        db.execute(f"CREATE OR REPLACE VIEW {name} AS {files.select(picked)}")
    return Staged(raw, _extras(db, VIEWS[source.view], raw), broken, parquetfiles.PLACE, files)


def _legible(path: Path, encoding: str, scratch: Path, lines: int | None) -> Path:
    if lines is None:
        return textfiles.readable(path, encoding, scratch)
    return textfiles.sample(path, encoding, scratch, lines)


def _create(db: DuckDBPyConnection, view: str, columns: Iterable[str]) -> None:
    names = list(columns) or list(VIEWS[view].types)
    db.execute(f"CREATE TABLE staging.raw_{view} ({', '.join(f'{identifier(name)} VARCHAR' for name in names)})")


def named(view: str, written: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The source's column for each column of the raw table: mapped ones, canonical ones (case aside), then extras.

    A mapped column the source lacks is left out: one file of several may well be older than a column.
    """
    same = {name.lower(): name for name in (*VIEWS[view].types, "recorded_at")}
    folded = {name.lower(): name for name in written}
    chosen = {name: folded[wanted.lower()] for name, wanted in mapping.items() if wanted.lower() in folded}
    for name in written:
        own = same.get(name.lower(), name)
        if own not in chosen and name not in chosen.values():
            chosen[own] = name
    return chosen


def _stage_csv(db: DuckDBPyConnection, source: FileSource, scratch: Path, lines: int | None) -> None:
    headers = {path: textfiles.header(path, source.encoding, source.delimiter) for path in source.paths}
    columns = {path: named(source.view, head.columns, source.columns) for path, head in headers.items() if head}
    _create(db, source.view, dict.fromkeys(name for names in columns.values() for name in names))
    for path, head in headers.items():
        if head is None:
            continue
        file = _legible(path, source.encoding, scratch, lines)
        _insert(db, source.view, _csv_table(file, head), columns[path])
        _list_malformed(db, source.view, path)


def _csv_table(file: Path, head: textfiles.Header) -> str:
    columns = ", ".join(f"{text(name)}: 'VARCHAR'" for name in head.columns)
    return (
        f"read_csv({text(str(file))}, auto_detect = false, header = true, delim = {text(head.delimiter)}, "
        f"quote = '\"', escape = '\"', columns = {{{columns}}}, ignore_errors = true, store_rejects = true, "
        f"rejects_table = 'malformed', rejects_scan = 'malformed_scans', rejects_limit = 0)"
    )


def _insert(db: DuckDBPyConnection, view: str, table: str, columns: Mapping[str, str]) -> None:
    picked = ", ".join(f"{identifier(old)} AS {identifier(new)}" for new, old in columns.items())
    db.execute(f"INSERT INTO staging.raw_{view} BY NAME SELECT {picked} FROM {table}")


def _tidy(db: DuckDBPyConnection, view: str) -> frozenset[str]:
    """Take blanks off both ends of texts and make empty ones NULL; a table that has none is left as it is.

    The columns that hold U+FFFD.
    """
    table = f"staging.raw_{view}"
    columns = described(db, f"SELECT * FROM {table}")
    untidy, broken = _look(db, table, [name for name, kind in columns.items() if kind == TEXT])
    if untidy:
        better = ", ".join(f"{_trimmed(name)} AS {name}" for name in map(identifier, untidy))
        db.execute(f"CREATE TABLE staging.tidied AS SELECT * REPLACE ({better}) FROM {table}")
        db.execute(f"DROP TABLE {table}")
        db.execute(f"ALTER TABLE staging.tidied RENAME TO raw_{view}")
    return broken


def _look(db: DuckDBPyConnection, table: str, columns: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """Which text columns have blanks to take off, and which hold U+FFFD.

    Values that begin or end with what is not ASCII are looked at a second time: some of the blanks are not ASCII.
    """
    blank, other, broken = _with(db, table, columns, _BLANK, _OTHER, (_BROKEN,))
    (more,) = _with(db, table, [name for name in other if name not in blank], _OTHER_BLANK)
    return [*blank, *more], frozenset(broken)


def _with(db: DuckDBPyConnection, table: str, columns: Sequence[str], *tests: Sequence[str]) -> tuple[list[str], ...]:
    """For each test, the columns of which a value passes one of its parts; each part by itself is quicker than by OR."""
    if not columns:
        return tuple([] for _ in tests)
    parts = [(name, place, part) for name in columns for place, test in enumerate(tests) for part in test]
    asked = ", ".join(f"coalesce(bool_or({part.format(identifier(name))}), false)" for name, _, part in parts)
    answers = db.execute(f"SELECT {asked} FROM {table}").fetchall()[0]
    passed = {(name, place) for (name, place, _), answer in zip(parts, answers, strict=True) if answer}
    return tuple([name for name in columns if (name, place) in passed] for place in range(len(tests)))


def _trimmed(name: str) -> str:
    return f"nullif(trim({name}, {text(BLANK)}), '')"


def _list_malformed(db: DuckDBPyConnection, view: str, path: Path) -> None:
    db.execute(
        f"INSERT INTO rejects SELECT {text(view)}, line, 'malformed_line', first(column_name), first(error_type), "
        f"to_json({{'file': {text(path.name)}, 'line': line, 'text': first(csv_line)}}), 'row' "
        f"FROM malformed GROUP BY line ORDER BY line"
    )
    db.execute("DROP TABLE malformed")
    db.execute("DROP TABLE malformed_scans")


def _stage_json(db: DuckDBPyConnection, source: FileSource, scratch: Path, lines: int | None) -> None:
    """JSON lines. Every value is taken as text, so that one odd line cannot change the type of a column."""
    files = [str(_legible(path, source.encoding, scratch, lines)) for path in source.paths]
    db.execute(
        f"CREATE TABLE staging.objects AS SELECT json FROM read_json_objects({texts(files)}, "
        f"format = 'newline_delimited', ignore_errors = true)"
    )
    db.execute(
        f"INSERT INTO rejects SELECT {text(source.view)}, rowid + 1, 'malformed_line', NULL, NULL, NULL, 'row' "
        f"FROM staging.objects WHERE json IS NULL OR json_type(json) <> 'OBJECT'"
    )
    good = "staging.objects WHERE json_type(json) = 'OBJECT'"
    found = db.execute(f"SELECT DISTINCT unnest(json_keys(json)) AS name FROM {good} ORDER BY name").fetchall()
    columns = named(source.view, [name for (name,) in found], source.columns)
    _create(db, source.view, columns)
    if columns:
        picked = ", ".join(
            f"json_extract_string(json, {_pointer(old)}) AS {identifier(new)}" for new, old in columns.items()
        )
        db.execute(f"INSERT INTO staging.raw_{source.view} BY NAME SELECT {picked} FROM {good}")
    db.execute("DROP TABLE staging.objects")


def _pointer(name: str) -> str:
    return text("/" + name.replace("~", "~0").replace("/", "~1"))


def _stage_select(db: DuckDBPyConnection, view: str, sql: str, mapping: Mapping[str, str], lines: int | None) -> None:
    kinds = described(db, sql)
    columns = named(view, list(kinds), mapping)
    picked = ", ".join(f"{identifier(old)} AS {identifier(new)}" for new, old in columns.items())
    limit = "" if lines is None else f" LIMIT {lines}"
    db.execute(f"CREATE TABLE staging.raw_{view} AS SELECT {picked} FROM (\n{sql}\n){limit}")


def described(db: DuckDBPyConnection, sql: str) -> dict[str, str]:
    """Column name to SQL type of a select, without running it."""
    return {row[0]: row[1] for row in db.execute(f"DESCRIBE\n{sql}").fetchall()}


def _stage_alerts(db: DuckDBPyConnection, source: AlertSource) -> None:
    """Alert files. One without a single alert in it is set aside; what was odd about the others is noted."""
    from triggers.alerts import join_alerts, read_alerts

    rows = []
    for place, path in enumerate(source.paths, start=1):
        try:
            found = read_alerts(path)
            alerts, faults = found.rows, [str(fault) for fault in found.faults]
        except OSError as error:
            alerts, faults = [], [f"{path.name}: {error.strerror}"]
        rows.extend(alerts)
        reason, kind = ("alert_fault", "notice") if alerts else ("unreadable_alert", "row")
        for fault in faults if alerts else faults[:1]:
            record = [source.view, place, reason, None, fault, path.name, kind]
            db.execute("INSERT INTO rejects VALUES (?, ?, ?, ?, ?, ?, ?)", record)
    _stage_rows(db, source.view, join_alerts(rows))


def _stage_rows(db: DuckDBPyConnection, view: str, rows: Sequence[Mapping[str, Any]]) -> None:
    table = as_texts(rows, VIEWS[view].types)
    _create(db, view, named(view, table.column_names, {}))
    if table.num_rows:
        db.register("literal_rows", table)
        _insert(db, view, "literal_rows", named(view, table.column_names, {}))
        db.unregister("literal_rows")


def _extras(db: DuckDBPyConnection, view: View, raw: Mapping[str, str]) -> dict[str, str]:
    """The types the columns beyond the canonical ones are to have."""
    table = f"staging.raw_{view.name}"
    canonical = view.types
    extras = {name: kind for name, kind in raw.items() if name not in canonical}
    texts_only = [name for name, kind in extras.items() if kind == TEXT]
    extras |= _found_types(db, table, texts_only)
    extras = {name: INSTANT if kind.startswith("TIMESTAMP") else kind for name, kind in extras.items()}
    if "recorded_at" in extras:
        extras["recorded_at"] = INSTANT
    return extras


def _found_types(db: DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, str]:
    """The narrowest type that all values of each text column have; codes with leading zeros stay text."""
    if not columns:
        return {}
    tests = ", ".join(
        f"bool_and({fits.format(identifier(name))}) FILTER (WHERE {identifier(name)} IS NOT NULL)"
        for name in columns
        for _, fits in _EXTRA_TYPES
    )
    answers = db.execute(f"SELECT {tests} FROM {table}").fetchall()[0]
    width = len(_EXTRA_TYPES)
    found = {}
    for place, name in enumerate(columns):
        fitting = zip(_EXTRA_TYPES, answers[place * width : (place + 1) * width], strict=True)
        found[name] = next((kind for (kind, _), fits in fitting if fits), TEXT)
    return found
