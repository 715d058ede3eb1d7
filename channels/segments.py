"""How many SMS a text takes: GSM 03.38 seven-bit alphabet where it fits, UCS-2 where not (3GPP TS 23.038, 23.040)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")
_BASIC, _GSM = (re.compile(f"[{re.escape(''.join(sorted(some)))}]*") for some in (GSM_BASIC, GSM_BASIC | GSM_EXTENSION))
_SINGLE = {"GSM-7": 160, "UCS-2": 70}
_PART = {"GSM-7": 153, "UCS-2": 67}


@dataclass(frozen=True)
class Segments:
    """Size of a text as SMS: alphabet, units (septets or 16-bit units, without concatenation headers), parts billed."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    count: int


def segments(text: str) -> Segments:
    """Count the parts of `text`; an escaped character or a surrogate pair is never split. Empty text takes none."""
    plain = _BASIC.fullmatch(text) is not None
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if plain or _GSM.fullmatch(text) else "UCS-2"
    if encoding == "UCS-2":
        plain = len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text)
    if plain:  # nearly every text: nothing to keep together, the parts follow from the length
        count = -(-len(text) // _PART[encoding]) if len(text) > _SINGLE[encoding] else min(len(text), 1)
        return Segments(encoding, len(text), count)
    double = [char in GSM_EXTENSION if encoding == "GSM-7" else ord(char) > 0xFFFF for char in text]
    units = len(text) + sum(double)
    if units <= _SINGLE[encoding]:
        return Segments(encoding, units, min(units, 1))
    return Segments(encoding, units, _parts(double, _PART[encoding]))


def at_most(text: str) -> int:
    """No fewer parts than `text` takes, at a glance: no character needs more than two units, no part has fewer than 66 for them."""
    return -(-len(text) // 33)


def _parts(double: list[bool], size: int) -> int:
    count, room = 1, size
    for wide in double:
        width = 1 + wide
        if width > room:
            count, room = count + 1, size
        room -= width
    return count
