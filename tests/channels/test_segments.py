"""SMS arithmetic: what a text costs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.segments import GSM_BASIC, GSM_EXTENSION, Segments, at_most, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 0)),
        ("a", Segments("GSM-7", 1, 1)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),
        ("€" * 81, Segments("GSM-7", 162, 2)),
        ("您" * 70, Segments("UCS-2", 70, 1)),
        ("您" * 71, Segments("UCS-2", 71, 2)),
        ("【平安】" + "您" * 123, Segments("UCS-2", 127, 2)),
        ("您" * 134, Segments("UCS-2", 134, 2)),
        ("您" * 135, Segments("UCS-2", 135, 3)),
        ("😀" * 35, Segments("UCS-2", 70, 1)),
        ("😀" * 36, Segments("UCS-2", 72, 2)),
        ("ç", Segments("UCS-2", 1, 1)),
    ],
)
def test_a_text_takes_so_many_parts(text: str, expected: Segments) -> None:
    assert segments(text) == expected


def test_an_escaped_character_is_not_split_between_parts() -> None:
    # 152 + 2 do not fit into 153: the second part begins with the euro sign
    assert segments("a" * 152 + "€" + "a" * 151).count == 2
    assert segments("a" * 152 + "€" + "a" * 152).count == 3
    assert segments("a" * 153 + "€" + "a" * 151).count == 2


def test_a_surrogate_pair_is_not_split_between_parts() -> None:
    assert segments("您" * 66 + "😀" + "您" * 65).count == 2
    assert segments("您" * 66 + "😀" + "您" * 66).count == 3


def test_the_alphabet_is_that_of_the_standard() -> None:
    # 128 septets, less the escape itself
    assert len(GSM_BASIC) == 127
    assert len(GSM_EXTENSION) == 10
    assert not GSM_BASIC & GSM_EXTENSION


@given(st.text(max_size=400))
def test_parts_are_enough_and_none_is_wasted(text: str) -> None:
    size = segments(text)
    part, single = (153, 160) if size.encoding == "GSM-7" else (67, 70)
    assert size.units == (
        len(text.encode("utf-16-le", "surrogatepass")) // 2 if size.encoding == "UCS-2" else size.units
    )
    if size.units <= single:
        assert size.count == min(size.units, 1)
    else:
        assert math.ceil(size.units / part) <= size.count <= math.ceil(size.units / (part - 1))


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_words_never_take_fewer_parts(text: str, more: str) -> None:
    assert segments(text + more).count >= segments(text).count


@given(st.text(st.sampled_from("a€您😀"), max_size=700))
def test_no_text_takes_more_parts_than_at_a_glance(text: str) -> None:
    assert segments(text).count <= at_most(text)
