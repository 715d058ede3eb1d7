"""A small Excel file: sheets of rows, numbers as numbers, written with the standard library alone.

Office Open XML (ECMA-376, part 1, 18): a zip of a workbook, its sheets with inline strings, and who refers to whom. Dates,
formulas and styles, for which one would take a library, a report has none of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from markupsafe import escape

Cell = str | int | float | bool | None
Sheet = Sequence[Sequence[Cell]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
LONGEST_NAME, LONGEST_CELL = 31, 32_767


def write_workbook(path: Path, sheets: Mapping[str, Sheet]) -> None:
    """One sheet a name (cut to 31 characters, made unique), in order; a cell's text is cut to what Excel takes."""
    names = _names(list(sheets))
    numbers = range(1, len(names) + 1)
    overrides = [("/xl/workbook.xml", f"{_TYPES}.sheet.main+xml")]
    overrides += [(f"/xl/worksheets/sheet{number}.xml", f"{_TYPES}.worksheet+xml") for number in numbers]
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", _types(overrides))
        file.writestr("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        file.writestr("xl/workbook.xml", _workbook(names))
        targets = [("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
        file.writestr("xl/_rels/workbook.xml.rels", _relations(targets))
        for number, sheet in zip(numbers, sheets.values(), strict=True):
            file.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(sheet))


def _names(wanted: Sequence[str]) -> list[str]:
    """Names Excel takes: short, without []:*?/\\, none twice whatever its case."""
    names: list[str] = []
    for each in wanted:
        plain = re.sub(r"[\[\]:*?/\\']", " ", each)[:LONGEST_NAME] or "sheet"
        number = 1
        while plain.lower() in {name.lower() for name in names}:
            number += 1
            plain = f"{plain[: LONGEST_NAME - 4]} {number}"
        names.append(plain)
    return names


def _types(overrides: Sequence[tuple[str, str]]) -> str:
    parts = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides)
    xml = '<Default Extension="xml" ContentType="application/xml"/>'
    rels = f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{xml}'
    return f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">{rels}{parts}</Types>'


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    parts = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{parts}</Relationships>'


def _workbook(names: Sequence[str]) -> str:
    parts = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{parts}</sheets></workbook>'


def _sheet(rows: Sheet) -> str:
    parts = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{parts}</sheetData></worksheet>'


def _cell(value: Cell) -> str:
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value!r}</v></c>"
    text = escape(_UNSAFE.sub(" ", value[:LONGEST_CELL]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
