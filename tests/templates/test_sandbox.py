"""What a template cannot do, at lint and at composition alike."""

from __future__ import annotations

import subprocess
import sys

import pytest

from templates import TemplateFault

REFUSED = {
    "{{ ''.__class__ }}": "a field can only follow a name",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}": "nothing can be called",
    "{{ customer.name.__class__() }}": "nothing can be called",
    "{{ customer.name.upper() }}": "nothing can be called",
    "{{ range(10) }}": "nothing can be called",
    "{{ lipsum() }}": "nothing can be called",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}": "nothing can be called",
    "{{ customer['name'] }}": "square brackets are not allowed",
    "{{ customer.name[0] }}": "square brackets are not allowed",
    "{{ customer.name[:1000] }}": "square brackets are not allowed",
    "{{ (offers | first).name }}": "a field can only follow a name",
    "{{ 'a' * 1000000000 }}": "only + and - can be computed",
    "{{ 10 ** 1000000000 }}": "only + and - can be computed",
    "{{ '%1000000000d' % 1 }}": "only + and - can be computed",
    "{{ 1 / 0 }}": "only + and - can be computed",
    "{{ 1 // 2 }}": "only + and - can be computed",
    "{% set x = 'a' %}": "set is not allowed",
    "{% set x %}a{% endset %}": "set is not allowed",
    "{% include 'a' %}": "include is not allowed",
    "{% import 'a' as b %}": "import is not allowed",
    "{% from 'a' import b %}": "import is not allowed",
    "{% extends 'a' %}": "extends is not allowed",
    "{% macro m() %}{% endmacro %}": "macro is not allowed",
    "{% call m() %}{% endcall %}": "call is not allowed",
    "{% filter upper %}a{% endfilter %}": "filter is not allowed as a tag",
    "{% with a = 1 %}{% endwith %}": "with is not allowed",
    "{% autoescape false %}{% endautoescape %}": "autoescape is not allowed",
    "{% block push %}{% endblock %}": "a part cannot stand inside another",
    "{% for a in [1, 2] %}{% endfor %}": "a loop goes through offers or a list column",
    "{% for a in offers | first %}{% endfor %}": "a loop goes through offers or a list column",
    "{% for a, b in offers %}{% endfor %}": "an entry has one name",
    "{% for loop in offers %}{% endfor %}": "an entry has one name",
    "{% for a in offers recursive %}{% endfor %}": "recursive is not allowed",
    "{% for a in offers %}{% for b in offers %}{% endfor %}{% endfor %}": "a loop cannot stand inside another",
    "{% for a in offers %}{{ loop.cycle }}{% endfor %}": "there is no loop.cycle",
    "{% for a in offers %}{{ loop }}{% endfor %}": "there is no loop",
    "{% for a in offers %}{{ a.price }}{% endfor %}": "there is no a.price",
    "{% for a in offers %}{{ a }}{% endfor %}": "a is not a text",
    "{% for a in claim.missing_documents %}{{ a.name }}{% endfor %}": "there is no a.name",
    "{{ customer.name | attr('__class__') }}": "there is no filter named attr",
    "{{ customer.name | safe }}": "there is no filter named safe",
    "{{ customer.name | center(1000000000) }}": "there is no filter named center",
    "{{ customer.name | format }}": "there is no filter named format",
    "{{ offers | map('upper') }}": "there is no filter named map",
    "{{ customer.name | _said }}": "there is no filter named _said",
    "{{ customer.name | default(*offers) }}": "default takes its arguments one by one",
    "{{ 'a' if customer.name is defined else 'b' }}": "there is no test named defined",
    "{{ 'a' if customer.name is divisibleby 3 else 'b' }}": "there is no test named divisibleby",
    "{{ 'a' if (1 + 1) is given else 'b' }}": "only a name can be given",
    "{{ 'a' if customer.name }}": "does not say what to write otherwise",
    "{{ {'a': 1} }}": "dict is not allowed",
    "{{ " + "(1 + " * 60 + "1" + ")" * 60 + " }}": "is nested too deeply",
}
NAMES = {"customer.name", "offers", "claim.missing_documents", "customer"}


@pytest.mark.parametrize("text", REFUSED)
def test_what_templates_cannot_say_is_refused_at_lint(shelf, text):
    faults = shelf(sms=f"\n  {text}").lint("t", ["sms"], NAMES)
    assert faults[0].message == REFUSED[text]
    assert faults[0].line == 2
    assert faults[0].column > 3


@pytest.mark.parametrize("text", REFUSED)
def test_what_templates_cannot_say_is_never_composed(say, text):
    fault = say(text, customer__name="a", offers=[], customer="c", claim__missing_documents=[])
    assert isinstance(fault, TemplateFault)
    assert fault.message == REFUSED[text]


@pytest.mark.parametrize("text", ["{{" + "(" * 5000, "{{" + "9" * 5000 + "}}"])
def test_a_source_the_parser_chokes_on_is_a_fault(shelf, text):
    (fault,) = shelf("{% block sms %}" + text).lint("t", ["sms"], NAMES)
    assert fault.line == 1


def test_a_source_too_long_is_a_fault(shelf):
    (fault,) = shelf(sms="a" * 200_000).lint("t", ["sms"], NAMES)
    assert fault.message == "is longer than 200,000 characters"


@pytest.mark.parametrize("text", ["{{ 1 | round(1000000000) }}", "{{ 1 | number(1000000000) }}"])
def test_decimal_places_are_capped(say, text):
    assert say(text).message == "1000000000 is not a number of decimal places from 0 to 6"


def test_a_value_that_looks_like_an_object_is_never_looked_into(say):
    class Trap:
        def __getattr__(self, name):
            raise AssertionError(name)

    assert isinstance(say("{{ customer.name }}", customer__name=Trap()), TemplateFault)


@pytest.mark.parametrize("heavy", ["pandas", "sklearn", "lightfm", "babel", "pyarrow", "duckdb"])
def test_linting_loads_nothing_heavy(heavy):
    code = (
        "import sys, templates\n"
        "faults = templates.Library([], ['zh-CN', 'en']).lint('birthday', ['sms'], {'customer.name'})\n"
        f"assert faults\nassert {heavy!r} not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
