"""The last look at the words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Profile
from channels.inspection import Inspection, finish, inspect
from channels.profiles import PROFILES, governing

OFFER = {"sms": "您的车险还有60天到期，现在续保可享道路救援。"}


def codes(profile: str, purpose: str, parts: dict[str, str], medium: str = "sms", **more: object) -> list[str]:
    return [objection.reason_code for objection in inspect(PROFILES[profile], medium, purpose, parts, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("profile", "service", "marketing"),
    [
        ("generic", [], []),
        ("china_106", [], []),
        ("twilio", [], []),
        ("twilio_china", [], ["promotion_refused"]),
        ("tencent", ["insurance_refused"], ["insurance_refused"]),
        ("huawei_msgsms", ["insurance_refused"], ["insurance_refused"]),
        ("qiniu", [], ["promotion_refused"]),
    ],
)
def test_lint_knows_which_gateway_takes_what_about_insurance(
    profile: str, service: list[str], marketing: list[str]
) -> None:
    assert codes(profile, "service", {}) == service
    assert codes(profile, "marketing", {}) == marketing


def test_an_offer_that_is_no_insurance_may_go() -> None:
    assert codes("twilio_china", "marketing", {}, insurance=False) == []


def test_a_chinese_number_is_under_chinese_rules_at_twilio() -> None:
    assert governing(PROFILES["twilio"], "+8613800138000") is PROFILES["twilio_china"]
    assert governing(PROFILES["twilio"], "+15005550006") is PROFILES["twilio"]
    assert codes("twilio", "marketing", {}, address="+8613800138000") == ["promotion_refused"]


def test_marketing_gets_signature_and_marker_once() -> None:
    once = finish(PROFILES["china_106"], OFFER, "marketing", "平安")
    assert once == {"sms": "【平安】您的车险还有60天到期，现在续保可享道路救援。拒收请回复R"}
    assert finish(PROFILES["china_106"], once, "marketing", "平安") == once
    assert inspect(PROFILES["china_106"], "sms", "marketing", once) == []


def test_other_purposes_get_no_marker() -> None:
    assert finish(PROFILES["china_106"], OFFER, "contract", "平安") == {"sms": "【平安】" + OFFER["sms"]}


@pytest.mark.parametrize(
    ("locale", "text", "expected"),
    [
        ("zh-CN", "续保有礼", "续保有礼，回T退订"),
        ("zh-CN", "续保有礼！", "续保有礼！回T退订"),
        ("en", "Renew now", "Renew now. Reply STOP to opt out"),
        ("en", "Renew now!", "Renew now! Reply STOP to opt out"),
        ("fr", "Offre!", "Offre! Reply STOP to opt out"),
    ],
)
def test_the_marker_is_in_the_customers_language(locale: str, text: str, expected: str) -> None:
    assert finish(PROFILES["generic"], {"sms": text}, "marketing", "Acme", locale=locale) == {"sms": expected}


def test_no_marker_is_promised_where_no_reply_arrives() -> None:
    finished = finish(PROFILES["twilio"], OFFER, "marketing", "平安", address="+8613800138000")
    assert finished == {"sms": "【平安】" + OFFER["sms"]}
    assert codes("twilio_china", "marketing", finished, insurance=False) == ["opt_out_unreachable"]


def test_parts_of_other_media_are_left_alone() -> None:
    parts = {"push_title": "续保", "push": "还有60天"}
    assert finish(PROFILES["china_106"], parts, "marketing", "平安") == parts


@pytest.mark.parametrize(
    ("profile", "text", "expected"),
    [
        ("twilio_china", "【平安】" + "您" * 67 * 8, ["too_many_segments", "too_long"]),
        ("twilio_china", "【平安】详见 https://a.cn/x", ["link_refused"]),
        ("twilio_china", "【平安】详见 pingan.com", ["link_refused"]),
        ("twilio_china", "您好", ["signature_missing"]),
        ("twilio_china", "【平安】您好【重要】", ["signature_in_body"]),
        ("china_106", "【平安】您好 https://a.cn/x", []),
        ("generic", "【平安】您好", []),
        ("generic", "  ", ["part_empty"]),
        ("generic", "您" * 671, ["too_many_segments"]),
    ],
)
def test_words_a_gateway_would_refuse_are_named(profile: str, text: str, expected: list[str]) -> None:
    assert codes(profile, "service", {"sms": text}) == expected


def test_a_signature_the_gateway_adds_counts() -> None:
    rules = Profile(alphabet="sms", max_segments=1, signature="added_by_gateway")
    text = {"sms": "您" * 68}
    assert inspect(rules, "sms", "service", text) == []
    assert [o.reason_code for o in inspect(rules, "sms", "service", text, signature="平安")] == ["too_many_segments"]
    assert [o.reason_code for o in inspect(rules, "sms", "service", {"sms": "【平安】您好"})] == ["signature_in_body"]


def test_marketing_without_its_marker_is_stopped() -> None:
    assert codes("generic", "marketing", {"sms": "续保有礼"}) == ["opt_out_missing"]
    assert codes("generic", "service", {"sms": "续保提醒"}) == []


def test_an_email_has_one_line_of_subject_and_words() -> None:
    assert codes("smtp", "service", {"email_subject": "a\r\nBcc: x@y.z", "email": "<p>x</p>"}, "email") == [
        "line_break_in_subject"
    ]
    assert codes("smtp", "service", {"email_subject": "a", "email": ""}, "email") == ["part_empty"]


@given(st.sampled_from(sorted(PROFILES)), st.text(min_size=1, max_size=80), st.sampled_from(["marketing", "service"]))
def test_finishing_twice_changes_nothing(profile: str, text: str, purpose: str) -> None:
    once = finish(PROFILES[profile], {"sms": text}, purpose, "平安")
    assert finish(PROFILES[profile], once, purpose, "平安") == once


PIECES = st.sampled_from(
    ["【平安】", "】", "您好", "a.cn/x", "回T退订", "。", " ", "\n", "拒收请回复R", "€", "😀", "您" * 300]
)
WORDS = st.lists(PIECES, max_size=5).map("".join)


@given(
    st.sampled_from(sorted(PROFILES)),
    st.lists(st.tuples(WORDS, st.sampled_from(["+8613800138000", "+15005550006"])), min_size=1, max_size=5),
    st.sampled_from(["marketing", "service"]),
)
def test_messages_looked_at_together_are_judged_each_for_itself(
    profile: str, messages: list[tuple[str, str]], purpose: str
) -> None:
    texts, addresses = {"sms": [text for text, _ in messages]}, [address for _, address in messages]
    look = Inspection(PROFILES[profile], "sms", purpose, "平安")
    alone = [finish(look.profile, {"sms": text}, purpose, "平安", address=address) for text, address in messages]
    finished = look.finish(texts, addresses)
    assert finished == {"sms": [each["sms"] for each in alone]}
    objections = [
        inspect(look.profile, "sms", purpose, each, signature="平安", address=address)
        for each, address in zip(alone, addresses, strict=True)
    ]
    assert look.objections(finished, addresses) == {place: each for place, each in enumerate(objections) if each}
