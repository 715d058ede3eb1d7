"""GDACS: one row per item, its level as severity, its area as drawn and not as the window of a map."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from triggers.alerts import AlertFile, read_alerts

DATA = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[3] / "shared/data")) / "disaster-alerts/gdacs"
real = pytest.mark.skipif(not DATA.is_dir(), reason=f"public data set disaster-alerts not at {DATA}")


def item(
    kind: str = "TC", number: str = "1000", level: str = "Orange", point: str = "20.0 130.0", extra: str = ""
) -> str:
    return (
        f"<item><title>{level} {kind}</title><pubDate>Sun, 02 Aug 2026 06:00:00 GMT</pubDate>"
        f"<gdacs:fromdate>Sat, 01 Aug 2026 00:00:00 GMT</gdacs:fromdate>"
        "<gdacs:todate>Mon, 03 Aug 2026 00:00:00 GMT</gdacs:todate>"
        f"<gdacs:eventtype>{kind}</gdacs:eventtype><gdacs:eventid>{number}</gdacs:eventid><gdacs:episodeid>7</gdacs:episodeid>"
        f"<gdacs:alertlevel>{level}</gdacs:alertlevel><georss:point>{point}</georss:point>{extra}</item>"
    )


def bbox(text: str) -> str:
    return f"<gdacs:bbox>{text}</gdacs:bbox>"


@pytest.fixture
def read(tmp_path: Path):
    def reader(*items: str) -> AlertFile:
        path = tmp_path / "rss.xml"
        spaces = 'xmlns:gdacs="http://www.gdacs.org" xmlns:georss="http://www.georss.org/georss"'
        path.write_text(f'<rss version="2.0" {spaces}><channel>{"".join(items)}</channel></rss>')
        return read_alerts(path)

    return reader


def test_a_storm_becomes_one_row_with_the_box_it_crosses(read):
    found = read(item(extra=bbox("120 135 15 30")))
    assert found.faults == []
    assert found.rows == [
        {
            "alert_id": "gdacs:TC1000",
            "source": "GDACS",
            "event": "typhoon",
            "severity": "severe",
            "effective_at": datetime(2026, 8, 1, tzinfo=UTC),
            "expires_at": datetime(2026, 8, 3, tzinfo=UTC),
            "region_codes": [],
            "polygon": "POLYGON ((135 15, 135 30, 120 30, 120 15, 135 15))",
            "status": "active",
            "headline": "Orange TC",
            "recorded_at": datetime(2026, 8, 2, 6, tzinfo=UTC),
            "places": [],
            "codes": [],
            "message_id": "gdacs:TC1000/7@20260802T060000",
            "supersedes": [],
        }
    ]


@pytest.mark.parametrize(
    ("level", "severity"), [("Green", "minor"), ("Orange", "severe"), ("Red", "extreme"), ("Blue", None)]
)
def test_the_level_is_the_severity(read, level, severity):
    found = read(item(level=level))
    assert found.rows[0]["severity"] == severity
    assert bool(found.faults) is (severity is None)


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("EQ", "earthquake"),
        ("TC", "typhoon"),
        ("FL", "flood"),
        ("DR", "drought"),
        ("VO", "volcano"),
        ("WF", "wildfire"),
    ],
)
def test_the_two_letters_are_the_event(read, kind, event):
    assert read(item(kind)).rows[0]["event"] == event


def test_episodes_of_one_event_share_its_id(read):
    later = item().replace("<gdacs:episodeid>7", "<gdacs:episodeid>8")
    rows = read(item(), later).rows
    assert [row["alert_id"] for row in rows] == ["gdacs:TC1000", "gdacs:TC1000"]
    assert rows[0]["message_id"] != rows[1]["message_id"]


def test_a_current_event_has_no_end_yet(read):
    assert read(item(extra="<gdacs:iscurrent>true</gdacs:iscurrent>")).rows[0]["expires_at"] is None
    assert read(item(extra="<gdacs:iscurrent>false</gdacs:iscurrent>")).rows[0]["expires_at"] is not None


def test_the_window_of_the_map_around_an_earthquake_gives_way_to_100_km(read):
    area = shapely.from_wkt(read(item("EQ", extra=bbox("126 134 16 24"))).rows[0]["polygon"])
    assert area.contains(shapely.Point(130.9, 20.0))
    assert not area.intersects(shapely.Point(131.0, 20.0))
    assert not area.intersects(shapely.Point(130.0, 21.0))


def test_a_drought_with_nothing_but_the_window_of_the_map_is_a_point(read):
    assert read(item("DR", extra=bbox("126 134 16 24"))).rows[0]["polygon"] == "POINT (130 20)"


def test_a_polygon_is_preferred_to_the_box(read):
    drawn = "<georss:polygon>30 120 30 122 32 122 30 120</georss:polygon>" + bbox("120 135 15 30")
    assert read(item(extra=drawn)).rows[0]["polygon"] == "POLYGON ((120 30, 122 30, 122 32, 120 30))"


def test_a_box_over_the_date_line_is_two_boxes(read):
    area = shapely.from_wkt(read(item(extra=bbox("170 -170 -20 -10"))).rows[0]["polygon"])
    assert area.contains(shapely.Point(175, -15))
    assert area.contains(shapely.Point(-175, -15))
    assert not area.intersects(shapely.Point(0, -15))


def test_a_faulty_area_costs_the_area_and_not_the_alert(read):
    found = read(item(extra=bbox("120 135 fifteen 30")))
    assert found.rows[0]["polygon"] is None
    assert "area left out" in found.faults[0].message


def test_items_of_other_feeds_are_no_alerts(read):
    found = read("<item><title>News</title></item>", item())
    assert len(found.rows) == 1
    assert found.faults[0].message == "an item without GDACS' eventtype and eventid is not read"


@real
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("gdacs-rss-7d-2019-12-30.xml.gz", 115),
        ("gdacs-rss-24h-2019-12-30.xml.gz", 21),
        ("gdacs-archive-orange-2012-2016.xml.gz", 100),
        ("gdacs-archive-orange-india-2012-2016.xml.gz", 23),
    ],
)
def test_every_item_of_a_real_feed_is_a_row(name, count):
    assert len(read_alerts(DATA / name).rows) == count


@real
@pytest.mark.real_data
def test_the_odd_event_type_of_an_old_feed_is_read_and_reported():
    faults = read_alerts(DATA / "gdacs-archive-orange-2012-2016.xml.gz").faults
    assert [fault.message for fault in faults] == ["event type 'EQx' is not one of GDACS'; its first two letters count"]
