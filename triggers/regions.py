"""Which of the insurer's regions each alert covers: the table `alert_cover`.

An alert covers a region by the hierarchy of codes (an alert for a province covers its districts; one for a district
does not cover a customer of whom only the city is known), by its polygon (if the centre of the region lies in it; a
region without coordinates has those of the nearest region above it that has some), and by places it names, resolved
by `triggers.gazetteer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from triggers.gazetteer import Gazetteer, Region
from triggers.region_codes import ancestors, canonical, covers, stem

if TYPE_CHECKING:
    import pyarrow
    from duckdb import DuckDBPyConnection

__all__ = ["Cover", "ancestors", "canonical", "cover_alerts", "covers", "stem"]

_CODES = """
SELECT region_code FROM customers WHERE region_code IS NOT NULL
UNION
SELECT insured_region_code FROM policies WHERE insured_region_code IS NOT NULL
ORDER BY 1"""
_COVER = """
CREATE OR REPLACE TABLE alert_cover AS
SELECT area.alert_id, lineage.region_code
FROM alert_areas area JOIN region_lineages lineage ON lineage.area = area.region_code
UNION
SELECT alert_id, region_code FROM alert_insides
ORDER BY alert_id, region_code"""
_LISTED = """
SELECT DISTINCT alert_id, trim(place) AS place FROM (SELECT alert_id, unnest(places) AS place FROM alerts)
WHERE trim(place) <> '' ORDER BY ALL"""
_WRITTEN = """
SELECT DISTINCT alert_id, trim(place) AS place
FROM (SELECT alert_id, unnest(from_json(places, '["VARCHAR"]')) AS place FROM alerts WHERE json_valid(places))
WHERE trim(place) <> '' ORDER BY ALL"""
_ALERT_AREAS = """
SELECT alert_id, region_code FROM (SELECT alert_id, unnest(region_codes) AS region_code FROM alerts)
WHERE trim(region_code) <> '' ORDER BY ALL"""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Cover:
    """What came of it: pairs of alert and region, places resolved and not, polygons that are not WKT."""

    pairs: int
    placed: int
    unplaced: int
    unreadable_polygons: int


def cover_alerts(db: DuckDBPyConnection) -> Cover:
    """Create `alert_cover(alert_id, region_code)` and `alert_places(alert_id, place, region_code, reason)` from the
    facts.

    `alert_cover` has every region code of customers and policies, as written there, that an alert of whatever status
    and age covers. `alert_places` has every place an alert names: with its region, or without and the reason
    `unknown` or `ambiguous`; a polygon that cannot be read is there too, with the reason `unreadable_polygon`. Both
    tables are replaced if they exist.
    """
    codes = [str(code) for (code,) in db.execute(_CODES).fetchall()]
    regions = db.execute("SELECT region_code, name, name_en, location_id, latitude, longitude FROM regions").fetchall()
    places = _places(db, regions)
    inside, unreadable = _inside(db, codes, regions)
    named = [(alert, code) for alert, _, code, _ in places if code is not None]
    coded = [(alert, canonical(code)) for alert, code in db.execute(_ALERT_AREAS).fetchall()]
    lineages = [(code, area) for code in codes for area in (canonical(code), *ancestors(code))]
    _store_places(db, [*places, *unreadable])
    pairs = _store_cover(db, coded + named, lineages, inside)
    return Cover(pairs, len(named), len(places) - len(named), len(unreadable))


def _store_cover(db: DuckDBPyConnection, areas: list[Pair], lineages: list[Pair], inside: list[Pair]) -> int:
    tables = {
        "alert_areas": _text_table(("alert_id", "region_code"), areas),
        "region_lineages": _text_table(("region_code", "area"), lineages),
        "alert_insides": _text_table(("alert_id", "region_code"), inside),
    }
    for name, table in tables.items():
        db.register(name, table)
    db.execute(_COVER)
    for name in tables:
        db.unregister(name)
    return int(db.execute("SELECT count(*) FROM alert_cover").fetchall()[0][0])


def _store_places(db: DuckDBPyConnection, rows: Sequence[Sequence[str | None]]) -> None:
    db.register("places_found", _text_table(("alert_id", "place", "region_code", "reason"), rows))
    db.execute("CREATE OR REPLACE TABLE alert_places AS SELECT * FROM places_found")
    db.unregister("places_found")


def _text_table(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pyarrow.Table:
    """An Arrow table of text columns."""
    import pyarrow as pa

    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(columns, values, strict=True)})


def _places(db: DuckDBPyConnection, regions: Iterable[Sequence[Any]]) -> list[tuple[str, str, str | None, str | None]]:
    """Alert, place, region and reason of every place named, be `places` a list, a JSON list as text, or absent."""
    kind = {name: str(kind) for name, kind, *_ in db.execute("DESCRIBE alerts").fetchall()}.get("places")
    if kind is None:
        return []
    asked = db.execute(_LISTED if kind == "VARCHAR[]" else _WRITTEN).fetchall()
    gazetteer = Gazetteer.of(
        Region(canonical(code), tuple(each for each in (name, english) if each), location)
        for code, name, english, location, *_ in regions
    )
    resolved = {place: gazetteer.resolve(place) for _, place in asked}
    return [(alert, place, resolved[place].region_code, resolved[place].reason) for alert, place in asked]


def _inside(
    db: DuckDBPyConnection, codes: Sequence[str], regions: Iterable[Sequence[Any]]
) -> tuple[list[Pair], list[tuple[str, str, None, str]]]:
    """Pairs of alert and code whose centre lies in the alert's polygon; and the polygons that are not WKT."""
    drawn = db.execute("SELECT alert_id, polygon FROM alerts WHERE trim(polygon) <> '' ORDER BY alert_id").fetchall()
    if not drawn:
        return [], []
    import shapely

    areas = shapely.from_wkt([polygon for _, polygon in drawn], on_invalid="ignore")
    unreadable = [
        (alert, polygon, None, "unreadable_polygon")
        for (alert, polygon), area in zip(drawn, areas, strict=True)
        if area is None
    ]
    centres = _centres(codes, regions)
    tree = shapely.STRtree(shapely.points([point for _, point in centres]) if centres else [])
    which, whose = tree.query(areas, predicate="intersects")
    pairs = [(drawn[area][0], centres[place][0]) for area, place in zip(which.tolist(), whose.tolist(), strict=True)]
    return pairs, unreadable


def _centres(codes: Sequence[str], regions: Iterable[Sequence[Any]]) -> list[tuple[str, tuple[float, float]]]:
    """Each code with the (longitude, latitude) of its own region, or of the nearest above it that has one."""
    known = {
        canonical(code): (float(longitude), float(latitude))
        for code, *_, latitude, longitude in regions
        if latitude is not None and longitude is not None
    }
    nearest = (
        (code, next((area for area in (canonical(code), *ancestors(code)) if area in known), None)) for code in codes
    )
    return [(code, known[area]) for code, area in nearest if area is not None]
