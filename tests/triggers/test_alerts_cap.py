"""CAP: what a message says, in which chain it stands, and what is kept of a faulty one."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triggers.alerts import AlertFile, join_alerts, read_alerts

DATA = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[3] / "shared/data")) / "disaster-alerts/cap"
real = pytest.mark.skipif(not DATA.is_dir(), reason=f"public data set disaster-alerts not at {DATA}")
SQUARE = "<polygon>30,120 30,122 32,122 32,120 30,120</polygon>"


def info(extra: str = "", language: str = "zh-CN", event: str = "台风", headline: str = "台风红色预警") -> str:
    return (
        f"<info><language>{language}</language><category>Met</category><event>{event}</event><urgency>Immediate</urgency>"
        f"<severity>Severe</severity><certainty>Likely</certainty><expires>2026-08-02T12:00:00+08:00</expires>"
        f"<senderName>上海中心气象台</senderName><headline>{headline}</headline>{extra}</info>"
    )


def alert(
    identifier: str = "A1",
    *infos: str,
    kind: str = "Alert",
    status: str = "Actual",
    references: str = "",
    sent: str = "2026-08-01T08:00:00+08:00",
    version: str = "1.2",
) -> str:
    refers = f"<references>{references}</references>" if references else ""
    return (
        f'<alert xmlns="urn:oasis:names:tc:emergency:cap:{version}"><identifier>{identifier}</identifier>'
        "<sender>s</sender>"
        f"<sent>{sent}</sent><status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>"
        f"{refers}{''.join(infos)}</alert>"
    )


def area(content: str, description: str = "Somewhere") -> str:
    return f"<area><areaDesc>{description}</areaDesc>{content}</area>"


def geocode(scheme: str, value: str) -> str:
    return f"<geocode><valueName>{scheme}</valueName><value>{value}</value></geocode>"


@pytest.fixture
def read(tmp_path: Path):
    def reader(document: str | bytes) -> AlertFile:
        path = tmp_path / "alert.xml"
        path.write_bytes(document if isinstance(document, bytes) else document.encode())
        return read_alerts(path)

    return reader


def feed(*alerts: str) -> str:
    entries = "".join(f"<entry><id>e</id><content>{each}</content></entry>" for each in alerts)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_an_alert_of_any_version_becomes_one_row_of_the_view(read, version):
    found = read(alert("A1", info(area(SQUARE + geocode("GB/T 2260", "310000"))), version=version))
    assert found.faults == []
    assert found.rows == [
        {
            "alert_id": "A1",
            "source": "上海中心气象台",
            "event": "typhoon",
            "severity": "severe",
            "effective_at": datetime(2026, 8, 1, 0, tzinfo=UTC),
            "expires_at": datetime(2026, 8, 2, 4, tzinfo=UTC),
            "region_codes": ["310000"],
            "polygon": "POLYGON ((120 30, 122 30, 122 32, 120 32, 120 30))",
            "status": "active",
            "headline": "台风红色预警",
            "recorded_at": datetime(2026, 8, 1, 0, tzinfo=UTC),
            "places": [],
            "codes": [],
            "message_id": "A1",
            "supersedes": [],
        }
    ]


def test_the_headline_is_in_the_best_liked_language(read, tmp_path):
    infos = (
        info(language="fr-CA", event="orages", headline="orages"),
        info(language="en-CA", event="Storm x", headline="storm"),
    )
    assert read(alert("A1", *infos)).rows[0]["headline"] == "storm"
    assert read(alert("A1", *infos, info())).rows[0]["headline"] == "台风红色预警"
    french = read_alerts(tmp_path / "alert.xml", languages=("fr", "en")).rows[0]
    assert (french["headline"], french["event"]) == ("orages", "typhoon")


def test_several_blocks_cover_all_areas_and_are_as_bad_as_the_worst(read):
    mild = info(area(geocode("AD_code", "310104"))).replace("Severe", "Minor")
    wild = info(area(geocode("AD_code", "310105"))).replace("Severe", "Extreme").replace("08-02T12", "08-03T12")
    row = read(alert("A1", mild, wild)).rows[0]
    assert (row["severity"], row["region_codes"]) == ("extreme", ["310104", "310105"])
    assert row["expires_at"] == datetime(2026, 8, 3, 4, tzinfo=UTC)


def test_an_event_kairos_has_no_word_for_keeps_the_name_its_issuer_gave(read):
    assert read(alert("A1", info(event="Zonda wind of the Andes"))).rows[0]["event"] == "Zonda wind of the Andes"


def test_codes_of_other_schemes_are_kept_but_cover_nothing(read):
    row = read(alert("A1", info(area(geocode("SAME", "006037 006059") + geocode("UGC", "CAZ041"))))).rows[0]
    assert (row["region_codes"], row["codes"]) == ([], ["SAME:006037", "SAME:006059", "UGC:CAZ041"])


def test_a_state_code_beside_a_shape_does_not_widen_it_to_the_state(read):
    iso = geocode("ISO 3166-2", "AU-NSW")
    assert read(alert("A1", info(area(iso)))).rows[0]["region_codes"] == ["AU-NSW"]
    assert read(alert("A1", info(area(SQUARE + iso)))).rows[0]["region_codes"] == []


def test_an_area_only_described_in_chinese_is_a_place_to_resolve(read):
    assert read(alert("A1", info(area("", "北京市朝阳区；海淀区")))).rows[0]["places"] == ["北京市朝阳区", "海淀区"]
    assert read(alert("A1", info(area("", "Humboldt")))).rows[0]["places"] == []


def test_updates_and_the_cancellation_share_the_id_of_the_first_alert(read):
    first = "s,A1,2026-08-01T08:00:00+08:00"
    second = "s,A2,2026-08-01T10:00:00+08:00"
    update = alert("A2", info(), kind="Update", references=first, sent="2026-08-01T10:00:00+08:00")
    cancel = alert("A3", kind="Cancel", references=second, sent="2026-08-01T11:00:00+08:00")
    rows = read(feed(cancel, update, alert("A1", info(area(SQUARE))))).rows
    assert [(row["message_id"], row["alert_id"], row["status"]) for row in rows] == [
        ("A3", "A1", "cancelled"),
        ("A2", "A1", "active"),
        ("A1", "A1", "active"),
    ]


def test_a_bare_cancellation_takes_what_it_does_not_say_from_what_it_cancels(read):
    cancel = alert("A2", kind="Cancel", references="s,A1,2026-08-01T08:00:00+08:00", sent="2026-08-01T11:00:00+08:00")
    row = read(feed(alert("A1", info(area(geocode("adcode", "310104")))), cancel)).rows[1]
    assert (row["event"], row["severity"], row["region_codes"]) == ("typhoon", "severe", ["310104"])
    assert read(cancel).rows[0]["event"] == "other"


def test_cancelling_two_alerts_at_once_ends_both(read):
    both = "s,A1,2026-08-01T08:00:00+08:00 s,B1,2026-08-01T08:00:00+08:00"
    cancel = alert("C1", kind="Cancel", references=both, sent="2026-08-01T11:00:00+08:00")
    rows = read(feed(alert("A1", info()), alert("B1", info()), cancel)).rows
    assert {row["alert_id"] for row in rows if row["status"] == "cancelled"} == {"A1", "B1"}
    assert join_alerts(rows) == rows


def test_a_chain_spread_over_files_is_joined_afterwards(read):
    first = read(alert("A1", info())).rows
    second = read(alert("A2", info(), kind="Update", references="s,A1,2026-08-01T08:00:00+08:00")).rows
    third = read(alert("A3", info(), kind="Update", references="s,A2,2026-08-01T10:00:00+08:00")).rows
    assert third[0]["alert_id"] == "A2"
    assert [row["alert_id"] for row in join_alerts(third + second + first)] == ["A1", "A1", "A1"]


def test_messages_that_refer_to_each_other_in_a_circle_do_not_hang(read):
    one = alert("A1", info(), kind="Update", references="s,A2,2026-08-01T08:00:00Z")
    two = alert("A2", info(), kind="Update", references="s,A1,2026-08-01T08:00:00Z")
    assert len(read(feed(one, two)).rows) == 2


def test_an_update_saying_all_clear_ends_the_alert(read):
    clear = info().replace("<urgency>", "<responseType>AllClear</responseType><urgency>")
    reference = "s,A1,2026-08-01T08:00:00Z"
    assert read(alert("A2", clear, kind="Update", references=reference)).rows[0]["status"] == "cancelled"
    assert read(alert("A2", clear, info(), kind="Update", references=reference)).rows[0]["status"] == "active"


@pytest.mark.parametrize("status", ["Test", "Exercise", "Draft", "System"])
def test_what_is_not_actual_is_a_test(read, status):
    assert read(alert("A1", info(), status=status)).rows[0]["status"] == "test"
    assert (
        read(alert("A2", kind="Cancel", status=status, references="s,A1,2026-08-01T08:00:00Z")).rows[0]["status"]
        == "test"
    )


def test_an_unknown_status_warns_nobody_and_is_a_fault(read):
    found = read(alert("A1", info(), status="Actuel"))
    assert found.rows[0]["status"] == "test"
    assert "'Actuel'" in found.faults[0].message


@pytest.mark.parametrize("kind", ["Ack", "Error"])
def test_messages_about_messages_are_no_alerts(read, kind):
    found = read(alert("A1", info(), kind=kind, references="s,A0,2026-08-01T08:00:00Z"))
    assert found.rows == []
    assert found.faults[0].message == f"message A1 ({kind}) is about messages, not about a danger"


def test_a_time_without_offset_is_read_as_utc_and_reported(read):
    found = read(alert("A1", info(), sent="2026-08-01T08:00:00"))
    assert found.rows[0]["recorded_at"] == datetime(2026, 8, 1, 8, tzinfo=UTC)
    assert "no offset" in found.faults[0].message


def test_a_bad_polygon_is_left_out_and_the_good_one_beside_it_kept(read):
    found = read(alert("A1", "\n", info(area("\n<polygon>30,120 95,200 31,121</polygon>" + SQUARE))))
    assert found.rows[0]["polygon"] == "POLYGON ((120 30, 122 30, 122 32, 120 32, 120 30))"
    assert [(fault.line, fault.message) for fault in found.faults] == [
        (3, "polygon left out: '95,200' is not on the globe")
    ]


def test_a_feed_that_breaks_off_keeps_the_alerts_before_the_break(read):
    whole = feed(alert("A1", info()), alert("A2", info()))
    found = read(whole[: whole.index("A2") + 20])
    assert [row["alert_id"] for row in found.rows] == ["A1"]
    assert ["not well-formed" in fault.message for fault in found.faults] == [True, False]
    assert "cut off" in found.faults[1].message


def test_an_envelope_hands_out_the_alerts_inside_it(read):
    body = "".join(
        f"<contentObject><xmlContent><embeddedXMLContent>{alert(name, info())}</embeddedXMLContent></xmlContent>"
        "</contentObject>"
        for name in ("A1", "A2")
    )
    document = f'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0">{body}</EDXLDistribution>'
    assert [row["alert_id"] for row in read(document).rows] == ["A1", "A2"]


def test_a_document_in_gbk_is_read(read):
    text = '<?xml version="1.0" encoding="GBK"?>' + alert("A1", info(headline="龙卷风"))
    assert read(text.encode("gbk")).rows[0]["headline"] == "龙卷风"


def test_entities_that_multiply_are_refused(read):
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    found = read(f'<!DOCTYPE alert [<!ENTITY l0 "ha">{levels}]>' + alert("&l9;", info()))
    assert found.rows == []
    assert "EntitiesForbidden" in found.faults[0].message


def test_entities_that_fetch_files_are_refused(read, tmp_path):
    (tmp_path / "secret").write_text("secret")
    found = read(f'<!DOCTYPE alert [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>' + alert("&x;", info()))
    assert found.rows == []
    assert "refused" in found.faults[0].message


def test_elements_nested_without_end_are_refused(read):
    found = read("<alert>" * 50_000)
    assert found.rows == []
    assert "nested more than 100 deep" in found.faults[0].message


@real
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "rows", "faults"),
    [
        ("australia.cap", 1, 0),
        ("bushfire_invalid.edxlde", 6, 1),
        ("bushfire_valid.edxlde", 7, 0),
        ("canada.cap", 1, 0),
        ("canada_errors.cap", 1, 1),
        ("canada_signed.atom", 1, 0),
        ("canada_signed.cap", 1, 0),
        ("earthquake-iso8859-1.cap", 1, 0),
        ("earthquake.cap", 1, 0),
        ("earthquake_signed.cap", 1, 0),
        ("no_entries.atom", 0, 1),
        ("no_optional_fields.cap", 0, 1),
        ("noaa_errors.cap", 1, 2),
        ("wcatwc-warning.cap", 1, 0),
        ("weather.atom", 1, 0),
        ("weather.cap", 1, 0),
        ("weather_index.atom", 2, 0),
        ("weather_invalid.atom", 1, 1),
    ],
)
def test_real_messages_give_their_alerts_and_only_their_faults(name, rows, faults):
    found = read_alerts(DATA / name)
    assert (len(found.rows), len(found.faults)) == (rows, faults)


@real
@pytest.mark.real_data
def test_a_real_index_feed_gives_event_codes_and_times_without_its_alerts():
    row = read_alerts(DATA / "weather_index.atom").rows[0]
    assert (row["event"], row["severity"]) == ("air_pollution", None)
    assert row["codes"] == ["FIPS6:009007", "FIPS6:009009", "FIPS6:009011", "FIPS6:044009"]
    assert row["expires_at"] == datetime(2010, 9, 1, 3, 15, tzinfo=UTC)


@real
@pytest.mark.real_data
def test_a_real_bilingual_update_belongs_to_the_earliest_alert_it_refers_to():
    row = read_alerts(DATA / "canada.cap").rows[0]
    assert (row["alert_id"], row["status"]) == ("2.49.0.1.124.a3f342a4.2012", "cancelled")
    assert (row["event"], row["headline"]) == ("thunderstorm", "severe thunderstorm watch")


@real
@pytest.mark.real_data
def test_real_names_with_accents_survive_their_encoding():
    assert "Usulután" in (read_alerts(DATA / "earthquake-iso8859-1.cap").rows[0]["headline"] or "")
