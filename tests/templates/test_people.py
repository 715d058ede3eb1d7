"""How customers are addressed, and how much of them is shown."""

from __future__ import annotations

import pytest

from templates.faults import UnsayableError
from templates.filters import filters


@pytest.mark.parametrize(
    ("name", "gender", "address"),
    [
        ("张伟", "male", "张先生"),
        ("张 伟", "female", "张女士"),
        ("欧阳娜娜", "female", "欧阳女士"),
        ("诸葛亮", "male", "诸葛先生"),
        ("司马", "male", "司先生"),
        ("張學友", "male", "張先生"),
        ("歐陽菲菲", "female", "歐陽女士"),
        ("买买提·吐尔逊", "male", "买买提·吐尔逊先生"),
        ("John Smith", "male", "John Smith先生"),
        ("张女士", "female", "张女士"),
        ("张伟", None, "您"),
        ("张伟", "unknown", "您"),
        (None, "male", "您"),
        ("  ", "female", "您"),
    ],
)
def test_chinese_addresses_by_surname(name, gender, address):
    assert filters("zh-CN")["honorific"](name, gender) == address


@pytest.mark.parametrize(
    ("name", "gender", "address"),
    [
        ("John Smith", "male", "Mr Smith"),
        ("Mary Ann Smith", "female", "Ms Smith"),
        ("Ludwig van Beethoven", "male", "Mr van Beethoven"),
        ("Maria de la Cruz", "female", "Ms de la Cruz"),
        ("Martin King Jr.", "male", "Mr King"),
        ("Smith, John", "male", "Mr Smith"),
        ("Zhang Wei", "male", "Mr Zhang Wei"),
        ("Wei Zhang", "female", "Ms Wei Zhang"),
        ("张伟", "male", "Mr 张伟"),
        ("Cher", "female", "Cher"),
        ("John Smith", None, "John Smith"),
        ("Zhang Wei", None, "Zhang Wei"),
        (None, "male", "customer"),
        ("", None, "customer"),
    ],
)
def test_english_addresses_by_title_and_keeps_the_order_of_chinese_names(name, gender, address):
    assert filters("en")["honorific"](name, gender) == address


def test_a_language_without_a_rule_of_ours_uses_the_name_as_written():
    assert filters("de")["honorific"](" Erika Mustermann ", "female") == "Erika Mustermann"
    assert filters("de")["honorific"]("", "female") is None


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        *(("张伟", "张*"), ("张小明", "张**"), ("欧阳娜娜", "欧阳**"), ("欧阳", "欧*"), ("张", "*")),
        *(("John Smith", "J*** Smith"), ("Mary Ann Smith", "M*** Smith"), ("Cher", "C***")),
        ("买买提·吐尔逊", "买买提***"),
    ],
)
def test_a_masked_name_keeps_the_surname(name, masked):
    assert filters("en")["masked_name"](name) == masked


@pytest.mark.parametrize(
    ("plate", "masked"),
    [
        *(("沪A12345", "沪A***45"), ("沪A·12345", "沪A***45"), ("沪AD12345", "沪A****45"), ("AB 12 CDE", "AB***DE")),
        *(("LSVAA4182E2184847", "LS******47"), ("A1", "A***")),
    ],
)
def test_a_masked_plate_keeps_both_ends(plate, masked):
    assert filters("zh-CN")["masked_plate"](plate) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        *(("+8613812345678", "138****5678"), ("13812345678", "138****5678"), ("+86 138 1234 5678", "138****5678")),
        *(("+442079460958", "****0958"), ("95500", "****")),
    ],
)
def test_a_masked_phone_keeps_what_its_owner_recognises(phone, masked):
    assert filters("zh-CN")["masked_phone"](phone) == masked


@pytest.mark.parametrize("name", ["masked_name", "masked_plate", "masked_phone"])
@pytest.mark.parametrize("value", [None, "", " ", 12])
def test_nothing_cannot_be_masked(name, value):
    with pytest.raises(UnsayableError):
        filters("zh-CN")[name](value)
