"""The named SQL statements beside this file, and the migrations that make the tables they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from sqlite3 import complete_statement

NEWER = "{place} has ledger version {found}, this Kairos reads {oldest} to {newest}; use the Kairos that wrote it"
_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements(file: str = "statements.sql") -> dict[str, str]:
    """Every statement of a file beside this one by name, comments and closing semicolon taken off."""
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    pieces = _NAME.split(text)
    return {name: _bare(body) for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def _bare(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip().removesuffix(";")


@cache
def migrations() -> dict[int, tuple[str, ...]]:
    """What makes a ledger of each version out of the one before, by version, in order: `migrations/0003_what_it_adds.sql`.

    The first makes the tables; a version once released is never edited.
    """
    files = sorted((Path(__file__).parent / "migrations").glob("*.sql"))
    return {int(file.name.partition("_")[0]): tuple(_pieces(file.read_text(encoding="utf-8"))) for file in files}


def _pieces(script: str) -> Iterator[str]:
    """The statements of a script one by one: a driver runs a whole script only outside transactions."""
    piece = ""
    for line in script.splitlines(keepends=True):
        piece += line
        if complete_statement(piece):
            yield piece
            piece = ""
