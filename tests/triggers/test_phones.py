"""Phone numbers: the fast way in SQL and the library give one answer."""

from __future__ import annotations

import random

import duckdb
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers.phones import abroad, e164, usual_spellings
from triggers.testing import facts

REGIONS = ("CN", "US", "DE", "GB", "IT", "BR", "JP", "SG", "KZ", "FR", "HK", "AR", "MX")


def fast(texts: list[str], region: str) -> list[str | None]:
    return read(texts, usual_spellings("t", region))


def read(texts: list[str], sql: str) -> list[str | None]:
    db = duckdb.connect()
    db.execute("CREATE TABLE n (place INTEGER, t VARCHAR)")
    db.executemany("INSERT INTO n VALUES (?, ?)", list(enumerate(texts)))
    return [row[0] for row in db.execute(f"SELECT {sql} FROM n ORDER BY place").fetchall()]


def differences(texts: list[str], region: str) -> list[tuple[str, str, str | None]]:
    """Texts that SQL takes for a number which the library reads otherwise."""
    return [
        (text, quick, e164(text, region))
        for text, quick in zip(texts, fast(texts, region), strict=True)
        if quick is not None and quick != e164(text, region)
    ]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13812345678", "+8613812345678"),
        ("138 1234 5678", "+8613812345678"),
        ("138-1234-5678", "+8613812345678"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("8613812345678", "+8613812345678"),
        ("010-88886666", "+861088886666"),
        ("(021) 6888 6666", "+862168886666"),
    ],
)
def test_the_usual_chinese_spellings_need_no_library(written: str, number: str) -> None:
    assert fast([written], "CN") == [number]
    assert e164(written, "CN") == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0086 13812345678", "+8613812345678"),
        ("+44 20 7946 0958", "+442079460958"),
        ("１３８１２３４５６７８", "+8613812345678"),
    ],
)
def test_unusual_spellings_go_through_the_library(written: str, number: str) -> None:
    assert fast([written], "CN") == [None]
    with facts("2026-03-01", customers=[{"customer_id": "C1", "phone": written}]) as known:
        assert known.db.execute("SELECT phone FROM customers").fetchall() == [(number,)]


@pytest.mark.parametrize("region", REGIONS)
def test_both_ways_agree_on_numbers_like_real_ones(region: str) -> None:
    draw = random.Random(region)
    example = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert example is not None
    kinds = [kind.example_number for kind in (example.mobile, example.fixed_line) if kind and kind.example_number]
    code, prefix = str(example.country_code), example.national_prefix or ""
    texts = []
    for _ in range(1_500):
        digits = list(draw.choice(kinds))
        for _ in range(draw.randrange(5)):
            digits[draw.randrange(len(digits))] = draw.choice("0123456789")
        national = "".join(digits)
        before = draw.choice(["", "+" + code, code, prefix, "+" + code + prefix, "00" + code, code + code, "+"])
        gap = draw.choice(["", " ", "-", ".", " ("])
        texts.append(f"{before}{gap}{national[:3]}{gap}{national[3:]}")
    assert differences(texts, region) == []
    assert any(fast(texts, region)) or region in ("KZ", "AR"), "no text took the fast way: nothing was compared"


def test_numbers_of_other_countries_are_read_both_ways_alike() -> None:
    draw, texts, codes = random.Random(5), [], set()
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.PhoneMetadata.metadata_for_region(region)
        if example is None or example.mobile is None or not example.mobile.example_number:
            continue
        codes.add(int(example.country_code or 0))
        for _ in range(40):
            digits = list(example.mobile.example_number)
            for _ in range(draw.randrange(4)):
                digits[draw.randrange(len(digits))] = draw.choice("0123456789")
            before = draw.choice(["+", "+", "+", "", "+0"]) + str(example.country_code)
            gap = draw.choice(["", " ", "-", ""])
            texts.append(f"{before}{gap}{''.join(digits)}")
    quick = read(texts, abroad("t", sorted(codes)))
    assert [(text, got) for text, got in zip(texts, quick, strict=True) if got and got != e164(text, "CN")] == []
    assert sum(number is not None for number in quick) > len(texts) / 4


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(alphabet="0123456789 +-().", min_size=1, max_size=18), min_size=1, max_size=60),
    st.sampled_from(REGIONS),
)
def test_both_ways_agree_on_anything_made_of_digits(texts: list[str], region: str) -> None:
    assert differences(texts, region) == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.from_regex(r"(\+?86)?0?1[3-9][0-9]{9}|0?(10|2[0-9]|3[0-9]{2})[0-9]{7,8}", fullmatch=True),
        min_size=1,
        max_size=40,
    )
)
def test_both_ways_agree_on_chinese_numbers(texts: list[str]) -> None:
    assert differences(texts, "CN") == []


def test_a_number_nobody_can_have_is_nulled_and_listed() -> None:
    customers = [{"customer_id": "C1", "phone": "95500"}, {"customer_id": "C2", "phone": "call me"}]
    with facts("2026-03-01", customers=customers) as known:
        assert known.db.execute("SELECT phone FROM customers").fetchall() == [(None,), (None,)]
        listed = known.db.execute("SELECT row, reason, column_name, value, kind FROM rejects ORDER BY row").fetchall()
    assert listed == [
        (1, "phone_invalid", "phone", "95500", "value"),
        (2, "phone_invalid", "phone", "call me", "value"),
    ]


def test_numbers_without_a_country_belong_to_the_default_region() -> None:
    customers = [{"customer_id": "C1", "phone": "(415) 555-2671"}]
    with facts("2026-03-01", default_phone_region="US", customers=customers) as known:
        assert known.db.execute("SELECT phone FROM customers").fetchall() == [("+14155552671",)]


def test_a_region_without_telephones_is_refused() -> None:
    with pytest.raises(ValueError, match="'XX' is not a region"):
        usual_spellings("t", "XX")
