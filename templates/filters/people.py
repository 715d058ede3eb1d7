"""How to address a customer."""

from __future__ import annotations

from collections.abc import Callable

from templates.filters.locales import language
from templates.filters.names import chinese_parts, is_chinese, western_surname

_CHINESE_TITLES = {"male": "先生", "female": "女士"}
_CHINESE_ADDRESSES = ("先生", "女士", "小姐", "老师")
_LONGEST_PLAIN_NAME = 4
_ENGLISH_TITLES = {"male": "Mr", "female": "Ms"}


def _chinese(name: str, gender: object) -> str:
    """张先生; 您 where it is not known whom or how."""
    if name.endswith(_CHINESE_ADDRESSES):
        return name
    title = _CHINESE_TITLES.get(str(gender))
    if not name or title is None:
        return "您"
    plain = is_chinese(name) and "·" not in name and len(name) <= _LONGEST_PLAIN_NAME
    return (chinese_parts(name)[0] if plain else name) + title


def _english(name: str, gender: object) -> str:
    """Mr Smith; a Chinese name keeps its order, as does one whose gender is not known; "customer" without a name."""
    title = _ENGLISH_TITLES.get(str(gender))
    if not name:
        return "customer"
    if title is None:
        return name
    surname = None if is_chinese(name) else western_surname(name)
    if surname is None and " " not in name and not is_chinese(name):
        return name
    return f"{title} {surname or name}"


_ADDRESSES: dict[str, Callable[[str, object], str]] = {"zh": _chinese, "en": _english}


def people_filters(locale: str) -> dict[str, Callable[..., object]]:
    """Return `honorific(gender)` for a locale; in languages without a rule of ours it is the name as written."""
    address = _ADDRESSES.get(language(locale))

    def honorific(name: object, gender: object) -> object:
        written = name.strip() if isinstance(name, str) else ""
        return address(written, gender) if address else (written or None)

    return {"honorific": honorific}
