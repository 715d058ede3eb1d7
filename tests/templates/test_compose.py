"""Columns in, drafts out: one row's fault is its own."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates import BrokenTemplateError, Draft, Library, TemplateError, TemplateFault

RICH = """{% block sms %}
{{ customer.name }}：
{% if policy.premium is given and policy.premium > 10 %}{{ policy.premium | money('CNY') }}{% endif %}
{% for document in claim.missing_documents %}
{{ loop.index }}.{{ document }}{% if not loop.last %}；{% endif %}
{% else %}
无
{% endfor %}
{{ policy.expiry_date | date('medium') }}
{% endblock %}
{% block email %}<b>{{ customer.name | default('客户') }}</b>{{ claim.missing_documents | join_list }}{% endblock %}
"""


@pytest.fixture(scope="module")
def rich(tmp_path_factory) -> Library:
    root = tmp_path_factory.mktemp("rich")
    (root / "zh-CN").mkdir()
    (root / "zh-CN" / "t.j2").write_text(RICH, encoding="utf-8")
    return Library([root], ["zh-CN"])


names = st.none() | st.sampled_from(["张伟", "", "  ", "a\0b", "\0", "<b>", "{{ 7 }}", 7])
premiums = st.none() | st.sampled_from([3.5, 12, 1200.25, float("nan"), "12", True])
documents = st.none() | st.lists(st.sampled_from(["发票", "a\0", None, 3]), max_size=3) | st.just("发票")
days = st.none() | st.just(date(2026, 11, 23)) | st.just("2026-11-23")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(names, premiums, documents, days), max_size=8))
def test_a_batch_is_its_rows_one_by_one(rich, rows):
    keys = ("customer.name", "policy.premium", "claim.missing_documents", "policy.expiry_date")

    def compose(some):
        columns = {key: [row[index] for row in some] for index, key in enumerate(keys)}
        return rich.compose("t", "zh-CN", ["sms", "email"], columns, {})

    assert compose(rows) == [draft for row in rows for draft in compose([row])]


def test_one_bad_row_among_a_thousand_fails_alone(shelf):
    library = shelf(sms="{{ customer.name }}您好，保费{{ policy.premium | money('CNY') }}。")
    premiums = [100.0] * 1000
    premiums[417] = None
    drafts = library.compose(
        "t", "zh-CN", ["sms"], {"customer.name": [f"C{n}" for n in range(1000)], "policy.premium": premiums}, {}
    )
    assert [n for n, draft in enumerate(drafts) if isinstance(draft, TemplateFault)] == [417]
    assert drafts[417].message == "policy.premium is empty for this customer"
    assert (drafts[417].line, drafts[417].column) == (1, 43)
    assert drafts[418] == Draft({"sms": "C418您好，保费¥100.00。"})


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_the_rows_around_a_bad_one_keep_their_places(shelf, bad):
    names = ["a", "b", "c"]
    names[bad] = None
    drafts = shelf(sms="{{ customer.name }}").compose("t", "zh-CN", ["sms"], {"customer.name": names}, {})
    assert [draft.parts["sms"] if isinstance(draft, Draft) else None for draft in drafts] == names


def test_a_row_that_fails_in_one_part_has_no_draft_at_all(shelf):
    library = shelf(push_title="车险", push="{{ customer.name }}")
    (fault,) = library.compose("t", "zh-CN", ["push_title", "push"], {"customer.name": [None]}, {})
    assert fault.message == "customer.name is empty for this customer"
    assert fault.line == 2


def test_blank_text_is_as_good_as_no_value(say):
    assert say("{{ customer.name }}", customer__name=" ").message == "customer.name is empty for this customer"


def test_a_fault_names_every_empty_value_of_its_expression(say):
    fault = say("{{ (policy.expiry_date - today) | days }}", policy__expiry_date=None, today=None)
    assert fault.message == "policy.expiry_date and today are empty for this customer"


def test_a_default_stands_in_for_an_empty_value(say):
    assert say("{{ customer.name | default('客户') }}", customer__name=None) == "客户"
    assert say("{{ customer.name | default('客户') }}", customer__name="") == "客户"
    assert say("{{ customer.name | default('客户') }}", customer__name="张伟") == "张伟"


def test_an_empty_value_may_be_asked_about(say):
    text = "{% if policy.premium is given %}{{ policy.premium | number }}{% else %}无{% endif %}"
    assert say(text, policy__premium=None) == "无"
    assert say(text, policy__premium=7) == "7"


def test_a_value_that_is_a_fault_in_a_test_is_the_row_s_fault(say):
    fault = say("\n {% if policy.premium > 3 %}a{% endif %}", policy__premium=None)
    assert (fault.line, fault.column, fault.message) == (2, 5, "policy.premium is empty for this customer")


@pytest.mark.parametrize("value", [date(2026, 1, 2), 1.5, True, ["a"], {"a": 1}, b"a"])
def test_what_only_a_machine_would_write_needs_a_filter(say, value):
    assert say("{{ x.y }}", x__y=value).message == (
        f"{value!r} is not text: a filter such as date, money, number or join_list says it"
    )


def test_whole_numbers_and_text_are_said_as_they_are(say):
    assert say("{{ x.y }}{{ x.z }}", x__y=12, x__z="ä<") == "12ä<"


def test_only_the_email_escapes_values(shelf):
    library = shelf(
        sms="{{ customer.name }}", email="<b>{{ customer.name }}</b>{{ customer.name | default('x') | upper }}"
    )
    (draft,) = library.compose("t", "zh-CN", ["sms", "email"], {"customer.name": ["<i>"]}, {})
    assert draft.parts == {"sms": "<i>", "email": "<b>&lt;i&gt;</b>&lt;I&gt;"}


def test_the_items_of_a_list_are_escaped_in_an_email(shelf):
    library = shelf(
        email="{% for d in claim.missing_documents %}{{ d }}{% endfor %}{{ claim.missing_documents | join_list }}"
    )
    (draft,) = library.compose("t", "zh-CN", ["email"], {"claim.missing_documents": [["<a>", "&"]]}, {})
    assert draft.parts["email"] == "&lt;a&gt;&amp;&lt;a&gt;、&amp;"


def test_words_in_a_value_are_not_a_template(say):
    assert say("{{ customer.name }}", customer__name="{{ policy.premium }}{% raw %}") == "{{ policy.premium }}{% raw %}"


def test_a_line_break_in_a_value_does_not_break_a_subject(shelf):
    library = shelf(email_subject="{{ customer.name }}", sms="{{ customer.name }}")
    (draft,) = library.compose("t", "zh-CN", ["email_subject", "sms"], {"customer.name": ["a\r\nBcc: b"]}, {})
    assert draft.parts == {"email_subject": "a Bcc: b", "sms": "a\r\nBcc: b"}


def test_a_control_character_in_a_value_is_the_row_s_fault(shelf):
    drafts = shelf(sms="{{ customer.name }}").compose("t", "zh-CN", ["sms"], {"customer.name": ["a", "b\0c", "d"]}, {})
    assert [isinstance(draft, Draft) for draft in drafts] == [True, False, True]
    assert drafts[1].message == "a value holds a control character"


def test_a_text_past_the_longest_is_a_fault(say):
    assert len(say("{{ x.y }}", x__y="a" * 20_000)) == 20_000
    assert say("{{ x.y }}", x__y="a" * 20_001).message == "the text has 20,001 characters, at most 20,000 are sent"


def test_offers_are_gone_through_field_by_field(say):
    offers = [{"name": "救援", "reason": "有车"}, {"name": "代驾", "reason": "有车"}]
    assert say("{% for offer in offers %}{{ loop.index }}{{ offer.name }} {% endfor %}", offers=offers) == "1救援 2代驾"


def test_the_offer_slot_and_the_offers_of_a_loop_do_not_mix(shelf):
    library = shelf(sms="{{ offer.name }}{% for offer in offers %}{{ offer.name }}{% endfor %}{{ offer.name }}")
    columns = {"offer.name": ["A"], "offers": [[{"name": "B"}, {"name": "C"}]]}
    (draft,) = library.compose("t", "zh-CN", ["sms"], columns, {})
    assert draft.parts["sms"] == "ABCA"
    assert library.uses("t", "zh-CN", ["sms"]) == {"offer.name", "offers"}


def test_an_offer_without_a_field_is_a_fault(say):
    fault = say("{% for o in offers %}{{ o.reason }}{% endfor %}", offers=[{"name": "A"}])
    assert isinstance(fault, TemplateFault)
    assert "reason" in fault.message


def test_a_list_that_is_none_is_a_fault_and_one_too_long_as_well(say):
    text = "{% for d in claim.missing_documents %}{{ d }}{% endfor %}"
    assert say(text, claim__missing_documents=None).message == "claim.missing_documents is empty for this customer"
    assert say(text, claim__missing_documents=["a"] * 100) == "a" * 100
    fault = say(text, claim__missing_documents=["a"] * 101)
    assert fault.message == "the list has 101 entries, a message takes 100"


def test_a_loop_may_pick_entries_and_say_what_to_do_without_any(say):
    text = "{% for d in claim.missing_documents if d != 'a' %}{{ d }}{% else %}无{% endfor %}"
    assert say(text, claim__missing_documents=["a", "b"]) == "b"
    assert say(text, claim__missing_documents=["a"]) == "无"


def test_constants_are_shared_and_columns_come_first(shelf):
    library = shelf(sms="{{ insurer.name }}{{ links.survey }}")
    drafts = library.compose(
        "t", "zh-CN", ["sms"], {"links.survey": ["s1", "s2"]}, {"insurer.name": "保险", "links.survey": "s0"}
    )
    assert [draft.parts["sms"] for draft in drafts] == ["保险s1", "保险s2"]


def test_without_columns_there_is_one_row(say):
    assert say("您好") == "您好"


def test_columns_without_rows_give_no_drafts(shelf):
    assert shelf(sms="{{ x.y }}").compose("t", "zh-CN", ["sms"], {"x.y": []}, {}) == []
    assert shelf(sms="您好").compose("t", "zh-CN", ["sms"], {"x.y": []}, {}) == []


def test_columns_of_different_lengths_are_refused(shelf):
    with pytest.raises(TemplateError, match=r"different lengths: \[1, 2\]"):
        shelf(sms="x").compose("t", "zh-CN", ["sms"], {"a.b": [1], "a.c": [1, 2]}, {})


def test_a_name_nobody_gave_is_the_fault_of_every_row(shelf):
    drafts = shelf(sms="\n{{ customer.nme }}").compose("t", "zh-CN", ["sms"], {"customer.name": ["a", "b"]}, {})
    assert [draft.message for draft in drafts] == ["customer.nme is not there"] * 2


def test_a_broken_template_is_the_fault_of_every_row(shelf):
    drafts = shelf("{% block sms %}{{ x.y }").compose("t", "zh-CN", ["sms"], {"x.y": ["a", "b"]}, {})
    assert len(drafts) == 2
    assert drafts[0] == drafts[1]
    assert drafts[0].line == 1


def test_uses_of_a_broken_template_cannot_be_told(shelf):
    with pytest.raises(BrokenTemplateError, match="there is no filter named dat"):
        shelf(sms="{{ x.y | dat }}").uses("t", "zh-CN", ["sms"])


def test_uses_are_those_of_the_parts_asked_for(shelf):
    library = shelf(sms="{% if a.b is given %}{{ a.b }}{% endif %}{{ a.c | default(a.d) }}", push="{{ e }}{{ a.b }}")
    assert library.uses("t", "zh-CN", ["sms"]) == {"a.b", "a.c", "a.d"}
    assert library.optional("t", "zh-CN", ["sms"]) == {"a.b"}
    assert library.uses("t", "zh-CN", ["sms", "push"]) == {"a.b", "a.c", "a.d", "e"}
    assert library.optional("t", "zh-CN", ["sms", "push"]) == frozenset()


def test_a_sheet_holds_the_drafts_by_the_column(shelf):
    library = shelf(sms=" {{ x.y }} ", push_title="A\n{{ x.y }}", push="b")
    printed = library.print("t", "zh-CN", ["sms", "push_title", "push"], {"x.y": ["1", None, "2"]}, {})
    assert printed.texts == {"sms": ["1", "", "2"], "push_title": ["A 1", "", "A 2"], "push": ["b", "b", "b"]}
    assert [(row, fault.message) for row, fault in printed.faults.items()] == [(1, "x.y is empty for this customer")]
