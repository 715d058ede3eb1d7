"""Where an alert of the Common Alerting Protocol applies: shapes, codes and names of its <area> blocks.

Within one <area> all shapes and codes count together. The one exception: where a shape is given, an ISO 3166 code (a
whole state or country) only says in which state the shape lies, since CAP 1.2 (section 3.2.4) wants codes beside
shapes to be equivalent to them and in practice they are far wider. Codes of other schemes (SAME, FIPS6, UGC ...) are
kept as they are and mapped to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from triggers.alerts.alert import Faults, unique
from triggers.alerts.markup import Markup, children, text_of, words
from triggers.alerts.shapes import ShapeError, circle, corners, polygon

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from shapely.geometry.base import BaseGeometry

_DIVISION_SCHEME = re.compile(r"2260|ad_?code|行政区划|区划代码", re.IGNORECASE)
_DIVISION = re.compile(r"\d{6}(\d{3}){0,2}")
_ISO_SCHEME = re.compile(r"3166|iso\.org.*country", re.IGNORECASE)
_ISO = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Area:
    """What one or several <area> blocks cover."""

    shapes: list[BaseGeometry] = field(default_factory=list)
    region_codes: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


def read_areas(elements: Iterable[Element], markup: Markup, faults: Faults) -> Area:
    """All areas together; what cannot be read is a fault and left out."""
    areas = [_read_area(element, markup, faults) for element in elements]
    return Area(
        [shape for area in areas for shape in area.shapes],
        unique(code for area in areas for code in area.region_codes),
        unique(code for area in areas for code in area.codes),
        unique(place for area in areas for place in area.places),
    )


def _read_area(element: Element, markup: Markup, faults: Faults) -> Area:
    area = Area()
    for child in children(element, "polygon"):
        _add_polygon(area, child, markup.line(child), faults)
    for child in children(element, "circle"):
        _add_circle(area, child, markup.line(child), faults)
    drawn = any(shape.area > 0 for shape in area.shapes)
    for child in children(element, "geocode"):
        _add_codes(area, words(child, "valueName") or "", (words(child, "value") or "").split(), drawn)
    description = words(element, "areaDesc") or ""
    if not drawn and not area.region_codes and _CHINESE.search(description):
        area.places = unique(part.strip() for part in re.split(r"[;；,，、]", description))
    return area


def _add_polygon(area: Area, element: Element, line: int, faults: Faults) -> None:
    text = text_of(element) or ""
    tidy = re.sub(r",(?=\s|$)", "", text)
    try:
        area.shapes.append(polygon(corners(tidy)))
    except ShapeError as error:
        faults.add(line, f"polygon left out: {error}")
    else:
        if tidy != text:
            faults.add(line, "polygon with a comma after a pair of coordinates, read without it")


def _add_circle(area: Area, element: Element, line: int, faults: Faults) -> None:
    try:
        area.shapes.append(circle(text_of(element) or ""))
    except ShapeError as error:
        faults.add(line, f"circle left out: {error}")


def _add_codes(area: Area, scheme: str, values: list[str], drawn: bool) -> None:
    for value in values:
        division = _DIVISION_SCHEME.search(scheme) and _DIVISION.fullmatch(value)
        state = _ISO_SCHEME.search(scheme) and _ISO.fullmatch(value)
        if division or (state and not drawn):
            area.region_codes.append(value)
        else:
            area.codes.append(f"{scheme}:{value}")
