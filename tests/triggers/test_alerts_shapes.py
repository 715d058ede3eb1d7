"""Shapes of alerts: where they are drawn, and that circles are as wide as they say."""

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from triggers.alerts.shapes import EARTH_RADIUS, ShapeError, around, box, circle, corners, polygon, wkt


def distance(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Metres between two (longitude, latitude) on the sphere (haversine)."""
    (a, b), (c, d) = (tuple(map(math.radians, point)) for point in (here, there))
    half = math.sin((d - b) / 2) ** 2 + math.cos(b) * math.cos(d) * math.sin((c - a) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(half))


def test_corners_come_with_longitude_first():
    assert corners("31.2,121.5 +30,-120.25") == [(121.5, 31.2), (-120.25, 30.0)]


@pytest.mark.parametrize("text", ["31.2", "31.2,121.5,7", "91,0", "0,361", "nan,0", "north,east"])
def test_what_is_not_on_the_globe_is_refused(text):
    with pytest.raises(ShapeError):
        corners(text)


@pytest.mark.parametrize("ring", [[], [(1.0, 1.0)], [(1.0, 1.0), (2.0, 2.0), (1.0, 1.0)]])
def test_two_corners_make_no_area(ring):
    with pytest.raises(ShapeError, match="three different corners"):
        polygon(ring)


def test_a_ring_that_crosses_itself_is_untangled():
    area = polygon([(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)])
    assert area.is_valid
    assert area.area == 2.0


def test_a_ring_over_the_date_line_is_cut_there():
    area = polygon([(179, 0), (-179, 0), (-179, 2), (179, 2), (179, 0)])
    assert area.area == pytest.approx(4.0)
    assert area.bounds == (-180.0, 0.0, 180.0, 2.0)


def test_a_circle_without_radius_is_its_point():
    assert wkt([circle("12.747,-88.783 0.0")]) == "POINT (-88.783 12.747)"


@pytest.mark.parametrize("text", ["12,34", "12,34 -1", "12,34 wide", "12,34 nan", "95,0 1"])
def test_a_circle_without_a_place_or_a_width_is_refused(text):
    with pytest.raises(ShapeError):
        circle(text)


@given(
    longitude=st.floats(-180, 180),
    latitude=st.floats(-80, 80),
    kilometres=st.floats(0.1, 500),
)
def test_every_corner_of_a_circle_is_as_far_from_its_centre_as_its_radius(longitude, latitude, kilometres):
    metres = kilometres * 1_000
    shape = around(longitude, latitude, metres)
    rings = [part.exterior.coords for part in getattr(shape, "geoms", [shape])]
    far = [
        distance((longitude, latitude), corner) for ring in rings for corner in ring if abs(abs(corner[0]) - 180) > 1e-9
    ]
    assert all(each == pytest.approx(metres, rel=1e-6, abs=0.01) for each in far)
    assert -180 <= shape.bounds[0] <= shape.bounds[2] <= 180


def test_a_circle_around_the_pole_is_a_cap():
    cap = around(30.0, 89.0, 500_000)
    assert cap.contains(shapely.Point(-150, 89.9))
    assert not cap.intersects(shapely.Point(30, 80))


def test_a_box_without_height_is_refused():
    with pytest.raises(ShapeError):
        box(0, 1, 5, 5)


def test_areas_that_overlap_become_one():
    assert shapely.from_wkt(wkt([box(0, 2, 0, 2), box(1, 3, 0, 2)])).area == 6.0
    assert wkt([]) is None
