"""A calendar heat map as SVG: a year a row of weeks, a square a day, the darker the more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from markupsafe import Markup, escape

CELL, GAP, LEFT, TOP = 13, 2, 34, 18
SHADES = 4


def heatmap(
    counts: Mapping[str, int],
    first: date,
    last: date,
    name: str,
    say: Callable[[date, int], str],
    months: list[str],
    days: list[str],
) -> Markup:
    """One drawing for each year of the period; `say` puts a day and its count into words, for its tooltip.

    `months`: twelve short names, `days`: seven, Monday first.
    """
    most = max(counts.values(), default=0)
    years = range(first.year, last.year + 1)
    return Markup("").join(_year(year, counts, first, last, name, say, months, days, most) for year in years)


def _year(
    year: int, counts: Mapping[str, int], first: date, last: date, name: str,
    say: Callable[[date, int], str], months: list[str], days: list[str], most: int,
) -> Markup:  # fmt: skip
    begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
    monday = begin - timedelta(days=begin.weekday())
    weeks = ((end - monday).days // 7) + 1
    width, height = LEFT + weeks * (CELL + GAP), TOP + 7 * (CELL + GAP)
    parts = [
        Markup('<svg class="heat" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{} {}">').format(
            width, height, width, height, name, year
        )
    ]
    for row in (0, 2, 4):
        parts.append(_text(0, TOP + row * (CELL + GAP) + CELL - 3, days[row]))
    day, labelled = begin, 0
    while day <= end:
        x = LEFT + ((day - monday).days // 7) * (CELL + GAP)
        if day.month != labelled and day.day <= 7:
            labelled = day.month
            parts.append(_text(x, TOP - 6, months[day.month - 1]))
        parts.append(_day(day, counts.get(day.isoformat(), 0), x, most, say))
        day += timedelta(days=1)
    return Markup("").join([*parts, Markup("</svg>")])


def _day(day: date, count: int, x: int, most: int, say: Callable[[date, int], str]) -> Markup:
    shade = 0 if not count else 1 + min(SHADES - 1, (count * SHADES - 1) // most)
    y = TOP + day.weekday() * (CELL + GAP)
    return Markup('<rect class="s{}" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>').format(
        shade, x, y, CELL, CELL, say(day, count)
    )


def _text(x: int, y: int, words: str) -> Markup:
    return Markup('<text x="{}" y="{}">{}</text>').format(x, y, escape(words))


def bars(values: list[int], name: str, say: Callable[[int, int], str]) -> Markup:
    """A bar an hour of the day, its count above it."""
    most, width, height = max([*values, 1]), 24, 120
    parts = [
        Markup('<svg class="bars" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            24 * (width + 4), height + 40, name
        )
    ]
    for hour, count in enumerate(values):
        tall, x = round(count / most * height), hour * (width + 4)
        parts.append(
            Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>').format(
                x, 18 + height - tall, width, tall, say(hour, count)
            )
        )
        parts.append(
            Markup('<text class="mid" x="{}" y="{}">{}</text>').format(x + width // 2, height + 34, f"{hour:02}")
        )
        if count:
            parts.append(
                Markup('<text class="mid" x="{}" y="{}">{}</text>').format(
                    x + width // 2, 14 + height - tall, _short(count)
                )
            )
    return Markup("").join([*parts, Markup("</svg>")])


def _short(count: int) -> str:
    return str(count) if count < 10_000 else f"{count // 1000}k"
