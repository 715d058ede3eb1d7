"""Filters that speak no language: fallbacks, letters, length."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal

from templates.faults import UnsayableError
from templates.filters.amounts import decimal_places, quantity
from templates.filters.lists import entries, texts


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise UnsayableError(f"{value!r} is not text")


def _default(value: object, fallback: object) -> object:
    """Unlike Jinja2's own, also replaces None and blank text: both are how a table says "not known"."""
    blank = value is None or (isinstance(value, str) and not value.strip())
    return fallback if blank else value


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else len(entries(value))


def _first(value: object) -> object:
    if not entries(value):
        raise UnsayableError("the list has no entries")
    return entries(value)[0]


def _join(value: object, separator: str = ", ") -> str:
    return _text(separator).join(texts(value))


def _round(value: object, digits: int = 0) -> int | Decimal:
    places = decimal_places(digits)
    rounded = quantity(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return rounded if places else int(rounded)


def _ending(value: object, characters: int = 4) -> str:
    return _text(value)[-max(1, characters) :]


PLAIN_FILTERS: Mapping[str, Callable[..., object]] = {
    "default": _default,
    "length": _length,
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "title": lambda value: string.capwords(_text(value)),
    "trim": lambda value: _text(value).strip(),
    "first": _first,
    "join": _join,
    "round": _round,
    "ending": _ending,
}
"""`default`, `length`, `upper`, `lower`, `title`, `trim`, `first`, `join`, `round` and `ending`."""
