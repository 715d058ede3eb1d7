"""Workbooks hold what was given, also what Excel would choke on."""

from __future__ import annotations

from xml.etree import ElementTree
from zipfile import ZipFile

from kairos.workbook import write_workbook

SPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def test_names_are_made_such_as_excel_takes_and_none_twice(tmp_path):
    write_workbook(tmp_path / "w.xlsx", {"a/b": [], "A b": [], "x" * 40: [], "": []})
    with ZipFile(tmp_path / "w.xlsx") as file:
        book = ElementTree.fromstring(file.read("xl/workbook.xml"))
    assert [sheet.get("name") for sheet in book.iterfind(".//m:sheet", SPACE)] == ["a b", "A b 2", "x" * 31, "sheet"]


def test_numbers_stay_numbers_and_text_stays_text(tmp_path):
    row = [1, 0.1, True, None, float("inf"), "=1+1", "<b> & 'so'\x01", "续保"]
    write_workbook(tmp_path / "w.xlsx", {"rows": [row]})
    with ZipFile(tmp_path / "w.xlsx") as file:
        cells = list(ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml")).iterfind(".//m:c", SPACE))
    assert [(cell.get("t"), "".join(cell.itertext())) for cell in cells] == [
        (None, "1"),
        (None, "0.1"),
        ("b", "1"),
        (None, ""),
        (None, ""),
        ("inlineStr", "=1+1"),
        ("inlineStr", "<b> & 'so' "),
        ("inlineStr", "续保"),
    ]
