"""The parts of a message: the blocks a template file may have, and how each is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from templates.faults import TemplateFault

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


@dataclass(frozen=True)
class Sheet:
    """The words of many messages: for each part a list of texts, and by row the fault that left a message without words."""

    texts: dict[str, list[str]]
    faults: dict[int, TemplateFault]


def tidied(part: str, texts: Sequence[str]) -> list[str]:
    """Return the texts of a part without the white space that the layout of the template file put around them."""
    return [" ".join(text.split()) for text in texts] if part in HEADING_PARTS else [text.strip() for text in texts]
