"""The messages of a wave are composed together, and each says what is true of its own customer."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from campaigns.context import plain
from campaigns.scene import Words
from templates import Library

OBJECT = "{% block sms %}{{ customer.name }}: {{ policy.insured_object }}{% endblock %}"
ENDS = """{% block sms %}{{ customer.name }} until {{ policy.expiry_date | date }}{% endblock %}
{% block push_title %}{{ policy.policy_id }}{% endblock %}
{% block push %}Until {{ policy.expiry_date | date }}, "{{ customer.name }}"{% endblock %}"""


@pytest.fixture
def two(insurer, campaign):
    """Two campaigns, whose templates tell of different columns: what is insured, and when it ends."""
    folder = insurer.folder / "templates" / "en"
    folder.mkdir(parents=True)
    for name, text in {"object": OBJECT, "ends": ENDS}.items():
        (folder / f"{name}.j2").write_text(text, encoding="utf-8")
    insurer.words = lambda: Words(Library([insurer.folder / "templates"], ["en"]), ["en"])

    def made(name: str, line: str, template: str, channels: list[str]):
        trigger = {"kind": "date", "of": "policies.expiry_date", "offset": "-60d", "where": f"line = '{line}'"}
        return campaign(name=name, trigger=trigger, steps=[{"send": {"template": template, "channels": channels}}])

    insurer.campaigns = [made("home", "home", "object", ["sms"]), made("motor", "motor", "ends", ["push", "sms"])]
    return insurer


def test_campaigns_composed_together_tell_everybody_what_is_theirs(two, ledger):
    for number in range(1, 7):
        two.customer(f"C{number}", push_token=f"T{number}" if number in (2, 5) else None)
    two.expiring("P1", "C1", line="home", insured_object="Elm Row 1").expiring("P2", "C2").expiring("P3", "C3")
    two.expiring("P4", "C4", line="home").expiring("P5", "C5").expiring("P6", "C6", line="home", insured_object="Oak 6")
    two.turn(ledger)
    rows = ledger.store.query("select customer_id, parts from messages order by 1")
    assert {customer: json.loads(parts) for customer, parts in rows} == {
        "C1": {"sms": "NC1: Elm Row 1"},
        "C2": {"push_title": "P2", "push": 'Until 22 January 2027, "NC2"'},
        "C3": {"sms": "NC3 until 22 January 2027"},
        "C5": {"push_title": "P5", "push": 'Until 22 January 2027, "NC5"'},
        "C6": {"sms": "NC6: Oak 6"},
    }
    refused = (
        "select m.customer_id, d.reason from decisions d join moments m using (moment_id) where d.verdict = 'refused'"
    )
    assert ledger.store.query(refused) == [("C4", "template_failed")]


def test_words_are_kept_as_json_that_reads_the_same_whatever_they_hold(two, ledger):
    two.customer("C1", name='Zoë "张" \\ \t!').expiring("P1", "C1", line="home", insured_object="a/b\u2028</x>").turn(
        ledger
    )
    [(parts,)] = ledger.store.query("select parts from messages")
    assert json.loads(parts) == {"sms": 'Zoë "张" \\ \t!: a/b\u2028</x>'}
    assert parts == json.dumps(json.loads(parts), ensure_ascii=False)


def test_values_of_a_column_are_pythons_own():
    columns = {
        "name": ["张", None],
        "premium": [1.5, None],
        "missing": [["id", "bill"], None],
        "on": [date(2027, 1, 22), None],
        "at": [datetime(2027, 1, 22, 8, 30, tzinfo=UTC), None],
    }
    twice = {name: values * 2 for name, values in columns.items()}
    assert plain(pa.concat_tables([pa.table(columns), pa.table(columns)])) == twice
    assert plain(pa.table(columns).slice(1)) == {name: [None] for name in columns}
