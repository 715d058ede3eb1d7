"""What is wrong with a template, and exactly where."""

from __future__ import annotations

import pytest

from templates import Library, TemplateError

KNOWN = {
    "customer.name",
    "customer.gender",
    "policy.premium",
    "policy.expiry_date",
    "claim.missing_documents",
    "offers",
    "today",
}


def spots(faults):
    return [(fault.line, fault.column, fault.message) for fault in faults]


def test_a_good_template_has_no_faults(shelf):
    assert shelf(sms="{{ customer.name }}{{ today | date }}").lint("t", ["sms"], KNOWN) == []


def test_an_unknown_name_is_found_where_it_stands(shelf):
    source = "{# note #}\n{% block sms %}\n您好\n  {{ customer.name }}，{{ customer.nmae }}\n{% endblock %}\n"
    (fault,) = shelf(source).lint("t", ["sms"], KNOWN)
    assert (fault.line, fault.column, fault.message) == (4, 26, "there is no customer.nmae")
    assert fault.hint == "did you mean customer.name? customer has customer.gender, customer.name"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{{ name }}", "did you mean customer.name? there are claim, customer, offers, policy, today"),
        ("{{ polcy.premium }}", "did you mean policy.premium? there are claim, customer, offers, policy, today"),
        ("{{ weather.wind }}", "there are claim, customer, offers, policy, today"),
        ("{{ customer.name.first }}", "did you mean customer.name? customer has customer.gender, customer.name"),
        ("{{ customer.__class__ }}", "did you mean customer.name? customer has customer.gender, customer.name"),
        ("{{ customer }}", "did you mean customer.name? customer has customer.gender, customer.name"),
    ],
)
def test_the_hint_says_what_was_meant_and_what_there_is(shelf, text, hint):
    (fault,) = shelf(sms=text).lint("t", ["sms"], KNOWN)
    assert fault.hint == hint


def test_every_use_of_an_unknown_name_is_found(shelf):
    library = shelf(
        sms="{% if a.b > 1 %}{{ a.b | number }}{% endif %}\n"
        "{{ 'x' if customer.name else c.d }}{% for x in e.f %}{% endfor %}"
    )
    assert spots(library.lint("t", ["sms"], KNOWN)) == [
        (1, 22, "there is no a.b"),
        (1, 35, "there is no a.b"),
        (2, 30, "there is no c.d"),
        (2, 48, "there is no e.f"),
    ]


def test_a_name_asked_about_may_be_unknown(shelf):
    text = "{% if policy.no_claim_discount is given %}{{ policy.no_claim_discount | percent }}{% endif %}"
    assert shelf(sms=text).lint("t", ["sms"], KNOWN) == []


def test_a_typing_slip_in_a_name_asked_about_is_found_all_the_same(shelf):
    faults = shelf(sms="{% if policy.premum is given %}{{ policy.premum | number }}{% endif %}").lint(
        "t", ["sms"], KNOWN
    )
    assert spots(faults) == [(1, 22, "there is no policy.premum"), (1, 50, "there is no policy.premum")]
    assert faults[0].hint.startswith("did you mean policy.premium?")


def test_a_default_does_not_make_an_unknown_name_known(shelf):
    assert spots(shelf(sms="{{ a.b | default('x') }}").lint("t", ["sms"], KNOWN)) == [(1, 19, "there is no a.b")]


@pytest.mark.parametrize("text", ["{% for x in customer.name %}{% endfor %}", "{{ customer.name | join_list }}"])
def test_only_a_list_can_be_gone_through(shelf, text):
    (fault,) = shelf(sms=text).lint("t", ["sms"], KNOWN)
    assert fault.message == "customer.name is not a list"
    assert fault.hint == "the lists are claim.missing_documents, offers"


def test_the_insurer_may_have_lists_of_its_own(shelf):
    library = shelf(sms="{{ policy.drivers | join_list }}")
    assert library.lint("t", ["sms"], {"policy.drivers"}, {"policy.drivers"}) == []


def test_an_unknown_filter_comes_with_the_one_meant(shelf):
    (fault,) = shelf(sms="{{ today | dat }}").lint("t", ["sms"], KNOWN)
    assert (fault.line, fault.column, fault.message, fault.hint) == (
        *(1, 27, "there is no filter named dat"),
        "did you mean date?",
    )


def test_the_arguments_of_a_filter_are_checked(shelf):
    library = shelf(
        sms="{{ policy.premium | money }}{{ today | date('lnog') }}{{ today | days(1) }}{{ today|date(stile='long') }}"
    )
    faults = library.lint("t", ["sms"], KNOWN)
    assert [fault.message for fault in faults] == [
        "money: missing a required argument: 'currency'",
        "date has no style 'lnog'",
        "days: too many positional arguments",
        "date: got an unexpected keyword argument 'stile'",
    ]
    assert [fault.hint for fault in faults] == [
        "it takes (currency)",
        "there are long, medium, short",
        "it takes no arguments",
        "it takes (style)",
    ]


def test_a_missing_file_names_the_path_to_create(tmp_path):
    library = Library([tmp_path], ["zh-CN", "en"])
    faults = library.lint("spring_greeting", ["sms"], KNOWN)
    assert [fault.path for fault in faults] == [
        tmp_path / "zh-CN" / "spring_greeting.j2",
        tmp_path / "en" / "spring_greeting.j2",
    ]
    assert faults[0].message == "there is no such template in zh-CN"
    assert faults[0].hint == f"create {tmp_path / 'zh-CN' / 'spring_greeting.j2'}"


def test_a_missing_part_is_a_fault_of_the_locale_that_lacks_it(shelf, tmp_path):
    shelf(sms="您好", push_title="a", push="b")
    shelf(locale="en", sms="Hello")
    library = Library([tmp_path / "mine"], ["zh-CN", "en"])
    path = tmp_path / "mine" / "en" / "t.j2"
    faults = library.lint("t", ["push_title", "push", "sms"], KNOWN)
    assert [(fault.path, fault.message) for fault in faults] == [
        (path, "the part push_title is missing in en"),
        (path, "the part push is missing in en"),
    ]
    assert faults[1].hint == f"add {{% block push %}} ... {{% endblock %}} to {path}"


@pytest.mark.parametrize(
    ("source", "spot"),
    [
        ("您好{% block sms %}{% endblock %}", (1, 1, "stands outside the parts")),
        ("\n  您好\n{% block sms %}{% endblock %}", (2, 3, "stands outside the parts")),
        ("{% block sms %}{% endblock %}\n{{ x.y }}", (2, 4, "stands outside the parts")),
        ("{% block smss %}{% endblock %}", (1, 4, "there is no part named smss")),
        ("{% block sms %}{% endblock %}\n{% block sms %}{% endblock %}", None),
        ("{% block sms %}\n  {%- foo %}{% endblock %}", (2, 7, "there is no tag named foo")),
        ("{% block sms %}\n{{ a & b }}", (2, 6, "unexpected char '&'")),
        ("{% block sms %}{{ a.b c }}{% endblock %}", (1, 23, "expected token 'end of print statement', got 'c'")),
        ("{% extends 'x' %}", (1, 4, "stands outside the parts")),
    ],
)
def test_faults_of_the_outline_have_their_place(shelf, source, spot):
    fault = shelf(source).lint("t", ["sms"], KNOWN)[0]
    if spot:
        assert (fault.line, fault.column, fault.message) == spot
    else:
        assert (fault.line, fault.column) == (2, 4)


def test_a_file_in_another_encoding_is_a_fault(shelf, tmp_path):
    library = shelf(sms="x")
    (tmp_path / "mine" / "zh-CN" / "t.j2").write_bytes("{% block sms %}您好{% endblock %}".encode("gbk"))
    (fault,) = library.lint("t", ["sms"], KNOWN)
    assert fault.message == "is not UTF-8 text (byte 15)"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(shelf, tmp_path):
    library = shelf(sms="x")
    (tmp_path / "mine" / "zh-CN" / "t.j2").write_bytes(
        "\ufeff{% block sms %}\r\n您好 {{ a.b }}\r\n{% endblock %}\r\n".encode()
    )
    assert spots(library.lint("t", ["sms"], KNOWN)) == [(2, 7, "there is no a.b")]


def test_the_workspace_overrides_the_library_file_by_file(tmp_path):
    folder = tmp_path / "zh-CN"
    folder.mkdir()
    (folder / "birthday.j2").write_text("{% block sms %}寿比南山{% endblock %}", encoding="utf-8")
    library = Library([tmp_path], ["zh-CN", "en"])
    assert library.compose("birthday", "zh-CN", ["sms"], {}, {})[0].parts == {"sms": "寿比南山"}
    assert (
        "happy birthday"
        in library.compose(
            "birthday",
            "en",
            ["sms"],
            {},
            {"customer.name": "Jo", "customer.gender": None, "insurer.name": "X", "insurer.phone": "1"},
        )[0].parts["sms"]
    )


def test_a_locale_without_a_file_is_served_by_its_language(say, tmp_path):
    library = Library([], ["en-US"])
    facts = {"customer.name": None, "customer.gender": None, "claim.claim_id": "C1", "claim.status": "closed"}
    (draft,) = library.compose(
        "claim_progress", "en-US", ["sms"], {}, {**facts, "insurer.name": "X", "insurer.phone": "1"}
    )
    assert draft.parts["sms"].startswith("Dear customer, your claim ending C1 has been closed.")


@pytest.mark.parametrize("name", ["../secret", "a/b", "A", "", "a.j2", "1a"])
def test_a_name_that_is_no_template_name_never_becomes_a_path(name):
    with pytest.raises(TemplateError, match="is not a template name"):
        Library([], ["en"]).lint(name, ["sms"], KNOWN)


@pytest.mark.parametrize("locale", ["../..", "zh/CN", "", "zh CN"])
def test_a_locale_of_no_such_form_is_refused(locale):
    with pytest.raises(TemplateError, match="is not a locale"):
        Library([], [locale])


def test_a_locale_that_does_not_exist_is_a_fault(shelf):
    library = shelf(locale="xx-YY", sms="{{ today | date }}")
    assert library.lint("t", ["sms"], KNOWN)[0].message == "nobody knows how xx-YY writes dates and amounts"
    assert library.compose("t", "xx-YY", ["sms"], {}, {"today": None}) == library.lint("t", ["sms"], KNOWN)


def test_a_part_there_is_not_is_refused(shelf):
    with pytest.raises(TemplateError, match="there is no part named 'fax'"):
        shelf(sms="x").lint("t", ["fax"], KNOWN)


def test_a_fault_reads_as_path_line_and_column(shelf, tmp_path):
    (fault,) = shelf(sms="{{ a.b }}").lint("t", ["sms"], {"c"})
    assert str(fault) == f"{tmp_path}/mine/zh-CN/t.j2:1:19: there is no a.b (there are c)"
