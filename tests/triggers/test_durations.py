from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from triggers.durations import Offset, Span

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


class Waiting(BaseModel):
    offset: Offset = Offset(0, "d")
    wait: Span = Span(0, "d")


@pytest.mark.parametrize(
    ("text", "count", "unit"),
    [("-60d", -60, "d"), ("30d", 30, "d"), ("2w", 2, "w"), ("-1mo", -1, "mo"), ("24h", 24, "h"), ("+3d", 3, "d")],
)
def test_offsets_are_read_with_their_sign(text: str, count: int, unit: str) -> None:
    assert Waiting.model_validate({"offset": text}).offset == Offset(count, unit)


@pytest.mark.parametrize("text", ["", "60", "d", "60 d", "60days", "1.5d", "--1d", "6Od", "1d\n", "٣d", 60, None, True])
def test_what_is_no_length_of_time_is_refused_with_the_forms_to_write(text: object) -> None:
    with pytest.raises(ValidationError, match="is no length of time; write -60d, 30d, 2w, -1mo or 24h"):
        Waiting.model_validate({"offset": text})


def test_a_span_has_no_sign() -> None:
    with pytest.raises(ValidationError, match="is no length of time; write 24h, 14d, 2w or 1mo"):
        Waiting.model_validate({"wait": "-1d"})
    with pytest.raises(ValueError, match="negative"):
        Span(-1, "d")


def test_a_span_is_not_taken_for_an_offset_nor_an_unknown_unit_for_a_unit() -> None:
    with pytest.raises(ValidationError, match="is no length of time"):
        Waiting(offset=Span(3, "d"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'y' is no unit of time"):
        Offset(1, "y")


@pytest.mark.parametrize("text", ["36501d", "-1201mo", "5201w", "876001h"])
def test_more_than_a_hundred_years_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="longer than a hundred years"):
        Waiting.model_validate({"offset": text})


def test_a_length_is_written_as_it_was_read() -> None:
    waiting = Waiting.model_validate({"offset": "-60d", "wait": "14d"})
    assert waiting.model_dump_json() == '{"offset":"-60d","wait":"14d"}'
    assert Waiting.model_validate_json(waiting.model_dump_json()) == waiting


def test_the_schema_accepts_what_the_model_accepts() -> None:
    schema = TypeAdapter(Offset).json_schema()
    assert schema == {
        "type": "string",
        "pattern": "^[+-]?[0-9]{1,6}(h|d|w|mo)$",
        "examples": ["-60d", "30d", "2w", "-1mo", "24h"],
    }
    validator = Draft202012Validator(schema)
    assert validator.is_valid("-60d")
    assert not validator.is_valid("60 days")


def test_exact_lengths_have_a_timedelta_and_months_have_none() -> None:
    assert Offset.parse("-2w").timedelta == timedelta(days=-14)
    assert Span.parse("24h").timedelta == timedelta(days=1)
    assert not Span.parse("1mo").exact
    with pytest.raises(ValueError, match="no fixed length"):
        _ = Span.parse("1mo").timedelta


def test_sql_intervals_keep_their_unit() -> None:
    assert Offset.parse("-60d").interval.sql("duckdb") == "INTERVAL '-60' DAY"
    assert Offset.parse("-1mo").interval.sql("spark") == "INTERVAL '-1' MONTH"


@pytest.mark.parametrize(
    ("day", "offset", "expected"),
    [
        (date(2026, 3, 31), "-1mo", date(2026, 2, 28)),
        (date(2024, 3, 31), "-1mo", date(2024, 2, 29)),
        (date(2026, 1, 31), "1mo", date(2026, 2, 28)),
        (date(2026, 1, 15), "-1mo", date(2025, 12, 15)),
        (date(2024, 2, 29), "12mo", date(2025, 2, 28)),
        (date(2026, 5, 1), "-60d", date(2026, 3, 2)),
    ],
)
def test_months_end_where_the_month_ends(day: date, offset: str, expected: date) -> None:
    assert Offset.parse(offset).day_after(day) == expected


def test_hours_do_not_lead_from_day_to_day() -> None:
    with pytest.raises(ValueError, match="write days, weeks or months"):
        Offset.parse("24h").day_after(date(2026, 1, 1))


def test_days_follow_the_clock_and_hours_follow_time_when_summer_begins() -> None:
    before = datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)
    assert Span.parse("1d").after(before) == datetime(2026, 3, 8, 12, tzinfo=NEW_YORK)
    assert Span.parse("24h").after(before) == datetime(2026, 3, 8, 13, tzinfo=NEW_YORK)
    assert Span.parse("1d").after(before).astimezone(UTC) - before.astimezone(UTC) == timedelta(hours=23)


@given(
    st.integers(0, 70 * 365 * 24 * 60),
    st.integers(0, 5000),
    st.sampled_from("hdw"),
)
def test_before_undoes_after_for_exact_lengths(minutes: int, count: int, unit: str) -> None:
    instant = datetime(1992, 1, 1, tzinfo=SHANGHAI) + timedelta(minutes=minutes)
    length = Span(count, unit)
    if unit == "w":
        length = Span(count % 500, unit)
    assert length.before(length.after(instant)).astimezone(UTC) == instant.astimezone(UTC)


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(-600, 600))
def test_shifting_by_months_lands_in_the_month_meant(day: date, months: int) -> None:
    shifted = Offset(months, "mo").day_after(day)
    assert (shifted.year * 12 + shifted.month) - (day.year * 12 + day.month) == months
    assert shifted.day <= day.day
