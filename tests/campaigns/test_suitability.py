"""Whom a campaign suits; and marketing to those who refused personalisation, in general words."""

from __future__ import annotations

import pytest

from campaigns.definition import Suits
from campaigns.policy import ContactPolicy


@pytest.fixture
def selling(insurer, campaign):
    """A marketing campaign to two customers, one of whom refused personalisation."""
    insurer.policy = ContactPolicy(consent={"marketing": "opt_out"}, caps=[])
    insurer.campaigns = [campaign(purpose="marketing")]
    insurer.customer("C1").customer("C2", personalisation=False).expiring("P1", "C1").expiring("P2", "C2")
    return insurer


def general(insurer, text="A cover for everybody."):
    folder = insurer.folder / "templates" / "en"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "note_general.j2").write_text(f"{{% block sms %}}{text}{{% endblock %}}", encoding="utf-8")


def test_who_refused_personalisation_gets_the_general_words(selling, ledger):
    general(selling)
    selling.turn(ledger)
    rows = ledger.store.query("select customer_id, template, parts from messages order by 1")
    assert rows[0][:2] == ("C1", "note")
    assert rows[1][:2] == ("C2", "note_general")
    assert "A cover for everybody." in rows[1][2]
    traces = ledger.store.query(
        "select trace from decisions d join moments m using (moment_id) where m.customer_id = 'C2'"
    )
    assert "personalisation refused: general words" in traces[0][0]


def test_without_general_words_nothing_personal_goes(selling, ledger, answers):
    selling.turn(ledger)
    assert answers() == {"policy:P1": "sent", "policy:P2": "refused gateway.template_failed"}


def test_a_service_message_is_the_same_for_all(selling, ledger, campaign):
    selling.campaigns = [campaign()]
    selling.turn(ledger)
    assert ledger.store.query("select distinct template from messages") == [("note",)]


def test_another_template_may_hold_the_general_words(selling, ledger, campaign):
    general(selling)
    steps = [{"send": {"template": "note", "general": "note_general", "channels": ["sms"], "id": "offer"}}]
    selling.campaigns = [campaign(purpose="marketing", steps=steps)]
    selling.turn(ledger)
    assert [name for (name,) in ledger.store.query("select template from messages order by customer_id")] == [
        "note",
        "note_general",
    ]


def test_a_product_that_is_held_or_not_for_the_customer_is_not_sold(insurer, ledger, campaign, answers):
    insurer.campaigns = [campaign(suits={"product": "health"})]
    insurer.add(
        "products",
        product_id="health",
        name="Health",
        kind="insurance",
        line="health",
        active=True,
        eligibility="age <= 60",
    )
    insurer.add("products", product_id="motor", name="Motor", kind="insurance", line="motor", active=True)
    for name, born in (("C1", "1990-01-01"), ("C2", "1950-01-01"), ("C3", None), ("C4", "1990-01-01")):
        insurer.customer(name, birth_date=born).expiring(f"P{name[1]}", name)
    insurer.expiring("H4", "C4", on="2028-01-01", product_id="health", line="health")
    insurer.turn(ledger)
    assert answers() == {
        "policy:P1": "sent",
        "policy:P2": "refused suitability.not_eligible",
        "policy:P3": "refused suitability.not_eligible",
        "policy:P4": "refused suitability.already_held",
    }


@pytest.mark.parametrize("eligibility", ["age >", "wealth > 3", "region_code > 3"])
def test_a_rule_nobody_can_read_lets_nobody_in(insurer, ledger, campaign, answers, eligibility):
    insurer.campaigns = [campaign(suits={"product": "health"})]
    insurer.add(
        "products",
        product_id="health",
        name="Health",
        kind="insurance",
        line="health",
        active=True,
        eligibility=eligibility,
    )
    insurer.customer("C1", birth_date="1990-01-01", region_code="310000").expiring("P1", "C1").turn(ledger)
    assert answers() == {"policy:P1": "refused suitability.not_eligible"}


def test_whom_it_suits_says_something_and_not_nothing():
    with pytest.raises(ValueError, match="suits everybody"):
        Suits()
    with pytest.raises(ValueError, match="nobody is from 60 to 18"):
        Suits(age_from=60, age_to=18)
    words = Suits(product="health", age_to=60, regions=("31", "32"), where="tier = 'gold'").words
    assert words == "eligible for and without health, aged 0 to 60, in 31/32, where tier = 'gold'"
