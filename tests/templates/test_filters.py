"""Dates, amounts, lists and codes in words, exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from templates.faults import UnsayableError
from templates.filters import filters

DAY = date(2026, 11, 3)
SHANGHAI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("locale", "style", "words"),
    [
        ("zh-CN", "long", "2026年11月3日"),
        ("zh-CN", "medium", "2026年11月3日"),
        ("zh-CN", "short", "2026/11/3"),
        ("en", "long", "3 November 2026"),
        ("en", "medium", "3 Nov 2026"),
        ("en", "short", "03/11/2026"),
        ("en-US", "long", "November 3, 2026"),
        ("de", "long", "3. November 2026"),
    ],
)
def test_a_date_is_said_in_the_style_asked_for(locale, style, words):
    assert filters(locale)["date"](DAY, style) == words


def test_an_instant_is_said_as_its_own_clock_shows_it():
    night = datetime(2026, 11, 2, 20, 5, tzinfo=UTC)
    morning = night.astimezone(SHANGHAI)
    say = filters("zh-CN")
    assert night == morning
    assert [say["datetime"](night), say["datetime"](morning)] == ["2026年11月2日 20:05", "2026年11月3日 04:05"]
    assert [say["date"](night), say["date"](morning)] == ["2026年11月2日", "2026年11月3日"]
    assert filters("en")["datetime"](morning, "medium") == "3 Nov 2026, 04:05"
    assert say["day"](morning) == DAY


def test_day_and_month_leave_the_year_out():
    assert [filters(locale)["day_month"](DAY) for locale in ("zh-CN", "en", "en-US")] == [
        "11月3日",
        "3 November",
        "November 3",
    ]


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [(1, "1天", "1 day"), (60, "60天", "60 days"), (2.0, "2天", "2 days"), (timedelta(days=7), "7天", "7 days")],
)
def test_days_are_counted_in_words(value, chinese, english):
    assert filters("zh-CN")["days"](value) == chinese
    assert filters("en")["days"](value) == english


@pytest.mark.parametrize(
    ("value", "currency", "chinese", "english"),
    [
        (1200, "CNY", "¥1,200.00", "CN¥1,200.00"),
        (1200.5, "CNY", "¥1,200.50", "CN¥1,200.50"),
        (Decimal("1234567.891"), "CNY", "¥1,234,567.89", "CN¥1,234,567.89"),
        (1200, "USD", "US$1,200.00", "$1,200.00"),
        (1200, "JPY", "JP¥1,200", "¥1,200"),
        (-1200, "CNY", "-¥1,200.00", "-CN¥1,200.00"),
        (0, "CNY", "¥0.00", "CN¥0.00"),
        (-0.0, "CNY", "¥0.00", "CN¥0.00"),
    ],
)
def test_money_is_said_with_its_currency(value, currency, chinese, english):
    assert filters("zh-CN")["money"](value, currency) == chinese
    assert filters("en")["money"](value, currency) == english


@given(
    st.decimals(-(10**9), 10**9, places=4) | st.floats(-1e9, 1e9),
    st.sampled_from(["CNY", "USD", "JPY", "KWD", "EUR"]),
    st.sampled_from(["zh-CN", "en", "de", "hi-IN"]),
)
def test_money_is_what_babel_says_but_for_a_minus_before_nothing(value, currency, locale):
    said = format_currency(value, currency, locale=locale.replace("-", "_"))
    nothing = not any(figure in said for figure in "123456789")
    wanted = (
        format_currency(0, currency, locale=locale.replace("-", "_")) if nothing and locale in {"zh-CN", "en"} else said
    )
    assert filters(locale)["money"](value, currency) == wanted


@pytest.mark.parametrize("currency", ["RMB", "cny", "", None, 3, "¥"])
def test_an_amount_needs_a_currency_there_is(currency):
    with pytest.raises(UnsayableError, match="is not a currency of ISO 4217"):
        filters("en")["money"](1, currency)


@pytest.mark.parametrize("name", ["number", "percent", "round"])
@pytest.mark.parametrize("value", [None, "12", True, float("nan"), float("inf"), [1]])
def test_what_is_no_number_is_not_said_as_one(name, value):
    with pytest.raises(UnsayableError, match="is not a number"):
        filters("en")[name](value)


def test_numbers_and_shares():
    say = filters("en")
    assert [say["number"](1234567.5), say["number"](2, 2), say["number"](2.5, 0)] == ["1,234,567.5", "2.00", "2"]
    assert [say["percent"](share) for share in (0.3, 0.125, 0.12345, 1, Decimal("0.05"))] == [
        *("30%", "12.5%", "12.3%", "100%", "5%"),
    ]


def test_rounding_is_the_one_taught_at_school():
    assert [filters("en")["round"](value) for value in (0.5, 1.5, 2.5, 2.4)] == [1, 2, 3, 2]
    assert filters("en")["round"](2.345, 2) == Decimal("2.35")


def test_a_list_is_joined_as_the_language_does():
    items = ["a", "b", 3]
    assert [filters(locale)["join_list"](items) for locale in ("zh-CN", "en", "en-US")] == [
        *("a、b、3", "a, b and 3", "a, b, and 3"),
    ]
    assert filters("en")["join_list"](["a"]) == "a"
    assert filters("en")["join"](["a", "b"], "/") == "a/b"


@pytest.mark.parametrize("value", [[], None, "ab", {"a": 1}, [None], [["a"]], [True], ["a"] * 101])
def test_what_is_no_list_of_texts_is_not_joined(value):
    with pytest.raises(UnsayableError):
        filters("zh-CN")["join_list"](value)


def test_the_plain_filters():
    say = filters("en")
    assert [say["upper"]("aß"), say["lower"]("AB"), say["title"]("o'neil they're"), say["trim"](" a ")] == [
        *("ASS", "ab", "O'neil They're", "a"),
    ]
    assert [say["length"]([1, 2]), say["length"]("abc"), say["first"]([7, 8]), say["ending"]("P12345", 3)] == [
        2,
        3,
        7,
        "345",
    ]
    assert [say["default"](value, "x") for value in (None, "", " ", 0, False, "a")] == ["x", "x", "x", 0, False, "a"]


@pytest.mark.parametrize("name", ["upper", "lower", "title", "trim", "ending", "length", "first"])
def test_a_plain_filter_refuses_no_value(name):
    with pytest.raises(UnsayableError):
        filters("en")[name](None)


@pytest.mark.parametrize("name", ["date", "day_month", "datetime", "days", "day"])
@pytest.mark.parametrize("value", [None, "2026-11-03", True])
def test_what_is_no_time_is_not_said_as_one(name, value):
    with pytest.raises(UnsayableError):
        filters("zh-CN")[name](value)


def test_codes_become_words():
    chinese, english = filters("zh-CN"), filters("en")
    assert [chinese["line_name"](code) for code in ("motor", "LIFE", "boiler", None)] == [
        "车险",
        "寿险",
        "保险",
        "保险",
    ]
    assert [english["line_name"](code) for code in ("motor", "boiler")] == ["motor insurance", "insurance"]
    assert [chinese["peril"](code) for code in ("typhoon", "台风", "cold_wave", "UFO")] == [
        "台风",
        "台风",
        "寒潮",
        "灾害性天气",
    ]
    assert [english["peril"](code) for code in ("Typhoon", "台风", "暴雨", None)] == [
        *("typhoon", "typhoon", "heavy rain", "severe weather"),
    ]
