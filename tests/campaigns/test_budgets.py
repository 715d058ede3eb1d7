"""Budgets: what a day may take, counted when it is reserved, by campaign and by channel."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.budgets import Spent
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.policy import ContactPolicy, Limit


@pytest.fixture
def crowd(insurer):
    """Five customers whose policies end at the right time, and prices."""
    for number in range(5):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    plain = insurer.rules
    insurer.rules = lambda: replace(plain(), prices={"sms": 0.1, "ai_outbound": 2.0})
    return insurer


def sent(answers):
    return sorted(subject for subject, verdict in answers().items() if verdict == "sent")


def test_what_the_day_does_not_take_waits_for_the_next_and_survives_a_restart(
    crowd, campaign, answers, now, place, ledger
):
    crowd.campaigns = [campaign(budget={"volume": 2})]
    crowd.turn(ledger)
    assert answers() == {
        "policy:P0": "sent",
        "policy:P1": "sent",
        "policy:P2": "held budget.campaign_volume",
        "policy:P3": "held budget.campaign_volume",
        "policy:P4": "held budget.campaign_volume",
    }
    assert ledger.store.query("select day, campaign, medium, volume, cost from spent") == [
        ("2026-11-23", "reminder", "sms", 2, 0.2)
    ]
    with Ledger(place) as again:
        crowd.turn(again, now + timedelta(hours=3))
        assert sent(answers) == ["policy:P0", "policy:P1"]
        crowd.turn(again, now + timedelta(days=1))
        assert sent(answers) == ["policy:P0", "policy:P1", "policy:P2", "policy:P3"]
        crowd.turn(again, now + timedelta(days=2))
        assert len(sent(answers)) == 5


def test_a_channel_is_shared_by_all_campaigns_and_the_rest_may_take_the_next(crowd, campaign, ledger):
    crowd.policy = ContactPolicy(budgets={"sms": {"volume": 7, "over": "next"}}, caps=[])
    both = [{"send": {"template": "note", "channels": ["sms", "ai_outbound"]}}]
    crowd.campaigns = [campaign(name="a", steps=both), campaign(name="b", steps=both)]
    crowd.turn(ledger, shelf=2)
    assert ledger.store.query("select campaign, medium, volume from spent order by 1, 2") == [
        ("a", "sms", 5),
        ("b", "ai_outbound", 3),
        ("b", "sms", 2),
    ]


def test_a_limit_that_drops_refuses(crowd, campaign, ledger, answers):
    crowd.campaigns = [campaign(budget={"volume": 4, "over": "drop"})]
    crowd.turn(ledger)
    assert answers()["policy:P4"] == "refused budget.campaign_volume"


def test_contract_notices_count_and_always_go(crowd, campaign, ledger, answers):
    crowd.policy = ContactPolicy(budgets={"sms": {"volume": 6}}, caps=[])
    crowd.campaigns = [campaign(name="b"), campaign(name="a", purpose="contract")]
    crowd.turn(ledger)
    assert ledger.store.query("select campaign, count(*) from messages group by 1 order by 1") == [("a", 5), ("b", 1)]


def test_an_sms_costs_what_its_parts_cost_and_the_trace_says_so(crowd, campaign, ledger, answers):
    crowd.tables["customers"][1]["name"] = "x" * 200  # two parts
    crowd.campaigns = [campaign(budget={"cost": 0.35})]
    crowd.turn(ledger)
    assert sent(answers) == ["policy:P0", "policy:P1"]  # 0.1 + 0.2; the third would make 0.4
    assert ledger.store.query("select volume, cost from spent") == [(2, pytest.approx(0.3))]
    assert answers()["policy:P2"] == "held budget.campaign_cost"
    body, trace = ledger.store.query(
        "select c.body, d.trace from decisions d join moments m using (moment_id) join cases c on c.case_id = json_extract(d.trace, '$[0][0]') where m.subject = 'policy:P2'"
    )[0]
    seen = json.loads(trace)[0][2]
    assert (
        dict(zip([gate for gate, _ in json.loads(body)["gates"]], seen, strict=True))["budget"]
        == "costs 0.1 on 2026-11-23"
    )


def test_words_that_do_not_fit_are_not_blamed_on_the_budget(crowd, campaign, ledger, answers):
    from channels.contract import Profile

    crowd.profile = Profile(alphabet="sms", max_segments=1)
    crowd.tables["customers"][0]["name"] = "x" * 200
    crowd.campaigns = [campaign(budget={"volume": 5})]
    crowd.turn(ledger)
    assert answers()["policy:P0"] == "refused gateway.content_refused"
    trace = json.loads(ledger.store.query("select trace from decisions where reason = 'content_refused'")[0][0])
    assert "parts in GSM-7" in trace[0][2][-1]
    assert ledger.store.query("select volume from spent") == [(4,)]


def test_a_message_for_tomorrow_takes_from_tomorrow(crowd, campaign, ledger, now):
    crowd.campaigns = [campaign(budget={"volume": 3})]
    crowd.turn(ledger, now.replace(hour=21))
    assert ledger.store.query("select day, volume from spent") == [("2026-11-24", 3)]
    held = ledger.store.query("select distinct wake_at from moments where status = 'held'")
    assert held == [(int((now + timedelta(days=2)).replace(hour=0).timestamp()),)]


def test_a_contract_notice_has_no_budget_and_a_limit_limits_something(campaign):
    with pytest.raises(ValueError, match="cannot be held back"):
        campaign(purpose="contract", budget={"volume": 1})
    with pytest.raises(ValueError, match="limits nothing"):
        Limit()
    with pytest.raises(ValueError, match="unknown channel"):
        ContactPolicy(budgets={"fax": {"volume": 1}})
    assert Campaign.model_validate(campaign()).budget is None


def test_what_was_spent_adds_up():
    spent = Spent.of(
        [("2026-11-23", "a", "sms", 2, 0.5), ("2026-11-23", "b", "sms", 1, 0.25), ("2026-11-24", "a", "sms", 9, 9.0)]
    )
    assert spent.taken("channel", "2026-11-23", "sms") == (3, 0.75)
    assert spent.plus([("2026-11-23", "a", "push", 1, 0.0)]).taken("campaign", "2026-11-23", "a") == (3, 0.5)
