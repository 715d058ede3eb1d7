"""CSV and JSON files as the database can read them: UTF-8, with a known header and separator.

A file in another encoding, or with bytes that are not in the encoding it claims, is copied to UTF-8 with U+FFFD where a
character could not be read: the rows that hold one are set aside, the rest of the file is read. Sound UTF-8 files are
read where they are.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

DELIMITERS = (",", ";", "\t", "|")
CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True)
class Header:
    """The columns of a CSV file, as named in its first line, and what separates them."""

    columns: tuple[str, ...]
    delimiter: str


def header(path: Path, encoding: str, delimiter: str | None) -> Header | None:
    """Read the first line of a CSV file; None where the file is empty."""
    with open_text(path, encoding) as file:
        line = file.readline()
    line = line.lstrip("\ufeff").rstrip("\r\n")
    if not line.strip():
        return None
    chosen = delimiter or max(DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark))))
    return Header(_distinct(next(csv.reader([line], delimiter=chosen))), chosen)


def readable(path: Path, encoding: str, scratch: Path) -> Path:
    """The file itself if it is sound UTF-8, else a UTF-8 copy of it below `scratch`."""
    if is_utf8(encoding) and _is_sound(path):
        return path
    copy = _copy_name(path, encoding, scratch)
    if not copy.exists():
        with open_text(path, encoding) as source, copy.open("w", encoding="utf-8", newline="") as target:
            shutil.copyfileobj(source, target, CHUNK)
    return copy


def sample(path: Path, encoding: str, scratch: Path, lines: int) -> Path:
    """A UTF-8 copy of the first lines of a file, enough to learn its columns from."""
    copy = _copy_name(path, encoding, scratch)
    with open_text(path, encoding) as source, copy.open("w", encoding="utf-8", newline="") as target:
        target.writelines(islice(source, lines))
    return copy


def is_utf8(encoding: str) -> bool:
    """Whether this name means UTF-8, with or without a mark at its beginning. LookupError for an unknown name."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def open_text(path: Path, encoding: str) -> TextIO:
    """The file's text, line ends as they are, U+FFFD for what is not in the encoding."""
    return TextIOWrapper(_open_bytes(path), encoding=encoding, errors="replace", newline="")


def _open_bytes(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _copy_name(path: Path, encoding: str, scratch: Path) -> Path:
    """The ending tells the database's reader nothing but the format: copies are not packed."""
    name = hashlib.sha256(f"{path.resolve()}\0{encoding}".encode()).hexdigest()[:16]
    return scratch / f"{name}{path.with_suffix('').suffix if path.suffix == '.gz' else path.suffix}"


def _is_sound(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    with _open_bytes(path) as file:
        try:
            for block in iter(lambda: file.read(CHUNK), b""):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Column names, unnamed and repeated ones made distinct (case aside, as in SQL)."""
    seen: dict[str, int] = {}
    result = []
    for place, written in enumerate(names, start=1):
        name = written.strip() or f"column_{place}"
        seen[name.lower()] = count = seen.get(name.lower(), 0) + 1
        result.append(name if count == 1 else f"{name}_{count}")
    return tuple(result)
