"""Phone numbers, tokens and addresses do not belong into logs and errors."""

from __future__ import annotations

import re

_PHONE = re.compile(r"(?<![\w])(\+?|%2B)(\d[\d\- ]{5,18}\d)(?![\w])", re.IGNORECASE)
_EMAIL = re.compile(r"([\w.+-])[\w.+-]*@([\w-]+\.[\w.-]+)")
_TOKEN = re.compile(r"[\w:-]{60,}")


def mask(text: str) -> str:
    """Hide all but the last two digits of phone numbers, e-mail names but for the first letter, and long tokens."""
    text = _TOKEN.sub(lambda found: found.group()[:4] + "…", text)
    text = _EMAIL.sub(r"\1***@\2", text)
    return _PHONE.sub(lambda found: found.group(1) + "*" * (len(found.group(2)) - 2) + found.group(2)[-2:], text)
