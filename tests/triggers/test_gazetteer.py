"""Names to regions: offices, suffixes, parents, and names that two regions share."""

import pytest

from triggers.gazetteer import Gazetteer, Region, Resolution

REGIONS = [
    Region("110000", ("北京市", "Beijing"), "101010100"),
    Region("110105", ("朝阳区", "Chaoyang"), "101010300"),
    Region("220000", ("吉林省",)),
    Region("220100", ("长春市", "Changchun")),
    Region("220104", ("朝阳区", "Chaoyang")),
    Region("220200", ("吉林市", "Jilin")),
    Region("211300", ("朝阳市",)),
    Region("450000", ("广西壮族自治区",)),
    Region("450300", ("桂林市", "Guilin")),
    Region("450312", ("临桂", "Lingui")),
    Region("422800", ("恩施土家族苗族自治州", "Enshi")),
    Region("310101", ("黄浦区",)),
    Region("371000", ("威海市",)),
    Region("120104", ("东区",)),
]


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.of(REGIONS)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("101010300", "110105"),
        ("北京市气象台", "110000"),
        ("北京", "110000"),
        ("北京中心气象台", "110000"),
        ("临桂区气象台", "450312"),
        ("临桂县气象局", "450312"),
        ("恩施州气象台", "422800"),
        ("恩施土家族苗族自治州", "422800"),
        ("广西气象台", "450000"),
        ("吉林省气象台", "220000"),
        ("吉林市气象台", "220200"),
        ("朝阳市气象台", "211300"),
        ("北京市朝阳区气象台", "110105"),
        ("长春市朝阳区应急管理局", "220104"),
        ("吉林省长春市朝阳区", "220104"),
        ("广西壮族自治区桂林市临桂区气象台", "450312"),
        ("Guilin Meteorological Observatory", "450300"),
        ("Beijing Municipal Weather Station", "110000"),
        ("Beijing Chaoyang District Meteorological Bureau", "110105"),
        ("威海市", "371000"),
    ],
)
def test_a_place_is_found_by_office_name_or_id(gazetteer, place, code):
    assert gazetteer.resolve(place) == Resolution(code)


@pytest.mark.parametrize("place", ["朝阳区气象台", "Chaoyang", "朝阳", "吉林"])
def test_a_name_two_regions_have_is_resolved_to_neither(gazetteer, place):
    assert gazetteer.resolve(place) == Resolution(None, "ambiguous")


@pytest.mark.parametrize(
    "place", ["中央气象台", "上海市朝阳镇", "Newbeijing", "Meteorological Service of New Zealand Limited", "", "区"]
)
def test_a_name_nobody_has_is_unknown(gazetteer, place):
    assert gazetteer.resolve(place) == Resolution(None, "unknown")


def test_a_parent_the_region_does_not_lie_in_is_no_parent(gazetteer):
    assert gazetteer.resolve("威海市黄浦区") == Resolution(None, "unknown")
