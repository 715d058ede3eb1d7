"""The words Kairos comes with: every situation, every part, both languages."""

from __future__ import annotations

import re

import pytest

from templates import PARTS

GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
WITH_TASK = {
    *("motor_renewal", "premium_due", "claim_documents", "disaster_care", "dormancy_care", "motor_service_offer"),
    *("health_cross_sell", "agent_follow_up", "motor_service_offer_general", "health_cross_sell_general"),
}
TASK = ["task_title", "task"]


def test_the_words_are_those_somebody_has_read(told):
    _, composed, golden = told
    for title, parts in composed.items():
        assert parts == golden[title], title


def test_no_golden_text_is_left_over(told):
    _, composed, golden = told
    assert list(golden) == list(composed)


def test_each_campaign_has_every_part_and_those_with_a_follow_up_a_task(told):
    _, composed, _ = told
    for title, parts in composed.items():
        name = re.split("[, ]", title)[0]
        wanted = TASK if name == "agent_follow_up" else [part for part in PARTS if part not in TASK]
        if name in WITH_TASK and wanted is not TASK:
            wanted = wanted + TASK
        assert list(parts) == wanted, title


def test_the_library_lists_its_fifteen_templates(own):
    assert own.names() == (
        *(
            "agent_care",
            "agent_follow_up",
            "birthday",
            "claim_documents",
            "claim_progress",
            "claim_survey",
            "disaster_care",
        ),
        *("dormancy_care", "exam_care", "health_cross_sell", "health_cross_sell_general", "motor_renewal"),
        *("motor_service_offer", "motor_service_offer_general", "premium_due"),
    )


def test_the_library_lints_clean(own, told, known):
    _, composed, _ = told
    for title, parts in composed.items():
        assert own.lint(re.split("[, ]", title)[0], list(parts), known()) == []


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("motor_renewal", ["policy.renewal_premium", "policy.no_claim_discount", "links.renew"]),
        ("disaster_care", ["links.claims_guide", "alert.headline"]),
        ("agent_follow_up", ["policy.policy_id", "policy.expiry_date", "claim.claim_id"]),
    ],
)
def test_an_insurer_without_the_optional_facts_can_use_the_template(own, known, name, absent):
    parts = TASK if name == "agent_follow_up" else [*PARTS]
    assert own.lint(name, parts, known(absent)) == []
    assert own.optional(name, "zh-CN", parts) >= set(absent)


def test_a_chinese_sms_with_signature_and_opt_out_fits_two_segments(told):
    locale, composed, _ = told
    room = 134 - len("【示例保险】") - len("拒收请回复R")
    if locale == "zh-CN":
        assert {title: len(parts["sms"]) for title, parts in composed.items() if len(parts.get("sms", "")) > room} == {}


def test_an_english_sms_is_spelled_in_the_gsm_alphabet_and_fits_two_segments(told):
    locale, composed, _ = told
    room = 306 - len("[Example Mutual] ") - len(" Reply STOP to opt out")
    if locale == "en":
        texts = [parts["sms"] for parts in composed.values() if "sms" in parts]
        assert set("".join(texts)) <= GSM
        assert max(map(len, texts)) <= room


def test_an_sms_says_who_writes_and_how_to_reach_them(told):
    locale, composed, _ = told
    insurer = "Example Mutual" if locale == "en" else "示例保险"
    for parts in composed.values():
        assert "sms" not in parts or (insurer in parts["sms"] and "95500" in parts["sms"])


def test_no_text_shouts_or_writes_what_the_channel_adds(told):
    _, composed, _ = told
    for parts in composed.values():
        for part, text in parts.items():
            words = re.sub("<!?[^>]+>", "", text)
            assert not re.search("[!！【】]|退订回|TD", words) or part == "task", text


def test_the_amount_of_a_claim_and_its_documents_stay_out_of_what_others_may_see(told):
    _, composed, _ = told
    for parts in composed.values():
        for part in ("sms", "push_title", "push", "call", "email_subject"):
            assert not re.search("8,250|身份证|ID\\b|invoice|发票", parts.get(part, "")), parts[part]


def test_a_call_asks_who_is_there_before_it_says_anything(told):
    _, composed, _ = told
    for parts in composed.values():
        lines = parts["call"].splitlines() if "call" in parts else []
        assert not lines or re.search("请问是.*本人吗|Am I speaking with", lines[1])
        assert not re.search("保单|理赔|车险|policy|claim|motor|[0-9]", "".join(lines[:2]))
        assert not lines or "95500" in "".join(lines[2:])
