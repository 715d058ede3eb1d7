"""Codes of regions: how they are written, and what lies in what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.region_codes import ancestors, canonical, covers, stem

DIVISIONS = st.from_regex(r"[1-8][0-9]([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?", fullmatch=True)


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("310000", "31"),
        ("310100", "3101"),
        ("310104", "310104"),
        ("441900003", "441900003"),
        ("310104001000", "310104001"),
    ],
)
def test_the_stem_is_what_all_codes_below_begin_with(code, digits):
    assert stem(code) == digits


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("31", "310000"),
        ("3101", "310100"),
        ("310104000", "310104"),
        ("310104000000", "310104"),
        ("CN-SH", "310000"),
        ("HK", "810000"),
        ("CN-HK", "810000"),
        (" au-nsw ", "AU-NSW"),
        ("nowhere", "NOWHERE"),
        ("12345", "12345"),
        ("", ""),
    ],
)
def test_a_code_has_one_canonical_form(written, code):
    assert canonical(written) == code


@pytest.mark.parametrize(
    ("code", "above"),
    [
        ("310104001007", ("310104001", "310104", "310100", "310000", "CN")),
        ("441900003", ("441900", "440000", "CN")),
        ("310000", ("CN",)),
        ("CN", ()),
        ("AU-NSW", ("AU",)),
        ("nowhere", ()),
    ],
)
def test_ancestors_come_smallest_first(code, above):
    assert ancestors(code) == above


def test_a_province_covers_its_districts_and_a_district_not_its_city():
    assert covers("310000", "310104")
    assert covers("310100", "310104001007")
    assert not covers("310104", "310100")
    assert not covers("310000", "320100")
    assert covers("AU", "AU-NSW")
    assert not covers("AU-N", "AU-NSW")


@given(DIVISIONS)
def test_canonical_is_its_own_canonical_form_and_every_ancestor_covers(code):
    assert canonical(canonical(code)) == canonical(code)
    assert covers(code, code)
    assert all(covers(above, code) and not covers(code, above) for above in ancestors(code))
