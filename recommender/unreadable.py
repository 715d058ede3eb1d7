"""What a database says of a file it cannot read, in the words of whoever has to mend the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_DELIMITERS = ",;|\t"


def unreadable(path: Path, error: Exception) -> str:
    """Why DuckDB could not read a file, and the way out where there is one."""
    lines = str(error).splitlines()
    if "not utf-8 encoded" in str(error):
        return f"{path} is not in UTF-8: save it as UTF-8 (from GB18030: iconv -f GB18030 -t UTF-8 {path.name})"
    place = lines[0].rpartition("CSV Error on Line: ")
    told = f"line {place[2]}: {lines[1]}" if place[1] and len(lines) > 1 else lines[0]
    return f"{path} cannot be read: {told}"


def no_such_column(wanted: Sequence[str], there: Sequence[str]) -> str:
    """There is none of that name; a file read as one column has rows with more or fewer values than its header."""
    if len(there) == 1 and any(mark in there[0] for mark in _DELIMITERS):
        return (
            f"was read as the one column {there[0]!r}: some rows have more or fewer values than the header, "
            "or quotes that are not closed"
        )
    return f"has no column {', '.join(wanted)}; it has {', '.join(there)}"
