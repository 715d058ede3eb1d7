"""The insurer's own calendar file: the days that are not as the country's calendar says.

CSV with the columns `day` (ISO date), `works` (true or false) and, if there is one, `name`: a free day with a name is
a public holiday. Every fault is found at once and says its line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from triggers.errors import SourceError
from triggers.workdays import FIRST, LAST, OwnDay

COLUMNS = ("day", "works", "name")
_FORM = "write lines such as 2027-02-20,true,Spring Festival make-up day"
_TRUTHS = {"true": True, "false": False}

Row = tuple[int, dict[str, str]]


def read_calendar(path: Path) -> dict[date, OwnDay]:
    """Read the file. Raises SourceError: the first fault, the others in `others`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        hint = "`calendar` in kairos.yaml names a file of the workspace"
        raise _fault(path, 1, f"the calendar cannot be read: {error.strerror}", hint) from error
    except UnicodeDecodeError as error:
        raise _fault(path, 1, f"the calendar is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    return _gather(path, _rows(path, text))


def _rows(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(text.splitlines())
    header = [name.strip() for name in next(reader, [])]
    for name in header:
        if name not in COLUMNS:
            raise _fault(path, 1, f"the calendar has a column {name!r}", "its columns are day, works and name")
    if not {"day", "works"} <= set(header):
        raise _fault(path, 1, "the first line does not name the columns", "write day,works,name")
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=False))


def _gather(path: Path, rows: Iterator[Row]) -> dict[date, OwnDay]:
    found: dict[date, OwnDay] = {}
    faults: list[SourceError] = []
    for line, row in rows:
        try:
            day, own = _read(row)
            if day in found:
                raise ValueError(f"{day} stands here a second time | keep one line a day")
            found[day] = own
        except ValueError as error:
            message, _, hint = str(error).partition(" | ")
            faults.append(_fault(path, line, message, hint or _FORM))
    if faults:
        first, *others = faults
        first.others = tuple(others)
        raise first
    return found


def _read(row: dict[str, str]) -> tuple[date, OwnDay]:
    written, works = row.get("day", ""), row.get("works", "").lower()
    try:
        day = date.fromisoformat(written)
    except ValueError as error:
        raise ValueError(f"{written!r} is no day | write it as 2027-02-20") from error
    if not FIRST <= day <= LAST:
        raise ValueError(f"{day} is on no calendar | days are counted from {FIRST} to {LAST}")
    if works not in _TRUTHS:
        raise ValueError(f"{row.get('works', '')!r} does not say whether people work on {day} | write true or false")
    return day, OwnDay(_TRUTHS[works], row.get("name", ""))


def _fault(path: Path, line: int, message: str, hint: str) -> SourceError:
    return SourceError(message, path=path, line=line, hint=hint)
