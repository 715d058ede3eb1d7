"""sources.yaml: what it may say, and what it says when it is wrong."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from triggers import Facts, SourceError, columns_of, open_facts, read_sources
from triggers.views import VIEWS

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
CUSTOMERS = "customer_id,name\nC1,Ann\nC2,张三\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write files below the workspace, by name; sources.yaml is one of them."""

    def writer(**files: str | bytes) -> Path:
        for name, content in files.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / "sources.yaml"

    return writer


def opened(path: Path) -> Facts:
    return open_facts(read_sources(path), NOW, timezone="Asia/Shanghai", folder=path.parent / "work")


def names(known: Facts) -> list[Any]:
    return known.db.execute("SELECT customer_id, name FROM customers").fetchall()


def fault(path: Path) -> tuple[int, int, str, str, str]:
    with pytest.raises(SourceError) as caught:
        read_sources(path)
    error = caught.value
    assert error.path == path
    return error.line, error.column, error.where, error.message, error.hint


def test_a_path_is_relative_to_the_folder_of_the_file(write: Any) -> None:
    with opened(write(sources__yaml="customers: c.csv\n", c__csv=CUSTOMERS)) as known:
        assert names(known) == [("C1", "Ann"), ("C2", "张三")]


@pytest.mark.parametrize("listing", ["[b.csv, a.csv]", "\n  - b.csv\n  - a.csv"])
def test_files_of_a_list_are_read_in_its_order(write: Any, listing: str) -> None:
    files = {"a__csv": "customer_id,name\nC1,Ann\n", "b__csv": "name;customer_id;vip\nBob;C2;1\n"}
    with opened(write(sources__yaml=f"customers: {listing}\n", **files)) as known:
        asked = known.db.execute("SELECT customer_id, name, vip FROM customers").fetchall()
        assert asked == [("C2", "Bob", 1), ("C1", "Ann", None)]


def test_a_glob_is_read_in_the_order_of_names(write: Any) -> None:
    files = {"c2__csv": "customer_id\nC2\n", "c1__csv__gz": gzip.compress(b"customer_id\nC1\n"), "d__csv": "x\n"}
    with opened(write(sources__yaml="customers: c*.csv*\n", **files)) as known:
        assert [row[0] for row in names(known)] == ["C1", "C2"]


def test_parquet_keeps_its_types_and_whole_numbers_make_whole_ids(write: Any, tmp_path: Path) -> None:
    select = "SELECT 7.0::DOUBLE AS customer_id, DATE '1980-01-02' AS birth_date, TIMESTAMP '2026-02-01 10:00' AS seen"
    duckdb.connect().execute(f"COPY ({select}) TO '{tmp_path / 'c.parquet'}'")
    with opened(write(sources__yaml="customers: c.parquet\n")) as known:
        asked = "customer_id, CAST(birth_date AS VARCHAR), CAST(seen AS VARCHAR)"
        assert known.db.execute(f"SELECT {asked} FROM customers").fetchall() == [
            ("7", "1980-01-02", "2026-02-01 10:00:00+08")
        ]


def test_json_lines_are_read_and_broken_ones_set_aside(write: Any) -> None:
    lines = [
        json.dumps(
            {"event_id": "E1", "customer_id": "C1", "type": "call", "occurred_at": "2026-02-01", "properties": {"a": 1}}
        ),
        "{not json",
        json.dumps(
            {"event_id": 2, "customer_id": "C1", "type": "call", "occurred_at": "2026-02-02T00:00:00Z", "stars": 5}
        ),
    ]
    with opened(write(sources__yaml="events: e.jsonl\n", e__jsonl="\n".join(lines))) as known:
        rows = known.db.execute("SELECT event_id, properties, stars FROM events").fetchall()
        assert rows == [("E1", '{"a":1}', None), ("2", None, 5)]
        assert known.report["events"].as_dict()["reasons"] == {"malformed_line": 1}
        assert (known.report["events"].read, known.report["events"].kept) == (3, 2)


def test_a_select_reads_files_relative_to_the_folder(write: Any) -> None:
    source = "customers: |\n  select No as customer_id, upper(Who) as name\n  from read_csv('c.csv') -- theirs\n"
    with opened(write(sources__yaml=source, c__csv="No,Who\nC1,Ann\n")) as known:
        assert names(known) == [("C1", "ANN")]


def test_a_select_may_read_a_file_by_its_name_and_several_in_a_list(write: Any) -> None:
    source = (
        "customers: select * from 'c.csv' where customer_id <> 'c.csv'\n"
        "policies: select * from read_csv(['p1.csv', 'p2.csv'])\n"
    )
    files = {"p1__csv": "policy_id,customer_id\nP1,C1\n", "p2__csv": "policy_id,customer_id\nP2,C2\n"}
    with opened(write(sources__yaml=source, c__csv=CUSTOMERS, **files)) as known:
        assert len(names(known)) == 2
        assert known.db.execute("SELECT policy_id FROM policies").fetchall() == [("P1",), ("P2",)]


def test_variables_of_the_environment_are_filled_in(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "it's here").mkdir()
    (tmp_path / "it's here" / "c.csv").write_text(CUSTOMERS, encoding="utf-8")
    monkeypatch.setenv("FACTS_OF_TEST", str(tmp_path / "it's here"))
    source = "customers: select * from read_csv('${FACTS_OF_TEST}/c.csv')\nregions: ${ABSENT_ONE:-r.csv}\n"
    with opened(write(sources__yaml=source, r__csv="region_code,name\n310000,上海\n")) as known:
        assert len(names(known)) == 2
        assert known.report["regions"].kept == 1


def test_columns_may_be_named_otherwise(write: Any) -> None:
    source = "customers:\n  path: c.csv\n  columns: {customer_id: CUST_NO, name: 姓名}\n"
    with opened(write(sources__yaml=source, c__csv="cust_no,姓名,Region_Code\nC1,Ann,310115\n")) as known:
        assert names(known) == [("C1", "Ann")]
        assert known.db.execute("SELECT region_code FROM customers").fetchall() == [("310115",)]
        assert set(known.columns["customers"]) == set(VIEWS["customers"].types)


def test_a_file_in_the_declared_encoding_is_read(write: Any) -> None:
    source = "customers: {path: c.csv, encoding: gb18030}\n"
    with opened(write(sources__yaml=source, c__csv="customer_id,name\nC1,张三\nC2,㐀𠀀\n".encode("gb18030"))) as known:
        assert names(known) == [("C1", "张三"), ("C2", "㐀𠀀")]


@pytest.mark.parametrize("source", ["customers: c.csv\n", "customers: select * from read_csv('c.csv')\n"])
def test_rows_not_in_the_declared_encoding_are_set_aside_and_the_rest_read(write: Any, source: str) -> None:
    content = b"customer_id,name\nC1,Ann\n" + "C2,张三\n".encode("gb18030") + "C3,李四\n".encode()
    with opened(write(sources__yaml=source, c__csv=content)) as known:
        assert names(known) == [("C1", "Ann"), ("C3", "李四")]
        assert known.db.execute("SELECT row, reason FROM rejects").fetchall() == [(2, "encoding")]


def test_lines_that_are_none_of_the_table_are_set_aside(write: Any) -> None:
    content = 'customer_id,name\nC1,Ann\nC2,B,too many\nC3\nC4,"two\nlines"\n'
    with opened(write(sources__yaml="customers: c.csv\n", c__csv=content)) as known:
        assert names(known) == [("C1", "Ann"), ("C4", "two\nlines")]
        listed = known.db.execute("SELECT row, reason, record ->> '$.text' FROM rejects ORDER BY row").fetchall()
        assert listed == [(3, "malformed_line", "C2,B,too many"), (4, "malformed_line", "C3")]
        assert (known.report["customers"].read, known.report["customers"].set_aside) == (4, 2)


def test_an_empty_export_is_an_empty_view(write: Any) -> None:
    with opened(write(sources__yaml="customers: c.csv\n", c__csv="")) as known:
        assert names(known) == []


def test_alert_files_are_read_and_those_without_an_alert_set_aside(write: Any) -> None:
    cap = """<?xml version="1.0"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A1</identifier>
    <sender>met</sender><sent>2026-02-28T20:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType>
    <scope>Public</scope><info><category>Met</category><event>Typhoon</event><urgency>Immediate</urgency>
    <severity>Severe</severity><certainty>Likely</certainty><effective>2026-02-28T20:00:00+08:00</effective>
    <expires>2026-03-03T20:00:00+08:00</expires><area><areaDesc>Shanghai</areaDesc>
    <polygon>30,120 30,123 32,123 32,120 30,120</polygon></area></info></alert>"""
    source = "alerts: a*.cap\ncustomers: c.csv\nregions: r.csv\n"
    files = {"a1__cap": cap, "a2__cap": "this is no alert", "c__csv": "customer_id,region_code\nC1,310000\n"}
    regions = "region_code,name,latitude,longitude\n310000,上海市,31.2,121.5\n"
    with opened(write(sources__yaml=source, r__csv=regions, **files)) as known:
        assert known.db.execute("SELECT severity, status FROM alerts").fetchall() == [("severe", "active")]
        assert [row[1] for row in known.db.execute("SELECT * FROM alert_cover").fetchall()] == ["310000"]
        assert known.report["alerts"].reasons["unreadable_alert"] == 1
        assert (known.report["alerts"].read, known.report["alerts"].kept, known.report["alerts"].set_aside) == (2, 1, 1)


FAULTS = [
    ("customers: c.csv\npolicis: c.csv\n", (2, 1), "policis", "there is no such view", "did you mean policies?"),
    ("customers: c.csv\ncustomers: c.csv\n", (2, 1), "customers", "has a source already", "list of paths"),
    ("customers:\n  - c.csv\n  - [\n", (4, 1), "", "expected the node content", "indentation"),
    ("- customers\n", (1, 1), "", "expected a line for each view", "customers: facts/customers.csv"),
    ("customers:\n  path: none.csv\n", (2, 9), "customers", "there is no file", "relative to the folder"),
    ("customers: none*.csv\n", (1, 12), "customers", "no file matches", "relative"),
    ("customers: {path: c.csv, colums: {}}\n", (1, 26), "customers", "colums is not known", "did you mean columns?"),
    ("customers: {path: c.csv, encoding: klingon}\n", (1, 36), "customers", "klingon is no encoding", "gb18030"),
    ("customers: {columns: {}}\n", (1, 12), "customers", "has neither path nor select", "path:"),
    ("customers: c.docx\n", (1, 12), "customers", "cannot read .docx as one table", ".parquet"),
    ("customers: ${NO_SUCH_VARIABLE}/c.csv\n", (1, 12), "customers", "NO_SUCH_VARIABLE is not set", "export"),
    ("policies: c.csv\n", (1, 11), "policies", "has no column policy_id", "it has customer_id, name"),
    ("customers: {path: c.csv, columns: {tier: RANK}}\n", (1, 19), "customers", "no column RANK to be tier", "it has"),
    ("customers: |\n  select customer_id,\n    nme\n  from 'c.csv'\n", (3, 1), "customers", '"nme" not found', "name"),
    ("customers: |\n  select customer_id\n  frm 'c.csv'\n", (3, 1), "customers", "syntax error", "the select must"),
]


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_says_where_it_is_and_what_helps(write: Any, case: tuple[str, tuple[int, int], str, str, str]) -> None:
    source, place, where, message, hint = case
    line, column, named, said, cure = fault(write(sources__yaml=source, c__csv=CUSTOMERS, c__docx="x"))
    assert ((line, column), named) == (place, where)
    assert message in said
    assert hint in cure


def test_all_faults_of_the_file_are_told_at_once(write: Any) -> None:
    path = write(sources__yaml="customers: none.csv\npolicis: x.csv\nevents: none.csv\n")
    with pytest.raises(SourceError) as caught:
        read_sources(path)
    assert [(one.line, one.where) for one in (caught.value, *caught.value.others)] == [
        (1, "customers"),
        (2, "policis"),
        (3, "events"),
    ]
    assert str(caught.value).startswith(f"{path}:1:12: customers: there is no file")


def test_no_file_of_sources_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_sources(tmp_path / "sources.yaml")


def test_the_columns_are_known_without_reading_the_tables(write: Any) -> None:
    path = write(sources__yaml="customers: c.csv\n", c__csv="customer_id,stars\n" + "C1,5\n" * 5_000 + "C1,many\n")
    columns = columns_of(read_sources(path))
    assert columns["customers"] == VIEWS["customers"].types | {"stars": "BIGINT"}
    assert columns["policies"] == VIEWS["policies"].types
    with opened(path) as known:
        assert known.columns["customers"]["stars"] == "VARCHAR"


def test_the_working_copy_is_gone_after_closing(write: Any) -> None:
    path = write(sources__yaml="customers: c.csv\n", c__csv=CUSTOMERS)
    work = path.parent / "work"
    with opened(path):
        assert len(list(work.glob("facts-*"))) == 1
    assert list(work.glob("facts-*")) == []


def test_leftovers_of_the_dead_are_removed_and_the_livings_copies_kept(write: Any) -> None:
    path = write(sources__yaml="customers: c.csv\n", c__csv=CUSTOMERS)
    work = path.parent / "work"
    with opened(path) as living:
        for left in ("facts-1-abc", "facts-2-def"):
            (work / left).mkdir()
        (work / "facts-2-def" / "lock").touch()
        with opened(path):
            assert len(list(work.glob("facts-*-*"))) == 2
            assert names(living) == [("C1", "Ann"), ("C2", "张三")]


def test_a_copy_that_fails_leaves_nothing_behind(write: Any) -> None:
    path = write(sources__yaml="customers: c.csv\n", c__csv=CUSTOMERS)
    sources = read_sources(path)
    (path.parent / "c.csv").unlink()
    with pytest.raises(OSError, match=r"c\.csv"):
        open_facts(sources, NOW, timezone="UTC", folder=path.parent / "work")
    assert list((path.parent / "work").glob("facts-*-*")) == []


def test_many_rows_stay_in_the_order_of_their_file(write: Any, tmp_path: Path) -> None:
    size = 300_000
    row = "'E' || range AS event_id, 'C' || (range % 3) AS customer_id, 'call' AS type, '2026-02-01' AS occurred_at"
    duckdb.connect().execute(f"COPY (SELECT {row} FROM range({size})) TO '{tmp_path / 'e.csv'}' (HEADER)")
    source = "customers: c.csv\nevents: e.csv\n"
    with opened(write(sources__yaml=source, c__csv="customer_id\nC0\nC1\n")) as known:
        places = "SELECT CAST(substr(event_id, 2) AS BIGINT) AS n, lag(n) OVER () AS before FROM events"
        assert known.db.execute(f"SELECT count(*) FROM ({places}) WHERE before > n").fetchall() == [(0,)]
        assert known.report["events"].kept == size * 2 // 3
        assert known.report["events"].reasons == {"orphan": size // 3}
