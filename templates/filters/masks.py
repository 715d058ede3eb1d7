"""Names, plates and phone numbers with enough left to recognise and too little to misuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from templates.faults import UnsayableError
from templates.filters.names import chinese_parts, is_chinese

_MAINLAND_MOBILE = re.compile(r"(?:\+?86)?(1\d{2})\d{4}(\d{4})")
_MOST_STARS = 6


def _required(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise UnsayableError(f"{value!r} cannot be masked")


def masked_name(value: object) -> str:
    """张伟 -> 张*, 欧阳娜娜 -> 欧阳**, John Smith -> J*** Smith; a single word keeps its first letter only."""
    name = _required(value)
    if is_chinese(name):
        surname, given = chinese_parts(name)
        return surname + "*" * len(given) if given else "*"
    first, *rest = name.split()
    return " ".join([f"{first[0]}***", *rest[-1:]])


def masked_plate(value: object) -> str:
    """沪A12345 -> 沪A***45: the first two and the last two characters stay, of short ones the first."""
    plate = re.sub(r"[\s·.-]", "", _required(value))
    if len(plate) < 6:
        return plate[:1] + "***"
    return plate[:2] + "*" * min(len(plate) - 4, _MOST_STARS) + plate[-2:]


def masked_phone(value: object) -> str:
    """+8613812345678 -> 138****5678; of any other number the last four digits stay."""
    number = re.sub(r"[\s()-]", "", _required(value))
    mobile = _MAINLAND_MOBILE.fullmatch(number)
    if mobile:
        return f"{mobile[1]}****{mobile[2]}"
    return f"****{number[-4:]}" if len(number) > 6 else "****"


MASK_FILTERS: Mapping[str, Callable[..., object]] = {
    "masked_name": masked_name,
    "masked_plate": masked_plate,
    "masked_phone": masked_phone,
}
"""The masks, the same in every language."""
