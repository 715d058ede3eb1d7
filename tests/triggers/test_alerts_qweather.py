"""QWeather: both forms of its answers, its codes of events, and the answers that are no warnings."""

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triggers.alerts import AlertFile, read_alerts
from triggers.alerts.alert import severity_of
from triggers.alerts.perils import CODES, NAMES, peril_of_code, peril_of_name

DATA = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[3] / "shared/data")) / "disaster-alerts/qweather-cn"
real = pytest.mark.skipif(not DATA.is_dir(), reason=f"public data set disaster-alerts not at {DATA}")

WARNING = {
    "id": "10102010020260801080000500681616",
    "sender": "上海中心气象台",
    "pubTime": "2026-08-01T08:00+08:00",
    "title": "上海中心气象台发布台风橙色预警",
    "startTime": "2026-08-01T09:00+08:00",
    "endTime": "2026-08-02T09:00+08:00",
    "status": "active",
    "severity": "Severe",
    "severityColor": "Orange",
    "type": "1001",
    "typeName": "台风",
    "related": "",
}
ALERT = {
    "id": "202608011119",
    "senderName": "临桂区气象台",
    "issuedTime": "2026-08-01T11:19+08:00",
    "messageType": {"code": "update", "supersedes": ["202608010900"]},
    "eventType": {"name": "大风", "code": "1006"},
    "severity": None,
    "color": {"code": "red"},
    "effectiveTime": "2026-08-01T12:00+08:00",
    "expireTime": "2026-08-02T12:00+08:00",
    "headline": "临桂区气象台更新大风红色预警信号",
}


@pytest.fixture
def read(tmp_path: Path):
    def reader(document: object) -> AlertFile:
        path = tmp_path / "answer.json"
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        return read_alerts(path)

    return reader


def test_a_warning_is_placed_by_the_first_nine_digits_of_its_id(read):
    found = read({"code": "200", "warning": [WARNING]})
    assert found.faults == []
    assert found.rows == [
        {
            "alert_id": "qweather:10102010020260801080000500681616",
            "source": "上海中心气象台",
            "event": "typhoon",
            "severity": "severe",
            "effective_at": datetime(2026, 8, 1, 1, tzinfo=UTC),
            "expires_at": datetime(2026, 8, 2, 1, tzinfo=UTC),
            "region_codes": [],
            "polygon": None,
            "status": "active",
            "headline": "上海中心气象台发布台风橙色预警",
            "recorded_at": datetime(2026, 8, 1, 0, tzinfo=UTC),
            "places": ["101020100"],
            "codes": ["QWeather:1001"],
            "message_id": "qweather:10102010020260801080000500681616",
            "supersedes": [],
        }
    ]


def test_an_alert_of_the_newer_form_is_placed_by_its_office_and_updates_the_earlier(read):
    row = read({"metadata": {}, "alerts": [ALERT]}).rows[0]
    assert (row["places"], row["event"], row["severity"]) == (["临桂区气象台"], "gale", "extreme")
    assert (row["alert_id"], row["message_id"]) == ("qweather:202608010900", "qweather:202608011119")


def test_a_cancelled_warning_says_so(read):
    assert read({"warning": [WARNING | {"status": "cancel"}]}).rows[0]["status"] == "cancelled"
    assert (
        read({"alerts": [ALERT | {"messageType": {"code": "cancel", "supersedes": []}}]}).rows[0]["status"]
        == "cancelled"
    )


def test_a_warning_related_to_an_earlier_one_belongs_to_it(read):
    later = WARNING | {"id": "10102010020260801100000500681616", "related": WARNING["id"]}
    assert len({row["alert_id"] for row in read({"warning": [WARNING, later]}).rows}) == 1


def test_no_warnings_in_force_is_no_fault(read):
    assert read({"code": "200", "warning": []}) == AlertFile([], [])


def test_a_refused_request_is_a_fault(read):
    assert read({"code": "402"}).faults[0].message == "JSON without the warnings of a QWeather answer: code 402"


def test_a_warning_without_time_is_a_fault_on_its_line_and_the_others_stay(read):
    found = read({"warning": [WARNING, WARNING | {"id": "10102020020260801", "pubTime": "", "startTime": None}]})
    assert len(found.rows) == 1
    assert [(fault.line, fault.message) for fault in found.faults] == [
        (18, "a warning without id, event or time is not read")
    ]


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        (("Minor", "Red"), "minor"),
        (("", "Blue"), "minor"),
        ((None, "yellow"), "moderate"),
        (("Unknown", "橙色"), "severe"),
        (("", "red"), "extreme"),
        (("Major",), "severe"),
        (("Unknown", "White", ""), None),
    ],
)
def test_severity_comes_from_the_word_else_from_the_colour(words, severity):
    assert severity_of(*words) == severity


def test_an_unknown_code_keeps_the_name_of_the_provider(read):
    event = {"type": "9998", "typeName": "Meteor shower"}
    assert read({"warning": [WARNING | event]}).rows[0]["event"] == "Meteor shower"


def test_every_peril_has_names_and_codes_and_no_code_has_two_perils():
    codes = [code for text in CODES.values() for code in text.split()]
    assert set(CODES) == set(NAMES)
    assert len(codes) == len(set(codes))


@real
@pytest.mark.real_data
def test_the_codes_of_the_provider_and_their_english_names_lead_to_the_same_perils():
    with (DATA / "alert-events.csv").open(encoding="utf-8") as file:
        events = list(csv.DictReader(file))
    known = {event["type"] for event in events}
    by_name = {event["type"]: peril_of_name(event["type_name_en"]) for event in events}
    named = {code: peril for code, peril in by_name.items() if peril}
    assert {code for text in CODES.values() for code in text.split()} <= known
    assert {code: (peril_of_code(code), peril) for code, peril in named.items() if peril_of_code(code) != peril} == {}


@real
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "event", "places"),
    [
        ("getWarningNow-zh.json", "gale", ["101020100"]),
        ("getWarningNow-en.json", "gale", ["101020100"]),
        ("getWeatherAlertCurrent-zh.json", "gale", ["临桂区气象台"]),
        ("getWeatherAlertCurrent-en.json", "gale", ["Meteorological Service of New Zealand Limited"]),
    ],
)
def test_real_answers_are_read(name, event, places):
    found = read_alerts(DATA / name)
    assert [(row["event"], row["places"]) for row in found.rows] == [(event, places)]
    assert found.faults == []


@real
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("getStormList-zh.json", "a list of storms"),
        ("getStormTrack.json", "the track of a storm"),
        ("getStormForecast.json", "the forecast of a storm"),
    ],
)
def test_answers_about_storms_are_refused_with_what_to_use_instead(name, what):
    found = read_alerts(DATA / name)
    assert found.rows == []
    wanted = f"this answer is {what}, not a list of warnings: use warning/now or weatheralert/current"
    assert [fault.message for fault in found.faults] == [wanted]
