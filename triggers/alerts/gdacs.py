"""RSS feeds of the Global Disaster Alert and Coordination System (gdacs.org).

Each item is one event as of its last episode. Green is minor (no harm to speak of), Orange severe (help may be
needed), Red extreme.

The area is the item's polygon, else its box. Boxes of exactly 4 degrees around the point are the window of GDACS'
map, not an area: GDACS counts those affected by earthquakes and volcanoes within 100 km, and so that circle stands
for them; other events with such a box, or none, have only their point, which covers nothing. An event that is current
has no end yet, others end at `todate`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from triggers.alerts.alert import AlertRow, Faults
from triggers.alerts.markup import Markup, children, local, words
from triggers.alerts.perils import GDACS
from triggers.alerts.shapes import ShapeError, around, box, corners, polygon, wkt

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from shapely.geometry.base import BaseGeometry

NAMESPACE = "http://www.gdacs.org"
SEVERITY = {"green": "minor", "orange": "severe", "red": "extreme"}
REACH = 100_000.0
"""Metres around an earthquake or a volcano within which GDACS counts the people affected."""
_WINDOW = 4.0


def read_gdacs(markup: Markup, faults: Faults) -> list[AlertRow]:
    """Rows of the items of a feed; items that are not of GDACS, or say not what, when or which, are faults."""
    if markup.root is None:
        return []
    rows: list[AlertRow] = []
    for item in (element for element in markup.root.iter() if local(element) == "item"):
        if item not in markup.complete:
            faults.add(markup.line(item), "this <item> is cut off and not read")
        elif (row := _row(item, markup.line(item), faults)) is not None:
            rows.append(row)
    return rows


def _row(item: Element, line: int, faults: Faults) -> AlertRow | None:
    code, number = words(item, "eventtype"), words(item, "eventid")
    if not any(child.tag.startswith("{" + NAMESPACE) for child in item) or code is None or number is None:
        faults.add(line, "an item without GDACS' eventtype and eventid is not read")
        return None
    began = _instant(item, "fromdate", line, faults)
    published = _instant(item, "pubDate", line, faults)
    effective = began or published
    if effective is None:
        faults.add(line, f"event {code}{number} without a date is not read")
        return None
    current = (words(item, "iscurrent") or "").lower() == "true"
    alert_id = f"gdacs:{code}{number}"
    return AlertRow(
        alert_id=alert_id,
        source="GDACS",
        event=_event(code, line, faults),
        severity=_severity(item, line, faults),
        effective_at=effective,
        expires_at=None if current else _instant(item, "todate", line, faults),
        region_codes=[],
        polygon=_area(item, code, line, faults),
        status="active",
        headline=words(item, "title"),
        recorded_at=published or effective,
        places=[],
        codes=[f"ISO3:{country}" for country in (words(item, "iso3") or "").split()],
        message_id=f"{alert_id}/{words(item, 'episodeid') or ''}@{(published or effective):%Y%m%dT%H%M%S}",
        supersedes=[],
    )


def _event(code: str, line: int, faults: Faults) -> str:
    """GDACS' two letters; older feeds have letters after them (EQx)."""
    if code not in GDACS:
        faults.add(line, f"event type {code!r} is not one of GDACS'; its first two letters count")
    return GDACS.get(code[:2].upper(), code)


def _severity(item: Element, line: int, faults: Faults) -> str | None:
    level = words(item, "alertlevel") or ""
    severity = SEVERITY.get(level.lower())
    if severity is None:
        faults.add(line, f"alert level {level!r} is none of Green, Orange, Red")
    return severity


def _instant(item: Element, name: str, line: int, faults: Faults) -> datetime | None:
    text = words(item, name)
    if text is None:
        return None
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        faults.add(line, f"{name} is not a date of RFC 822: {text!r}")
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _area(item: Element, code: str, line: int, faults: Faults) -> str | None:
    try:
        shape = _shape(item, code)
    except (ShapeError, ValueError) as error:
        faults.add(line, f"area left out: {error}")
        return None
    return None if shape is None else wkt([shape])


def _shape(item: Element, code: str) -> BaseGeometry | None:
    drawn = words(item, "polygon")
    if drawn:
        numbers = drawn.replace(",", " ").split()
        return polygon(corners(" ".join(map(",".join, zip(numbers[::2], numbers[1::2], strict=True)))))
    point, bounds = _numbers(item, "point"), _numbers(item, "bbox")
    if len(bounds) == 4 and not _is_window(bounds, point):
        return box(*bounds)
    if len(point) != 2:
        return None
    latitude, longitude = point
    reach = REACH if GDACS.get(code[:2].upper()) in ("earthquake", "volcano") else 0.0
    return around(longitude, latitude, reach)


def _numbers(item: Element, name: str) -> list[float]:
    return [float(number) for child in children(item, name) for number in (child.text or "").split()]


def _is_window(bounds: list[float], point: list[float]) -> bool:
    if len(point) != 2:
        return False
    west, east, south, north = bounds
    latitude, longitude = point
    sides = (longitude - west, east - longitude, latitude - south, north - latitude)
    return all(abs(side - _WINDOW) < 1e-3 for side in sides)
