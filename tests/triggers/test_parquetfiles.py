"""Parquet files are read in place of being copied first: their rows keep their numbers, and the checks stay the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from triggers import Facts, FactsError, open_facts
from triggers.readers import stage
from triggers.sources import FileSource, RowSource, Sources
from triggers.views import VIEWS

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
REGIONS = [{"region_code": "310104", "name": "徐汇"}, {"region_code": "310000", "name": "上海"}]
VALUES: Mapping[str, Sequence[str | None]] = {
    "customer_id": ("C1", "C2", " C3", "C4", "C5\t", "C6", "C7", "", None, "C\ufffd8"),
    "name": ("Ann", "张三", "\u3000李四", "王\u00a0", "  ", None),
    "gender": ("F", "男", "robot", "n/a"),
    "birth_date": ("1980-02-03", "1880-01-01", "19991231", "31/12/1999", "null", None),
    "phone": (
        "13812345678",
        "138-1234-5678",
        "+44 7400 123456",
        "0086 13812345678",
        "１３８１２３４５６７８",
        "12",
        None,
    ),
    "email": ("a@example.com", "a@", None),
    "region_code": ("310104", "310104001002", "999999", "310104 ", None),
    "personalisation": ("true", "否", "perhaps", None),
    "loyalty": ("1", " 22", "007", None),
}


def drawn(count: int) -> list[dict[str, str | None]]:
    """Rows with every fault a customer can have, some keys twice."""
    draw = random.Random(count)
    return [{name: draw.choice(values) for name, values in VALUES.items()} for _ in range(count)]


def opened(customers: Any, **settings: Any) -> Facts:
    sources = Sources({"regions": RowSource("regions", REGIONS), "customers": customers})
    return open_facts(sources, NOW, timezone="Asia/Shanghai", folder=None, **settings)


def parquet(folder: Path, rows: Sequence[Mapping[str, Any]], *cuts: int) -> FileSource:
    """The rows in several files, cut at these places."""
    paths = []
    for number, (start, end) in enumerate(zip((0, *cuts), (*cuts, len(rows)), strict=True)):
        path = folder / f"part-{number}.parquet"
        pq.write_table(
            pa.Table.from_pylist(list(rows[start:end]), pa.schema([(n, pa.string()) for n in rows[0]])), path
        )
        paths.append(path)
    return FileSource("customers", tuple(paths), "parquet")


def told(known: Facts) -> Iterator[Any]:
    for table in ("customers", "rejects"):
        yield known.db.execute(f"SELECT * FROM {table}").fetchall()
    yield known.report.as_dict()
    yield known.columns


def test_files_and_a_copied_table_of_the_same_rows_give_the_same_facts_and_faults(tmp_path: Path) -> None:
    rows = drawn(400)
    with opened(RowSource("customers", rows)) as copied, opened(parquet(tmp_path, rows, 1, 150, 399)) as read:
        assert list(told(read)) == list(told(copied))
        assert {"duplicate_key", "encoding", "missing", "unknown_value", "phone_invalid", "region_unknown"} < set(
            read.report["customers"].reasons
        )


def test_the_row_that_is_named_is_counted_through_all_files(tmp_path: Path) -> None:
    rows = [{"customer_id": f"C{number}", "gender": "robot" if number == 6 else "female"} for number in range(8)]
    with opened(parquet(tmp_path, rows, 2, 5)) as known:
        assert known.db.execute("SELECT row, reason, value FROM rejects").fetchall() == [(7, "unknown_value", "robot")]
        assert known.db.execute("SELECT customer_id FROM customers").fetchall() == [(f"C{each}",) for each in range(8)]


@pytest.mark.parametrize("name", ["file_row_number", "FILENAME", "file_index"])
def test_a_column_may_have_the_name_of_what_numbers_the_rows(tmp_path: Path, name: str) -> None:
    rows = [{"customer_id": "C1", name: "b"}, {"customer_id": "C2", name: "a"}, {"customer_id": None, name: "c"}]
    with opened(parquet(tmp_path, rows, 2)) as known:
        assert known.db.execute(f"SELECT customer_id, {name} FROM customers").fetchall() == [("C1", "b"), ("C2", "a")]
        assert known.db.execute("SELECT row, reason FROM rejects").fetchall() == [(3, "missing")]


def test_a_file_that_changes_while_it_is_read_is_not_half_believed(tmp_path: Path) -> None:
    source = parquet(tmp_path, [{"customer_id": "C1", "phone": "no number"}])

    def rewrite(stage: str, done: int, total: int) -> None:
        if stage == "phones":
            parquet(tmp_path, [{"customer_id": "C2", "phone": "13812345678"}])

    with pytest.raises(FactsError, match="customers cannot be read: a file of it changed meanwhile"):
        opened(source, progress=rewrite)


def test_nothing_is_copied_of_files_that_are_only_read(tmp_path: Path) -> None:
    with duckdb.connect() as db:
        db.execute("CREATE SCHEMA staging")
        staged = stage(db, parquet(tmp_path, drawn(20), 7), tmp_path)
        assert db.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
        assert staged.raw.keys() == VALUES.keys() & ({*VIEWS["customers"].types, "loyalty"})
        assert staged.extras == {"loyalty": "VARCHAR"}
