"""Charts as SVG made on the server: values with their intervals, and what was said against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

LEFT, ROW, WIDTH, PAD = 190, 26, 460, 40
SIDE = 260


def intervals(values: Mapping[str, Mapping[str, float]], name: str, baseline: str) -> Markup:
    """A line a model: its value as a dot, its interval as a bar, the baseline's value as a rule down the chart."""
    low = min(each["low"] for each in values.values())
    high = max(each["high"] for each in values.values())
    spread = (high - low) or 1.0

    def across(value: float) -> float:
        return round(LEFT + (value - low) / spread * WIDTH, 1)

    height = ROW * len(values) + 34
    parts = [_open("dots", LEFT + WIDTH + PAD, height, name)]
    at = across(values[baseline]["value"])
    parts.append(_fill('<line class="rule" x1="{}" y1="4" x2="{}" y2="{}"/>', at, at, height - 26))
    for number, (model, each) in enumerate(values.items()):
        y = ROW * number + 18
        said = f"{model}: {each['value']:.4f} ({each['low']:.4f} to {each['high']:.4f})"
        parts.append(_fill('<text x="0" y="{}">{}</text>', y + 4, model))
        parts.append(
            _fill(
                '<line class="span" x1="{}" y1="{}" x2="{}" y2="{}"/>', across(each["low"]), y, across(each["high"]), y
            )
        )
        parts.append(_fill('<circle cx="{}" cy="{}" r="5"><title>{}</title></circle>', across(each["value"]), y, said))
    parts += [
        _fill('<text class="mid" x="{}" y="{}">{}</text>', across(v), height - 8, f"{v:.3f}") for v in (low, high)
    ]
    return Markup("").join([*parts, Markup("</svg>")])


def curve(bins: Sequence[Mapping[str, Any]], name: str) -> Markup:
    """Share taken over probability said, one dot a bin, the larger the more offers; the diagonal is what should be."""
    most = max((each["offers"] for each in bins), default=1)
    parts = [_open("curve", SIDE + 2 * PAD, SIDE + 2 * PAD, name)]
    parts.append(_fill('<rect class="frame" x="{}" y="{}" width="{}" height="{}"/>', PAD, PAD, SIDE, SIDE))
    parts.append(_fill('<line class="rule" x1="{}" y1="{}" x2="{}" y2="{}"/>', PAD, PAD + SIDE, PAD + SIDE, PAD))
    points = [(PAD + each["said"] * SIDE, PAD + (1 - each["taken"]) * SIDE) for each in bins]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts.append(_fill('<polyline points="{}"/>', line))
    for (x, y), each in zip(points, bins, strict=True):
        said = f"{each['offers']:,}: {each['said']:.3f} / {each['taken']:.3f}"
        size = round(2 + 6 * (each["offers"] / most) ** 0.5, 1)
        parts.append(
            _fill('<circle cx="{}" cy="{}" r="{}"><title>{}</title></circle>', round(x, 1), round(y, 1), size, said)
        )
    for share in (0.0, 0.5, 1.0):
        parts.append(_fill('<text class="mid" x="{}" y="{}">{}</text>', PAD + share * SIDE, PAD + SIDE + 16, share))
        parts.append(_fill('<text x="8" y="{}">{}</text>', PAD + (1 - share) * SIDE + 4, share))
    return Markup("").join([*parts, Markup("</svg>")])


def _open(kind: str, width: int, height: int, name: str) -> Markup:
    return _fill('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">', kind, width, height, name)


def _fill(shape: str, *values: object) -> Markup:
    return Markup(shape).format(*values)  # noqa: S704 - shapes are literals above; format escapes the values
