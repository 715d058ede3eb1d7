"""The parts of a message: the blocks a template file may have, and how each is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PARTS = ("sms", "push_title", "push", "email_subject", "email", "call", "task_title", "task")
"""Every block a template may have."""

HTML_PARTS = frozenset({"email"})
"""Parts in which values are escaped for HTML."""

HEADING_PARTS = frozenset({"push_title", "email_subject", "task_title"})
"""Parts of one line: a line break in a value must not become a line break in a mail header."""

MAX_CHARACTERS = 20_000
"""Longest text of a part; longer is a fault."""


@dataclass(frozen=True)
class Draft:
    """The words of one message, part by part, without an address."""

    parts: Mapping[str, str]


def tidy(part: str, text: str) -> str:
    """Return the text without the white space that the layout of the template file put around it."""
    return " ".join(text.split()) if part in HEADING_PARTS else text.strip()
