"""Values with their intervals as SVG: over time as a line in its band, beside one another as dots on a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

LEFT, RIGHT, TOP, ROW = 150, 60, 16, 24
WIDTH, HEIGHT = 720, 220


@dataclass(frozen=True)
class Point:
    """A value; `low` and `high` are the ends of its interval, None where one is open; `said` is its tooltip."""

    name: str
    value: float
    low: float | None
    high: float | None
    said: str
    faint: bool = False
    """Not to be judged by."""


def trend(points: Sequence[Point], name: str) -> Markup:
    """A line over time with the band of its intervals; nothing for fewer than two points."""
    if len(points) < 2:
        return Markup("")
    low, high = _range(points)
    step = (WIDTH - LEFT - RIGHT) / (len(points) - 1)
    places = [(LEFT + number * step, _up(point.value, low, high)) for number, point in enumerate(points)]
    parts = [_open("trend", WIDTH, HEIGHT + 20, name)]
    parts += [_level(value, _up(value, low, high)) for value in _ticks(low, high)]
    parts += [_band([(places[at][0], points[at]) for at in run], low, high) for run in _runs(points)]
    parts.append(Markup('<polyline class="line" points="{}"/>').format(_path(places)))
    often = max(1, len(points) // 8)
    for number, ((x, y), point) in enumerate(zip(places, points, strict=True)):
        parts.append(_dot(x, y, point))
        if number % often == 0:
            parts.append(Markup('<text class="mid" x="{:.1f}" y="{}">{}</text>').format(x, HEIGHT + 14, point.name))
    return Markup("").join([*parts, Markup("</svg>")])


def _runs(points: Sequence[Point]) -> list[list[int]]:
    """Places of points in a row whose interval is known: between others there is no band."""
    runs: list[list[int]] = [[]]
    for place, point in enumerate(points):
        if point.low is None or point.high is None:
            runs.append([])
        else:
            runs[-1].append(place)
    return [run for run in runs if run]


def _band(reach: Sequence[tuple[float, Point]], low: float, high: float) -> Markup:
    upper = [(x, _up(_end(point.high, point), low, high)) for x, point in reach]
    lower = [(x, _up(_end(point.low, point), low, high)) for x, point in reversed(reach)]
    return Markup('<polygon class="band" points="{}"/>').format(_path([*upper, *lower]))


def dots(points: Sequence[Point], name: str) -> Markup:
    """A row a value, with a bar for its interval."""
    if not points:
        return Markup("")
    low, high = _range(points)
    height = TOP + ROW * len(points) + 20
    parts = [_open("dots", WIDTH, height, name)]
    for value in _ticks(low, high):
        x = _across(value, low, high)
        parts.append(
            Markup('<line class="tick" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(x, TOP - 6, height - 18)
        )
        parts.append(Markup('<text class="mid" x="{:.1f}" y="{}">{:g}</text>').format(x, height - 4, value))
    for number, point in enumerate(points):
        y = TOP + ROW * number + ROW / 2
        ends = [_across(_end(each, point), low, high) for each in (point.low, point.high)]
        parts.append(Markup('<text class="end" x="{}" y="{:.1f}">{}</text>').format(LEFT - 8, y + 4, point.name))
        parts.append(
            Markup('<line class="bar{}" x1="{:.1f}" x2="{:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
                _faint(point), *ends, y=y
            )
        )
        parts.append(_dot(_across(point.value, low, high), y, point))
    return Markup("").join([*parts, Markup("</svg>")])


def _open(kind: str, width: int, height: float, name: str) -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">').format(
        kind, width, height, name
    )


def _dot(x: float, y: float, point: Point) -> Markup:
    words = Markup('<circle class="dot{}" cx="{:.1f}" cy="{:.1f}" r="4"><title>{}</title></circle>')
    return words.format(_faint(point), x, y, point.said)


def _faint(point: Point) -> str:
    return " faint" if point.faint else ""


def _level(value: float, y: float) -> Markup:
    line = Markup('<line class="tick" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(LEFT, WIDTH - RIGHT, y=y)
    return line + Markup('<text class="end" x="{}" y="{:.1f}">{:g}</text>').format(LEFT - 8, y + 4, value)


def _end(end: float | None, point: Point) -> float:
    return point.value if end is None else end


def _range(points: Sequence[Point]) -> tuple[float, float]:
    """Room for every value that may be judged, and for the ends of its interval."""
    judged = [point for point in points if not point.faint] or list(points)
    values = [value for point in judged for value in (point.value, _end(point.low, point), _end(point.high, point))]
    values += [point.value for point in points]
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or 1.0
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Some four round values between."""
    from math import ceil, floor, log10

    rough = (high - low) / 4
    size = 10 ** floor(log10(rough))
    step = next(size * each for each in (1, 2, 5, 10) if size * each >= rough)
    return [round(step * number, 10) for number in range(ceil(low / step), floor(high / step) + 1)]


def _up(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP) * (1 - (min(max(value, low), high) - low) / (high - low))


def _across(value: float, low: float, high: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (min(max(value, low), high) - low) / (high - low)


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
