"""Curves over a share from 0 to 1, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 340, 56, 40, 12, 150
TICKS = 5


@dataclass(frozen=True)
class Line:
    """A curve with its name; points (x from 0 to 1, y)."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def lines(curves: Sequence[Line], title: str, axes: tuple[str, str], number: Callable[[float, str], str]) -> Markup:
    """One drawing of all curves, named at their side; `number` writes a number in a pattern."""
    values = [y for curve in curves for _, y in curve.points]
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + x * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(TOP + (high - y) / span * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        Markup('<svg class="lines" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, title),
        *(_rule(place, low + step * span / TICKS, number) for step in range(TICKS + 1)),
        *(_mark(place, low, step / TICKS, number) for step in range(TICKS + 1)),
        Markup('<text x="{}" y="{}">{}</text>').format(LEFT, HEIGHT - 4, axes[0]),
        *(_curve(each, index, place) for index, each in enumerate(curves)),
        *(_name(each, index) for index, each in enumerate(curves) if each.name),
    ]
    return Markup("").join([*parts, Markup("</svg><p class='note'>{}</p>").format(axes[1])])


Place = Callable[[float, float], tuple[float, float]]


def _rule(place: Place, y: float, number: Callable[[float, str], str]) -> Markup:
    (left, down), (right, _) = place(0, y), place(1, y)
    line = Markup('<line class="rule" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(left, down, right, down)
    return line + Markup('<text class="end" x="{}" y="{}">{}</text>').format(left - 6, down + 3, number(y, "#,##0.#"))


def _mark(place: Place, low: float, x: float, number: Callable[[float, str], str]) -> Markup:
    across, down = place(x, low)
    return Markup('<text class="mid" x="{}" y="{}">{}</text>').format(across, down + 14, number(x, "0%"))


def _curve(curve: Line, index: int, place: Place) -> Markup:
    path = " ".join("{},{}".format(*place(x, y)) for x, y in curve.points)
    kind = "dashed" if curve.dashed else f"c{index}"
    return Markup('<polyline class="{}" points="{}"/>').format(kind, path)


def _name(curve: Line, index: int) -> Markup:
    x, y = WIDTH - RIGHT + 10, TOP + 12 + 18 * index
    mark = Markup('<polyline class="c{}" points="{},{} {},{}"/>').format(index, x, y - 4, x + 18, y - 4)
    return mark + Markup('<text x="{}" y="{}">{}</text>').format(x + 24, y, curve.name)
