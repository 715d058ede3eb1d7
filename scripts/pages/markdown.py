"""Markdown from plain values: headings, tables, code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def code(text: object) -> str:
    """The text as code; nothing where there is none."""
    return f"`{text}`" if str(text) else ""


def cell(text: object) -> str:
    """The text in one line, its bars escaped."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; empty where there are no rows."""
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *lines]) + "\n"


def page(title: str, *parts: str) -> str:
    """A page of the reference: a title, whose work it is, and parts with one empty line between them."""
    note = "<!-- Written by scripts/reference from the code. Change the code, then run it again. -->\n"
    return "\n".join([f"# {title}\n", note, *(part for part in parts if part)])


def section(title: str, *parts: str, level: int = 2) -> str:
    """A heading and what stands under it."""
    return "\n".join([f"{'#' * level} {title}\n", *(part for part in parts if part)])


def prose(text: str | None) -> str:
    """A docstring as paragraphs."""
    paragraphs = (text or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs) + "\n" if text else ""
