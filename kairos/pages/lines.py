"""Charts of effects as SVG: how an estimate and its band went over the days, and intervals beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 240, 62, 12, 12, 26
ROW = 26


@dataclass(frozen=True)
class Point:
    """One place on a chart; a bound that is not known is None."""

    name: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class _Scale:
    """Values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def band(points: Sequence[Point], name: str) -> Markup:
    """The estimate as a line in its band, day by day, 0 as a line across; where no band is known yet nothing is drawn."""
    known = [point for point in points if None not in (point.value, point.low, point.high)]
    if len(known) < 2:
        return Markup("")
    scale = _scale(known, HEIGHT - BOTTOM, TOP)
    across = _Scale(0, len(known) - 1, LEFT, WIDTH - RIGHT)
    xs = [across.at(place) for place in range(len(known))]
    upper = [f"{x},{scale.at(point.high or 0)}" for x, point in zip(xs, known, strict=True)]
    lower = [f"{x},{scale.at(point.low or 0)}" for x, point in zip(xs, known, strict=True)]
    line = " ".join(f"{x},{scale.at(point.value or 0)}" for x, point in zip(xs, known, strict=True))
    parts = [_open(HEIGHT, name), *_grid(scale)]
    parts.append(Markup('<polygon class="band" points="{}"/>').format(" ".join([*upper, *reversed(lower)])))
    parts.append(Markup('<polyline class="line" points="{}"/>').format(line))
    parts.append(_horizontal(scale.at(0), "axis"))
    parts.append(_text(LEFT, HEIGHT - 8, known[0].name, ""))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, known[-1].name, "end"))
    return Markup("").join([*parts, Markup("</svg>")])


def forest(points: Sequence[Point], name: str) -> Markup:
    """An interval a row with its estimate as a dot, 0 as a line down."""
    known = [point for point in points if None not in (point.value, point.low, point.high)]
    if not known:
        return Markup("")
    left, height = 220, TOP + ROW * len(known) + BOTTOM
    scale = _scale(known, left, WIDTH - RIGHT)
    parts = [_open(height, name)]
    for mark in (scale.low, 0.0, scale.high):
        x = scale.at(mark)
        kind = "grid" if mark else "axis"
        parts.append(
            Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(kind, x, x, TOP, height - BOTTOM)
        )
        parts.append(_text(x, height - 8, f"{mark:+.3g}" if mark else "0", "mid"))
    for place, point in enumerate(known):
        y = TOP + ROW * place + ROW // 2
        ends = scale.at(point.low or 0), scale.at(point.high or 0)
        parts.append(_text(0, y + 4, point.name, ""))
        parts.append(Markup('<line class="line" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(*ends, y, y))
        parts.append(
            Markup(
                '<circle class="dot" cx="{}" cy="{}" r="4"><title>{}: {:+.4g} ({:+.4g}, {:+.4g})</title></circle>'
            ).format(scale.at(point.value or 0), y, point.name, point.value, point.low, point.high)
        )
    return Markup("").join([*parts, Markup("</svg>")])


def _scale(points: Sequence[Point], start: float, end: float) -> _Scale:
    """From the least to the greatest value that matters, 0 included; early bands far beyond the estimates are cut."""
    values = [abs(point.value or 0) for point in points]
    last = points[-1]
    reach = max(*values, abs(last.low or 0), abs(last.high or 0), 1e-9) * 1.6
    ends = [bound for point in points for bound in (point.low or 0.0, point.high or 0.0)]
    return _Scale(max(min(*ends, 0.0), -reach), min(max(*ends, 0.0), reach), start, end)


def _grid(scale: _Scale) -> list[Markup]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value = scale.low + share * (scale.high - scale.low)
        parts += [_horizontal(scale.at(value), "grid"), _text(LEFT - 6, scale.at(value) + 3, f"{value:+.3g}", "end")]
    return parts


def _horizontal(y: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(kind, LEFT, WIDTH - RIGHT, y, y)


def _open(height: int, name: str) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, height, name)


def _text(x: float, y: float, words: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, x, y, escape(words))
