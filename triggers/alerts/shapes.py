"""Areas on the globe as alerts draw them (corners, circles, boxes), turned into WKT, longitude first (WGS 84)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

EARTH_RADIUS = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG)."""

Corner = tuple[float, float]


class ShapeError(ValueError):
    """The text does not describe an area on the globe."""


def corners(text: str) -> list[Corner]:
    """(longitude, latitude) of each `latitude,longitude` pair of a CAP polygon. Raises ShapeError."""
    return [_corner(pair) for pair in text.split()]


def _corner(pair: str) -> Corner:
    try:
        latitude, longitude = (float(number) for number in pair.split(","))
    except ValueError:
        raise ShapeError(f"{pair!r} is not latitude,longitude") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 360):  # also refuses NaN
        raise ShapeError(f"{pair!r} is not on the globe")
    return longitude, latitude


def polygon(ring: Sequence[Corner]) -> BaseGeometry:
    """Area in a ring of (longitude, latitude) corners; closed, untangled, cut at the date line. Raises ShapeError."""
    from shapely import make_valid
    from shapely.geometry import Polygon

    if len(set(ring)) < 3:
        raise ShapeError("an area needs three different corners")
    return _on_globe(make_valid(Polygon(_unrolled(ring))))


def box(west: float, east: float, south: float, north: float) -> BaseGeometry:
    """Area between meridians and parallels, degrees; `west` > `east` crosses the date line. Raises ShapeError."""
    if not (
        abs(south) <= 90 and abs(north) <= 90 and south < north and west != east and max(abs(west), abs(east)) <= 360
    ):
        raise ShapeError(f"no area between longitudes {west} and {east}, latitudes {south} and {north}")
    from shapely import box as rectangle

    return _on_globe(rectangle(west, south, east if west < east else east + 360, north))


def circle(text: str) -> BaseGeometry:
    """Area of a CAP circle `latitude,longitude radius`, radius in km; a bare point where it is 0. Raises ShapeError."""
    centre, _, radius = text.strip().partition(" ")
    longitude, latitude = _corner(centre)
    try:
        metres = float(radius) * 1_000
    except ValueError:
        raise ShapeError(f"{radius!r} is not a radius in kilometres") from None
    if not 0 <= metres <= EARTH_RADIUS * math.pi / 2:
        raise ShapeError(f"{radius!r} km is not a radius on this globe")
    return around(longitude, latitude, metres)


def around(longitude: float, latitude: float, metres: float) -> BaseGeometry:
    """Everything within so many metres of a point on the spherical Earth; the point itself for 0.

    A buffer of that many metres is drawn with Shapely (64 sides) in the azimuthal equidistant plane centred on the
    point, in which distances from the centre are true, and its corners are taken back to the globe (Snyder, Map
    Projections: A Working Manual, 1987, equations 20-14, 20-15 and 25-15). Sphere instead of ellipsoid: off by less
    than 0.6 % of the radius. Where the circle holds a pole it becomes the cap from its southernmost (northernmost)
    parallel to the pole.
    """
    from shapely.geometry import Point

    if metres == 0:
        return _on_globe(Point(longitude, latitude))
    reach = math.degrees(metres / EARTH_RADIUS)
    if abs(latitude) + reach >= 90:
        return box(-180, 180, *((latitude - reach, 90.0) if latitude >= 0 else (-90.0, latitude + reach)))
    plane = Point(0, 0).buffer(metres, quad_segs=16)
    return polygon([_unprojected(x, y, longitude, latitude) for x, y in plane.exterior.coords])


def _unprojected(x: float, y: float, longitude: float, latitude: float) -> Corner:
    rho = math.hypot(x, y)
    arc, phi = rho / EARTH_RADIUS, math.radians(latitude)
    sine = math.cos(arc) * math.sin(phi) + y * math.sin(arc) * math.cos(phi) / rho
    eastward = math.atan2(x * math.sin(arc), rho * math.cos(phi) * math.cos(arc) - y * math.sin(phi) * math.sin(arc))
    return longitude + math.degrees(eastward), math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def _unrolled(ring: Sequence[Corner]) -> list[Corner]:
    """The ring with longitudes that never jump by more than half the globe, as it is when it crosses the date line."""
    steps, previous = [], ring[0][0]
    for longitude, latitude in ring:
        previous += (longitude - previous + 180) % 360 - 180
        steps.append((previous, latitude))
    return steps


def _on_globe(area: BaseGeometry) -> BaseGeometry:
    """The same area with all longitudes between -180 and 180, in two pieces where it crosses the date line."""
    from shapely import box as rectangle
    from shapely import unary_union
    from shapely.affinity import translate

    west, _, east, _ = area.bounds
    if west >= -180 and east <= 180:
        return area
    turns = range(math.floor((west + 180) / 360), math.floor((east + 180) / 360) + 1)
    pieces = [
        translate(area.intersection(rectangle(360 * turn - 180, -90, 360 * turn + 180, 90)), -360 * turn)
        for turn in turns
    ]
    return unary_union([piece for piece in pieces if not piece.is_empty])


def wkt(areas: Sequence[BaseGeometry]) -> str | None:
    """Union of the areas as WKT to six decimals (0.1 m); None where there is none."""
    from shapely import to_wkt, unary_union

    return to_wkt(unary_union(areas), rounding_precision=6) if areas else None
