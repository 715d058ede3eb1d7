"""The named SQL statements beside this file."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements() -> dict[str, str]:
    """Every statement of statements.sql by name, comments and closing semicolon taken off."""
    text = (Path(__file__).parent / "statements.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)
    return {name: _bare(body) for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def _bare(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip().removesuffix(";")


@cache
def schema() -> str:
    """The statements that create the ledger; harmless where it exists."""
    return (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
