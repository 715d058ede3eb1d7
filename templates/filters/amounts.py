"""Amounts of money, numbers and shares in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from templates.faults import UnsayableError
from templates.filters.locales import REMEMBERED, babel_locale

_PROBE = 1_234_567
MOST_DIGITS = 6
"""Most decimal places a template may ask for."""


Number = int | float | Decimal


def numeric(value: object) -> Number:
    """Return a value that is a number; true and false, which Python counts as 1 and 0, are none."""
    if isinstance(value, (int, float, Decimal)) and value.__class__ is not bool:
        return value
    raise UnsayableError(f"{value!r} is not a number")


def quantity(value: object) -> Decimal:
    """Return a number as it is written in decimal, not as the binary fraction it is kept in."""
    value = numeric(value)
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise UnsayableError(f"{value!r} is not a number")
    return number or abs(number)


@dataclass(frozen=True)
class Tariff:
    """How a locale writes amounts of a currency: what stands around the digits, and the number of decimal places."""

    before: str
    after: str
    digits: int

    def write(self, amount: Decimal) -> str:
        """Return a non-negative amount with thousands grouped by commas, half a cent rounded to even."""
        return f"{self.before}{amount:,.{self.digits}f}{self.after}"


@lru_cache(1_024)
def tariff(currency: str, locale: str) -> Tariff | None:
    """Return the tariff read off Babel's own words, or None where digits or groups are not plain."""
    from babel.numbers import format_currency, get_currency_precision

    digits = get_currency_precision(currency)
    plain = f"{_PROBE:,.{digits}f}"
    before, found, after = format_currency(_PROBE, currency, locale=locale).partition(plain)
    return Tariff(before, after, digits) if found else None


@lru_cache(REMEMBERED)
def _money(value: Number, currency: str, locale: str) -> str:
    amount = quantity(value)
    if not _is_currency(currency):
        raise UnsayableError(f"{currency!r} is not a currency of ISO 4217, such as CNY")
    style = tariff(currency, locale)
    if style and (amount >= 0 or amount.quantize(Decimal(1).scaleb(-style.digits), ROUND_HALF_EVEN) == 0):
        return style.write(abs(amount))
    from babel.numbers import format_currency

    return format_currency(amount, currency, locale=locale)


@lru_cache(1_024)
def _is_currency(code: str) -> bool:
    from babel.numbers import is_currency

    return bool(re.fullmatch("[A-Z]{3}", code)) and is_currency(code)


def amount_filters(locale: str) -> dict[str, Callable[..., object]]:
    """Return `money`, `number` and `percent` for a locale."""
    tag = babel_locale(locale)

    def money(value: object, currency: object) -> str:
        if isinstance(currency, str):
            return _money(numeric(value), currency, tag)
        raise UnsayableError(f"{currency!r} is not a currency of ISO 4217, such as CNY")

    @lru_cache(REMEMBERED)
    def decimal(value: Number, digits: int | None) -> str:
        from babel.numbers import format_decimal

        pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(quantity(value), pattern, locale=tag)

    @lru_cache(REMEMBERED)
    def share(value: Number) -> str:
        from babel.numbers import format_percent

        return format_percent(quantity(value).quantize(Decimal("0.001")), locale=tag, decimal_quantization=False)

    def number(value: object, digits: int | None = None) -> str:
        return decimal(numeric(value), None if digits is None else decimal_places(digits))

    def percent(value: object) -> str:
        return share(numeric(value))

    return {"money": money, "number": number, "percent": percent}


def decimal_places(digits: object) -> int:
    """Return a number of decimal places that is worth computing."""
    if isinstance(digits, int) and 0 <= digits <= MOST_DIGITS:
        return digits
    raise UnsayableError(f"{digits!r} is not a number of decimal places from 0 to {MOST_DIGITS}")
