"""One message a window: who competes, who wins, what losing does, and how a scarce channel is dealt out."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from campaigns.policy import ContactPolicy

COLUMNS = "select m.campaign, m.customer_id, d.verdict, d.gate, d.reason from moments m join decisions d using (moment_id) order by 1, 2"


@pytest.fixture
def policy(insurer):
    """Set the contact policy: everybody competes, no caps."""

    def set_(arbitrate=None, **more):
        insurer.policy = ContactPolicy(arbitrate=arbitrate or {}, caps=[], consent={"marketing": "opt_out"}, **more)

    set_()
    return set_


@pytest.fixture
def told(ledger):
    def read():
        return {
            f"{campaign} {customer}": verdict if verdict == "sent" else f"{verdict} {gate}.{reason}"
            for campaign, customer, verdict, gate, reason in ledger.store.query(COLUMNS)
        }

    return read


@pytest.fixture
def seen(ledger):
    """What the gate saw of a customer in a campaign."""

    def read(campaign, customer="C1"):
        body, trace = ledger.store.query(
            f"""select c.body, d.trace from decisions d join moments m using (moment_id) join cases c on c.case_id = json_extract(d.trace, '$[0][0]')
                 where m.campaign = '{campaign}' and m.customer_id = '{customer}'"""
        )[0]
        names = [name for name, _ in json.loads(body)["gates"]]
        return dict(zip(names, json.loads(trace)[0][2], strict=False)).get("arbitrate")

    return read


def worth(amount, **more):
    return {"worth": amount, **more}


def test_of_one_class_the_greater_expected_value_wins_and_the_other_waits(
    insurer, campaign, ledger, policy, told, seen, now
):
    insurer.campaigns = [campaign(name="a", arbitrate=worth(10)), campaign(name="b", arbitrate=worth(80))]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert told() == {"a C1": "held arbitrate.outvalued", "b C1": "sent"}
    assert seen("b") == "expected 80 = propensity ? x value 80 x uplift ?, of 2"
    assert seen("a") == "expected 10 = propensity ? x value 10 x uplift ?, of 2; b has the window"
    woken = ledger.store.query("select wake_at from moments where campaign = 'a'")
    assert woken == [(int((now + timedelta(days=1)).replace(hour=0).timestamp()),)]
    ledger.store.query("update messages set state = 'delivered'")
    insurer.turn(ledger, now + timedelta(days=1))
    assert told() == {"a C1": "sent", "b C1": "sent"}


def test_a_higher_class_wins_whatever_the_others_are_worth(insurer, campaign, ledger, policy, told):
    insurer.campaigns = [
        campaign(name="a", purpose="marketing", arbitrate=worth(1000)),
        campaign(name="b", purpose="care"),
        campaign(name="c", purpose="marketing", arbitrate={"priority": "high"}),
    ]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert told() == {"a C1": "held arbitrate.outranked", "b C1": "held arbitrate.outranked", "c C1": "sent"}


def test_a_contract_notice_neither_competes_nor_takes_the_window(insurer, campaign, ledger, policy, told, seen):
    insurer.campaigns = [campaign(name="a"), campaign(name="n", purpose="contract")]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert told() == {"a C1": "sent", "n C1": "sent"}
    assert (seen("a"), seen("n")) == ("no rival", None)


def test_where_the_best_may_not_go_the_next_best_does(insurer, campaign, ledger, policy, told):
    insurer.campaigns = [
        campaign(name="a", arbitrate=worth(1)),
        campaign(name="b", arbitrate=worth(9), steps=[{"send": {"template": "note", "channels": ["push"]}}]),
        campaign(name="c", arbitrate=worth(5)),
    ]
    insurer.customer("C1").customer("C2", push_token="t").expiring("P1", "C1").expiring("P2", "C2").turn(ledger)
    assert told() == {
        "a C1": "held arbitrate.outvalued",
        "a C2": "held arbitrate.outvalued",
        "b C1": "refused reachable.no_address",
        "b C2": "sent",
        "c C1": "sent",
        "c C2": "held arbitrate.outvalued",
    }


def test_two_moments_of_one_campaign_compete_too(insurer, ledger, policy, answers):
    insurer.customer("C1").expiring("P1", "C1").expiring("P2", "C1").turn(ledger)
    assert answers() == {"policy:P1": "sent", "policy:P2": "held arbitrate.outvalued"}


@pytest.mark.parametrize(
    ("lose", "expected"),
    [("wait", "held arbitrate.outvalued"), ("expire", "expired arbitrate.outvalued"), ("next", "sent")],
)
def test_losing_does_what_is_declared(insurer, campaign, ledger, policy, told, lose, expected):
    both = [{"send": {"template": "note", "channels": ["sms", "ai_outbound"]}}]
    insurer.campaigns = [
        campaign(name="a", arbitrate=worth(1, lose=lose), steps=both),
        campaign(name="b", arbitrate=worth(2), steps=both),
    ]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert told() == {"a C1": expected, "b C1": "sent"}
    media = ledger.store.query("select campaign, medium from messages order by 1")
    assert media == ([("a", "ai_outbound")] if lose == "next" else []) + [("b", "sms")]


def test_who_won_keeps_the_window_unless_a_higher_class_comes(insurer, campaign, ledger, policy, told, now):
    policy({"window": "7d"})
    later = {"kind": "event", "type": "told", "max_age": "5d"}
    insurer.campaigns = [
        campaign(name="a", purpose="care", arbitrate=worth(1)),
        campaign(name="b", purpose="care", trigger=later, arbitrate=worth(99)),
        campaign(name="c", purpose="service", trigger=later),
    ]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    insurer.add("events", event_id="E1", customer_id="C1", type="told", occurred_at=now + timedelta(days=2))
    ledger.store.query("update messages set state = 'delivered'")
    insurer.turn(ledger, now + timedelta(days=2, hours=1))
    assert told() == {"a C1": "sent", "b C1": "held arbitrate.outranked", "c C1": "sent"}


def test_a_follow_up_does_not_lose_to_its_own_beginning(insurer, campaign, ledger, policy, now):
    policy({"window": "7d"})
    call = [
        {"send": {"template": "note", "channels": ["sms"]}},
        {"wait": "1d"},
        {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
    ]
    insurer.campaigns = [campaign(steps=call)]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    insurer.turn(ledger, now + timedelta(days=1))
    assert ledger.store.query("select medium from messages order by 1") == [("ai_outbound",), ("sms",)]


def test_uplift_and_propensity_come_from_the_insurers_view(insurer, campaign, ledger, policy, told, seen):
    insurer.campaigns = [campaign(name="a", arbitrate=worth(100)), campaign(name="b", arbitrate=worth(80))]
    insurer.customer("C1").expiring("P1", "C1").customer("C2").expiring("P2", "C2")
    insurer.add("uplift", customer_id="C1", campaign="a", propensity=0.5, uplift=0.1)
    insurer.turn(ledger)
    assert told() == {
        "a C1": "held arbitrate.outvalued",
        "b C1": "sent",
        "a C2": "sent",
        "b C2": "held arbitrate.outvalued",
    }
    assert seen("a") == "expected 5 = propensity 0.5 x value 100 x uplift 0.1, of 2; b has the window"


def test_an_uplift_told_alone_is_what_a_contact_adds_and_takes_the_place_of_the_models_probability(
    insurer, campaign, ledger, policy, told, seen
):
    insurer.campaigns = [campaign(name="a", offers={"kind": "insurance"}), campaign(name="b", arbitrate=worth(50))]
    insurer.customer("C1").expiring("P1", "C1").add(
        "products", product_id="health", name="Health", kind="insurance", active=True, value=180
    )
    insurer.add("uplift", customer_id="C1", campaign="a", uplift=0.3)
    insurer.turn(ledger, recommender=Model())
    assert seen("a") == "expected 54 = propensity ? x value 180 x uplift 0.3, of 2"


def test_where_a_campaign_names_a_model_only_its_word_counts(insurer, campaign, ledger, policy, told, seen):
    named = campaign(name="a", arbitrate=worth(100), uplift={"model": "call"})
    insurer.campaigns = [named, campaign(name="b", arbitrate=worth(80))]
    insurer.customer("C1").expiring("P1", "C1")
    insurer.add("uplift", customer_id="C1", campaign="a", uplift=0.9, model="other@2")
    insurer.add("uplift", customer_id="C1", campaign="a", uplift=0.1, model="call@20260601")
    insurer.turn(ledger)
    assert seen("a") == "expected 10 = propensity ? x value 100 x uplift 0.1, of 2; b has the window"


def test_whom_a_contact_would_put_off_is_left_out_before_the_holdout_is_drawn(insurer, campaign, ledger, told):
    insurer.campaigns = [campaign(name="a", uplift={"least": 0.0}, holdout=1.0), campaign(name="b")]
    for number, adds in enumerate((-0.02, 0.02, None)):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
        if adds is not None:
            insurer.add("uplift", customer_id=f"C{number}", campaign="a", uplift=adds)
    insurer.turn(ledger)
    assert told() == {
        "a C0": "refused uplift.put_off",
        "a C1": "held_out holdout.holdout_campaign",
        "a C2": "held_out holdout.holdout_campaign",
        "b C0": "sent",
        "b C1": "sent",
        "b C2": "sent",
    }


class Model:
    """Offers one product to everybody, with a probability."""

    version = "test"

    def top(self, db, customers, *, kind, top, now, only=None, personal=True):
        import pyarrow as pa

        size = customers.num_rows
        columns = {"product_id": ["health"] * size, "name": ["Health"] * size, "reason": [""] * size}
        numbers = {"rank": [1] * size, "probability": [0.25] * size, "score": [0.0] * size}
        return pa.table({"customer_id": customers["customer_id"], **columns, **numbers, "model": ["test"] * size})


def test_an_offer_is_worth_its_margin_times_its_probability(insurer, campaign, ledger, policy, told, seen):
    insurer.campaigns = [campaign(name="a", offers={"kind": "insurance"}), campaign(name="b", arbitrate=worth(50))]
    insurer.customer("C1").expiring("P1", "C1").add(
        "products", product_id="health", name="Health", kind="insurance", active=True, value=180
    )
    insurer.turn(ledger, recommender=Model())
    assert seen("b") == "expected 50 = propensity ? x value 50 x uplift ?, of 2"
    assert seen("a") == "expected 45 = propensity 0.25 x value 180 x uplift ?, of 2; b has the window"


def test_a_scarce_channel_goes_to_those_it_is_worth_most_for(insurer, campaign, ledger, policy, told):
    policy(budgets={"ai_outbound": {"volume": 1}, "sms": {"volume": 2}})
    calls, texts = ([{"send": {"template": "note", "channels": [name]}}] for name in ("ai_outbound", "sms"))
    insurer.campaigns = [
        campaign(name="a", arbitrate=worth(10), steps=calls),
        campaign(name="b", arbitrate=worth(9), steps=texts),
    ]
    for number in range(4):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    insurer.turn(ledger)
    # everybody's best is the call; choosing first and cutting after would reach one customer
    assert ledger.store.query("select campaign, medium, count(*) from messages group by 1, 2 order by 1, 2") == [
        ("a", "ai_outbound", 1),
        ("b", "sms", 2),
    ]
    assert sorted(told().values()) == ["held arbitrate.outbid"] * 2 + ["held arbitrate.outvalued"] * 3 + ["sent"] * 3


def test_what_a_scarce_channel_cannot_carry_waits_for_tomorrow(insurer, campaign, ledger, policy, told, now):
    policy(budgets={"sms": {"volume": 1}})
    insurer.campaigns = [campaign(arbitrate=worth(10))]
    for number in range(3):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
        insurer.add("uplift", customer_id=f"C{number}", campaign="reminder", propensity=0.1 * (number + 1))
    insurer.turn(ledger)
    assert told() == {
        "reminder C0": "held arbitrate.outbid",
        "reminder C1": "held arbitrate.outbid",
        "reminder C2": "sent",
    }
    insurer.turn(ledger, now + timedelta(days=1))
    assert told() == {"reminder C0": "held arbitrate.outbid", "reminder C1": "sent", "reminder C2": "sent"}


def test_room_left_by_one_who_may_not_go_is_dealt_out_again(insurer, campaign, ledger, policy, told):
    policy(budgets={"sms": {"volume": 1}})
    insurer.campaigns = [campaign(arbitrate=worth(10))]
    insurer.customer("C0").expiring("P0", "C0").customer("C1").expiring("P1", "C1")
    insurer.add("uplift", customer_id="C1", campaign="reminder", propensity=0.9)
    insurer.add("uplift", customer_id="C0", campaign="reminder", propensity=0.1)
    insurer.add("consents", customer_id="C1", purpose="service", channel="sms", granted=False, at="2026-11-01")
    insurer.turn(ledger)
    assert told() == {"reminder C0": "sent", "reminder C1": "refused consent.consent_refused"}


def test_how_moments_are_cut_into_batches_changes_nothing(insurer, campaign, ledger, policy, contents, tmp_path):
    from campaigns.ledger import Ledger

    policy({"window": "2d"}, budgets={"sms": {"volume": 9}})
    insurer.campaigns = [campaign(name=name, purpose=purpose, arbitrate=worth(value)) for name, purpose, value in
                         (("a", "care", 3), ("b", "care", 4), ("c", "marketing", 50), ("d", "service", None))]  # fmt: skip
    for number in range(12):
        insurer.customer(f"C{number:02}", phone=None if number % 5 == 3 else "13900000000").expiring(
            f"P{number}", f"C{number:02}"
        )
    insurer.turn(ledger, shelf=1000)
    whole = contents()
    with Ledger(tmp_path / "other.db") as other:
        insurer.turn(other, shelf=2)
        sql = "select m.campaign, m.customer_id, m.status, m.wake_at, d.gate, d.reason, d.trace from moments m join decisions d using (moment_id) order by 1, 2"
        assert other.store.query(sql) == ledger.store.query(sql)
    assert len(whole) == 48
