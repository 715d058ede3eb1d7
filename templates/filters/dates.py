"""Dates, instants and spans in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from templates.faults import UnsayableError
from templates.filters.locales import REMEMBERED, day_first_locale, language

Style = Literal["long", "medium", "short"]


def calendar_day(value: object) -> date:
    """Return the day of a date or, as its own clock shows it, of an instant."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise UnsayableError(f"{value!r} is not a date")


def _clock(value: object) -> datetime:
    """Return what a clock on the wall shows: equal instants of two zones must not share remembered words."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    raise UnsayableError(f"{value!r} has no time of day")


def _whole_days(value: object) -> int:
    if isinstance(value, timedelta):
        return value.days
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value):
        return int(value)
    raise UnsayableError(f"{value!r} is not a number of days")


def date_filters(locale: str) -> dict[str, Callable[..., object]]:
    """Return `date`, `day_month`, `datetime`, `days` and `day` for a locale."""
    tag = day_first_locale(locale)
    gap = " " if language(locale) in {"zh", "ja"} else ", "

    @lru_cache(REMEMBERED)
    def spell(day: date, style: str) -> str:
        from babel.dates import format_date, format_skeleton

        return format_skeleton("MMMMd", day, locale=tag) if style == "day_month" else format_date(day, style, tag)

    @lru_cache(REMEMBERED)
    def count(number: int) -> str:
        if language(locale) == "zh":
            return f"{number}天"  # Babel has no Chinese pattern of this length
        from babel.units import format_unit

        return format_unit(number, "duration-day", "long", locale=tag)

    def date_in_words(value: object, style: Style = "long") -> str:
        return spell(calendar_day(value), style)

    def day_month(value: object) -> str:
        return spell(calendar_day(value), "day_month")

    def datetime_in_words(value: object, style: Style = "long") -> str:
        moment = _clock(value)
        return f"{spell(moment.date(), style)}{gap}{moment:%H:%M}"

    def days(value: object) -> str:
        return count(_whole_days(value))

    return {
        "date": date_in_words,
        "day_month": day_month,
        "datetime": datetime_in_words,
        "days": days,
        "day": calendar_day,
    }
