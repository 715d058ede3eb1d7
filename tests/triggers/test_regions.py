"""Which customers' regions an alert covers: by code, by polygon, by the places it names."""

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triggers.alerts import read_alerts
from triggers.regions import Cover, cover_alerts, covers
from triggers.views import VIEWS

DATA = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[3] / "shared/data"))
DIVISIONS = DATA / "china-divisions"
real = pytest.mark.skipif(not DIVISIONS.is_dir(), reason=f"public data set china-divisions not at {DIVISIONS}")

REGIONS_SOURCE = """
with places as (
    select AD_code, min_by(Location_ID, Location_ID) as location_id, min_by(Location_Name_EN, Location_ID) as name_en,
        min_by(Latitude, Location_ID) as latitude, min_by(Longitude, Location_ID) as longitude
    from read_csv('{folder}/qweather-china-city-list.csv.gz', skip = 1, header = true, all_varchar = true,
        delim = ',', quote = '"')
    group by AD_code
), divisions as (
    select code || '0000' as code, name from read_csv('{folder}/provinces.csv', all_varchar = true)
    union
    select code || '00', name from read_csv('{folder}/cities.csv', all_varchar = true)
    where name not in ('市辖区', '县', '省直辖县级行政区划', '自治区直辖县级行政区划')
    union
    select code, name from read_csv('{folder}/areas.csv', all_varchar = true)
    union
    values ('710000', '台湾省'), ('810000', '香港特别行政区'), ('820000', '澳门特别行政区')
)
select code as region_code, name, name_en, latitude::double as latitude, longitude::double as longitude, location_id
from divisions left join places on places.AD_code = divisions.code
order by code
"""


@pytest.fixture
def db():
    connection = duckdb.connect()
    for view in VIEWS.values():
        columns = ", ".join(f'"{name}" {kind}' for name, kind in view.types.items())
        connection.execute(f"CREATE TABLE {view.name} ({columns})")
    connection.execute("ALTER TABLE alerts ADD COLUMN places VARCHAR[]")
    yield connection
    connection.close()


def customers(db, *codes):
    for code in codes:
        db.execute("INSERT INTO customers (customer_id, region_code) VALUES (?, ?)", [f"C{code}", code])


def insured(db, *codes):
    for code in codes:
        db.execute(
            "INSERT INTO policies (policy_id, customer_id, insured_region_code) VALUES (?, 'C', ?)", [f"P{code}", code]
        )


def regions(db, *rows):
    db.executemany("INSERT INTO regions (region_code, name, latitude, longitude) VALUES (?, ?, ?, ?)", rows)


def alert(db, alert_id="A", *, codes=None, polygon=None, places=None, status="active"):
    db.execute(
        "INSERT INTO alerts (alert_id, event, effective_at, region_codes, polygon, places, status) "
        "VALUES (?, 'typhoon', '2026-08-01 00:00:00+00', ?, ?, ?, ?)",
        [alert_id, codes, polygon, places, status],
    )


def covered(db):
    cover_alerts(db)
    return db.execute("SELECT alert_id, region_code FROM alert_cover").fetchall()


def placed(db):
    return db.execute("SELECT place, region_code, reason FROM alert_places ORDER BY place").fetchall()


def test_no_alerts_cover_nothing(db):
    customers(db, "310104")
    assert cover_alerts(db) == Cover(0, 0, 0, 0)
    assert db.execute("DESCRIBE alert_cover").fetchall()[0][:2] == ("alert_id", "VARCHAR")
    assert covered(db) == []


def test_an_alert_for_a_province_covers_its_districts_and_no_others(db):
    customers(db, "310104", "310000", "320100", None)
    insured(db, "310115", "310104", "HK")
    alert(db, codes=["310000"])
    assert covered(db) == [("A", "310000"), ("A", "310104"), ("A", "310115")]


def test_an_alert_for_a_district_does_not_cover_a_customer_known_by_city_only(db):
    customers(db, "310100", "310104")
    alert(db, codes=["310104"])
    assert covered(db) == [("A", "310104")]


def test_codes_are_compared_whatever_way_they_are_written_and_reported_as_written(db):
    customers(db, "31", "310104000000", "HK", "au-nsw")
    alert(db, "A", codes=["CN-SH", ""])
    alert(db, "B", codes=["810000"])
    alert(db, "C", codes=["AU"])
    assert covered(db) == [("A", "31"), ("A", "310104000000"), ("B", "HK"), ("C", "au-nsw")]


def test_cancelled_and_test_alerts_are_covered_too_for_others_to_judge(db):
    customers(db, "310104")
    alert(db, "A", codes=["310000"], status="cancelled")
    alert(db, "B", codes=["310000"], status="test")
    assert covered(db) == [("A", "310104"), ("B", "310104")]


CODES = st.sampled_from(
    ["31", "310000", "310100", "310104", "310104001", "320583", "CN", "CN-SH", "HK", "AU", "AU-NSW"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(lived_in=st.sets(CODES), warned=st.lists(st.lists(CODES, max_size=3), max_size=4))
def test_the_table_has_exactly_the_pairs_of_which_one_contains_the_other(db, lived_in, warned):
    db.execute("DELETE FROM customers")
    db.execute("DELETE FROM alerts")
    customers(db, *lived_in)
    for number, codes in enumerate(warned):
        alert(db, str(number), codes=codes)
    wanted = {
        (str(n), home) for n, codes in enumerate(warned) for home in lived_in for code in codes if covers(code, home)
    }
    assert covered(db) == sorted(wanted)


def test_a_polygon_covers_regions_whose_centre_lies_in_it(db):
    regions(db, ("310104", "徐汇区", 31.18, 121.43), ("320100", "南京市", 32.06, 118.80))
    customers(db, "310104", "320100", "999999")
    alert(db, polygon="POLYGON ((120 30, 122 30, 122 32, 120 32, 120 30))")
    assert covered(db) == [("A", "310104")]


def test_a_region_without_coordinates_has_those_of_the_nearest_above_it(db):
    regions(
        db, ("310000", "上海市", 31.23, 121.47), ("320000", "江苏省", 32.0, 118.8), ("320500", "苏州市", 31.3, 120.6)
    )
    customers(db, "310104001", "320583", "320100")
    alert(db, polygon="POLYGON ((120 30, 122 30, 122 32, 120 32, 120 30))")
    assert covered(db) == [("A", "310104001"), ("A", "320583")]


def test_covered_twice_is_covered_once(db):
    regions(db, ("310104", "徐汇区", 31.18, 121.43))
    customers(db, "310104")
    insured(db, "310104")
    alert(
        db, codes=["310104", "310000"], polygon="POLYGON ((120 30, 122 30, 122 32, 120 32, 120 30))", places=["徐汇区"]
    )
    assert covered(db) == [("A", "310104")]


def test_a_polygon_that_is_none_is_recorded(db):
    regions(db, ("310104", "徐汇区", 31.18, 121.43))
    customers(db, "310104")
    alert(db, polygon="POLYGON ((120 30, oops")
    assert cover_alerts(db) == Cover(0, 0, 0, 1)
    assert placed(db) == [("POLYGON ((120 30, oops", None, "unreadable_polygon")]


def test_places_are_resolved_and_the_unresolved_recorded(db):
    regions(db, ("110105", "朝阳区", None, None), ("220104", "朝阳区", None, None), ("450312", "临桂区", None, None))
    customers(db, "450312", "110105")
    alert(db, places=["临桂区气象台", "朝阳区气象台", "Atlantis", ""])
    assert cover_alerts(db) == Cover(1, 1, 2, 0)
    assert db.execute("SELECT region_code FROM alert_cover").fetchall() == [("450312",)]
    assert placed(db) == [
        ("Atlantis", None, "unknown"),
        ("临桂区气象台", "450312", None),
        ("朝阳区气象台", None, "ambiguous"),
    ]


def test_places_may_be_written_as_json_or_be_absent(db):
    regions(db, ("450312", "临桂区", None, None))
    customers(db, "450312")
    alert(db)
    db.execute("ALTER TABLE alerts DROP COLUMN places")
    assert covered(db) == []
    db.execute("ALTER TABLE alerts ADD COLUMN places VARCHAR")
    db.execute("UPDATE alerts SET places = '[\"临桂区气象台\"]'")
    assert covered(db) == [("A", "450312")]


def read_in(db, name):
    rows = read_alerts(DATA / "disaster-alerts" / name).rows
    columns = [*VIEWS["alerts"].types, "places"]
    table = pa.table({column: [row[column] for row in rows] for column in columns})
    db.register("read_rows", table)
    db.execute(f"INSERT INTO alerts ({', '.join(columns)}) SELECT {', '.join(columns)} FROM read_rows")
    db.unregister("read_rows")


@pytest.fixture
def china(db):
    db.execute("INSERT INTO regions BY NAME " + REGIONS_SOURCE.format(folder=str(DIVISIONS).replace("'", "''")))
    return db


@real
@pytest.mark.real_data
def test_the_select_over_the_real_gazetteer_has_every_division_once(china):
    count, different, located = china.execute(
        "SELECT count(*), count(DISTINCT region_code), count(latitude) FROM regions"
    ).fetchone()
    assert count == different == 3_342
    assert located > 3_000


@real
@pytest.mark.real_data
def test_real_warnings_find_shanghai_by_id_and_lingui_by_its_office(china):
    customers(china, "310104", "310000", "450312", "450300", "110105")
    read_in(china, "qweather-cn/getWarningNow-zh.json")
    read_in(china, "qweather-cn/getWeatherAlertCurrent-zh.json")
    read_in(china, "qweather-cn/getWeatherAlertCurrent-en.json")
    pairs = {(alert_id[-6:], code) for alert_id, code in covered(china)}
    assert pairs == {("681616", "310104"), ("681616", "310000"), ("230391", "450312")}
    assert placed(china)[1] == ("Meteorological Service of New Zealand Limited", None, "unknown")


@real
@pytest.mark.real_data
def test_a_real_earthquake_covers_what_lies_within_100_km_of_it(china):
    china.execute("INSERT INTO customers (customer_id, region_code) SELECT region_code, region_code FROM regions")
    read_in(china, "gdacs/gdacs-archive-orange-2012-2016.xml.gz")
    cover_alerts(china)
    gorkha = china.execute("SELECT region_code FROM alert_cover WHERE alert_id = 'gdacs:EQ1054582'").fetchall()
    assert gorkha == [("540235",)]  # Nyalam county in Tibet, next to the Nepal earthquake of 12 May 2015


@real
@pytest.mark.real_data
def test_every_county_office_is_found_unless_its_name_is_shared(china):
    names = [name for (name,) in china.execute("SELECT name FROM regions").fetchall()]
    china.execute(
        "INSERT INTO alerts (alert_id, event, effective_at, places) VALUES ('A', 'x', '2026-08-01 00:00:00+00', ?)",
        [[f"{name}气象台" for name in sorted(set(names))]],
    )
    cover_alerts(china)
    wrong = china.execute("""
        SELECT place, p.region_code, reason, list(r.region_code) AS regions
        FROM alert_places p JOIN regions r ON r.name || '气象台' = p.place GROUP BY ALL
        HAVING CASE WHEN len(regions) = 1 THEN p.region_code IS DISTINCT FROM regions[1] ELSE reason <> 'ambiguous' END
    """).fetchall()
    assert wrong == []
