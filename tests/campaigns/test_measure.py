"""Campaigns as trials: groups as they were drawn, goals counted once and late, checks that say when not to believe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from campaigns.ledger.store import is_postgres
from campaigns.measure.ranking import ranking
from campaigns.measure.report import campaign_report
from campaigns.measure.trial import HELD_OUT, TREATED, meant, measured, trial_of
from campaigns.policy import Cap
from recommender.effect.plan import Plan

GOAL = {"event": "premium_paid", "within": "10d"}
FAR = 40


@pytest.fixture
def paying(insurer, campaign):
    """Forty customers with a policy each; half of them are held out of a campaign whose goal is a payment within ten days."""
    insurer.campaigns = [campaign(goal=GOAL, holdout="50%")]
    for number in range(FAR):
        insurer.customer(f"C{number:02}").expiring(f"P{number:02}", f"C{number:02}")
    return insurer


def pay(insurer, customer: str, day: str, number: int = 0) -> None:
    insurer.add(
        "events",
        event_id=f"E{customer}{number}",
        customer_id=customer,
        type="premium_paid",
        occurred_at=f"{day}T12:00",
        subject_id=f"P{customer[1:]}",
    )


def rows(ledger, campaign, at: datetime, **prices: float) -> dict[str, tuple[str, int, int, float]]:
    table = measured(ledger, trial_of(ledger, campaign, at, prices))
    return {
        row["customer_id"]: (row["group"], row["moments"], row["reached"], row["cost"]) for row in table.to_pylist()
    }


def told(ledger, campaign, at: datetime) -> dict:
    with duckdb.connect() as db:
        return campaign_report(ledger, trial_of(ledger, campaign, at, {}), db, Plan(reading="always_valid"), at)


def test_treated_and_held_out_are_matched_alike_once_their_window_is_closed(paying, ledger, now):
    paying.turn(ledger)
    for customer in ("C00", "C01", "C02", "C03", "C04"):
        pay(paying, customer, "2026-11-25")
        pay(paying, customer, "2026-11-26", 1)
    [campaign] = paying.campaigns
    paying.turn(ledger, now + timedelta(days=5))
    assert rows(ledger, campaign, now + timedelta(days=5)) == {}
    paying.turn(ledger, now + timedelta(days=10))
    found = rows(ledger, campaign, now + timedelta(days=10))
    statuses = dict(ledger.store.query("select customer_id, status from moments"))
    assert {customer: row[0] for customer, row in found.items()} == {
        customer: {"sent": TREATED, "held_out": HELD_OUT}[status] for customer, status in statuses.items()
    }
    assert {customer for customer, row in found.items() if row[2]} == {"C00", "C01", "C02", "C03", "C04"}
    assert {row[2] for row in found.values()} == {0, 1}  # paid twice is one goal


def test_what_is_told_weeks_after_its_window_still_counts(paying, ledger, now):
    paying.turn(ledger)
    for days in (10, 12, 14):
        paying.turn(ledger, now + timedelta(days=days))
    pay(paying, "C07", "2026-11-30")
    late = now + timedelta(days=28)
    paying.turn(ledger, late)
    assert rows(ledger, paying.campaigns[0], late)["C07"][2] == 1


def test_one_event_counts_for_the_last_of_a_customers_moments(paying, ledger, now, campaign):
    paying.campaigns = [campaign(goal={**GOAL, "of": "customer"}, holdout="50%")]
    paying.expiring("Q00", "C00", on="2027-01-23")
    paying.turn(ledger)
    paying.turn(ledger, now + timedelta(days=1))
    pay(paying, "C00", "2026-11-26")
    paying.turn(ledger, now + timedelta(days=14))
    assert ledger.store.query("select count(*) from outcomes") == [(2,)]
    assert rows(ledger, paying.campaigns[0], now + timedelta(days=14))["C00"][1:3] == (2, 1)


def test_who_was_put_off_by_a_cap_stays_among_the_treated_whatever_they_do(paying, ledger, now, campaign):
    once = Cap.model_validate({"max": 1, "per": "7d", "channels": ["sms"]})
    paying.policy = paying.policy.model_copy(update={"caps": (once,)})
    held = campaign(goal=GOAL, holdout="50%", cap="hold", valid_for="9d", purpose="care")
    paying.campaigns = [campaign(name="first"), held]  # a service message takes the room of the week
    paying.turn(ledger)
    waiting = [customer for (customer,) in ledger.store.query("select customer_id from moments where status = 'held'")]
    pay(paying, waiting[0], "2026-11-24")
    paying.turn(ledger, now + timedelta(days=8))
    assert ledger.store.query(
        f"select status from moments where campaign = 'reminder' and customer_id = '{waiting[0]}'"
    ) == [("retracted",)]
    paying.turn(ledger, now + timedelta(days=11))
    found = rows(ledger, held, now + timedelta(days=11))
    assert found[waiting[0]][:3] == (TREATED, 1, 1)


def test_customers_held_out_of_everything_are_no_control_of_one_campaign(paying, ledger, now):
    paying.policy = paying.policy.model_copy(update={"holdout": 0.3})
    paying.turn(ledger)
    paying.turn(ledger, now + timedelta(days=10))
    everything = {
        row[0]
        for row in ledger.store.query(
            "select customer_id from moments join decisions using (moment_id) where reason = 'holdout_global'"
        )
    }
    assert everything
    assert not everything & set(rows(ledger, paying.campaigns[0], now + timedelta(days=10)))


def test_a_copied_query_runs_on_the_database_and_finds_the_same(paying, ledger, now):
    paying.turn(ledger)
    pay(paying, "C01", "2026-11-25")
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    made = told(ledger, paying.campaigns[0], at)
    found = {name: ledger.store.query(text) for name, text in made["queries"].items() if name != "effect_duckdb"}
    assert {row[0]: (row[1], row[3]) for row in found["effect"]} == {
        each["group"]: (each["n"], each["total"]) for each in made["groups"]
    }
    by_group: dict[str, tuple[int, int]] = {}
    for _, group, customers, _, reached, *_ in found["days"]:
        before = by_group.get(group, (0, 0))
        by_group[group] = (before[0] + customers, before[1] + reached)
    assert by_group == {each["group"]: (each["n"], each["total"]) for each in made["groups"]}
    assert len(found["customers"]) == FAR
    assert not any("?" in text or ":c" in text for text in made["queries"].values())


def test_one_renewal_for_two_campaigns_is_said(paying, ledger, now, campaign):
    paying.campaigns = [*paying.campaigns, campaign(name="second", goal=GOAL, holdout="50%")]
    paying.turn(ledger)
    pay(paying, "C01", "2026-11-25")
    pay(paying, "C02", "2026-11-25")
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    twice = [told(ledger, each, at)["counted_twice"] for each in paying.campaigns]
    assert [[(line["campaign"], line["events"]) for line in each] for each in twice] == [
        [("second", 2)],
        [("reminder", 2)],
    ]


def test_too_few_customers_are_too_early_for_a_verdict(paying, ledger, now):
    paying.turn(ledger)
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    [effect] = told(ledger, paying.campaigns[0], at)["effects"]
    assert effect["verdict"] == "not enough data yet"
    assert "nothing is said below 100" in effect["why"]


def test_before_any_window_is_closed_there_is_a_report_and_no_effect(paying, ledger, now):
    paying.turn(ledger)
    made = told(ledger, paying.campaigns[0], now)
    assert [effect["verdict"] for effect in made["effects"]] == ["not enough data yet"]
    assert (made["effects"][0]["estimate"], made["days"], made["segments"]) == (None, [], [])
    assert {line["group"]: line["window_closed"] for line in made["funnel"]} == {TREATED: 0, HELD_OUT: 0}


def unsound(made: dict) -> set[str]:
    return {check["check"] for check in made["health"] if not check["sound"]}


def test_outcomes_that_never_came_and_runs_that_stopped_are_noticed(paying, ledger, now):
    paying.turn(ledger)
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    assert unsound(told(ledger, paying.campaigns[0], at)) == {"outcomes_arrive"}
    pay(paying, "C01", "2026-11-25")
    paying.turn(ledger, at + timedelta(hours=1))
    assert unsound(told(ledger, paying.campaigns[0], at + timedelta(hours=1))) == set()
    assert unsound(told(ledger, paying.campaigns[0], at + timedelta(days=5))) == {"outcomes_looked_for"}


def test_goals_that_stopped_coming_are_noticed(paying, ledger, now):
    paying.turn(ledger)
    for number in range(20):
        pay(paying, f"C{number:02}", "2026-11-24")
    for number in range(15):
        paying.customer(f"D{number:02}").expiring(f"R{number:02}", f"D{number:02}", on="2027-01-26")
    for days in (4, 10, 15):
        paying.turn(ledger, now + timedelta(days=days))
    made = told(ledger, paying.campaigns[0], now + timedelta(days=15))
    assert unsound(made) == {"outcomes_arrive"}
    assert "the last on 2026-11-24; moments since then: 15" in str(made["health"])


def test_groups_lost_on_the_way_are_noticed_before_the_effect(paying, ledger, now, campaign):
    paying.turn(ledger)
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    leaky = campaign(goal=GOAL, holdout="1%")  # the draw was made with half, and one of a hundred is what was meant
    made = told(ledger, leaky, at)
    assert "sample_ratio" in unsound(made)
    assert made["effects"][0]["verdict"] == "groups not comparable"


def test_what_another_share_drew_is_left_out(paying, ledger, now, campaign):
    paying.turn(ledger)
    before, after = paying.campaigns[0], campaign(goal=GOAL, holdout="20%")
    with ledger.store.transaction():
        for each in (before, after):
            body = f'{{"holdout": {each.holdout}}}'
            ledger.store.run(
                "publish", {"campaign": each.name, "version": each.version, "body": body, "at": 1, "by": "li.na"}
            )
    paying.campaigns = [after]
    for number in range(6):
        paying.customer(f"D{number}").expiring(f"R{number}", f"D{number}", on="2027-01-23")
    paying.turn(ledger, now + timedelta(days=1))
    at = now + timedelta(days=14)
    paying.turn(ledger, at)
    assert {customer[0] for customer in rows(ledger, after, at)} == {"D"}
    assert "earlier versions that held out another share: 1;" in str(told(ledger, after, at)["health"])


def test_arms_are_compared_with_the_held_out_by_the_shares_they_were_drawn_with(paying, ledger, now, campaign):
    arms = [{"name": "short", "weight": 3}, {"name": "long", "weight": 1}]
    paying.campaigns = [campaign(goal=GOAL, holdout="20%", variants=arms)]
    paying.turn(ledger)
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    made = told(ledger, paying.campaigns[0], at)
    assert [effect["group"] for effect in made["effects"]] == ["long", "short"]
    assert meant(ledger, paying.campaigns[0]) == pytest.approx({"held_out": 0.2, "short": 0.6, "long": 0.2})
    assert made["control"] == "held_out"


def test_without_a_holdout_the_first_arm_is_what_others_are_compared_with(paying, ledger, now, campaign):
    paying.campaigns = [campaign(goal=GOAL, variants=[{"name": "short"}, {"name": "long"}])]
    paying.turn(ledger)
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    made = told(ledger, paying.campaigns[0], at)
    assert (made["control"], [effect["group"] for effect in made["effects"]]) == ("short", ["long"])


def test_messages_that_went_cost_what_their_channel_costs(paying, ledger, now):
    paying.turn(ledger)
    at = now + timedelta(days=10)
    with ledger.store.transaction():
        ledger.store.run("simulate_delivery", {"now": int(at.timestamp())})
    paying.turn(ledger, at)
    found = rows(ledger, paying.campaigns[0], at, sms=0.05)
    assert {row[0]: row[3] for row in found.values()} == {TREATED: 0.05, HELD_OUT: 0.0}


def test_a_campaign_without_a_goal_cannot_be_measured(ledger, campaign, now):
    with pytest.raises(ValueError, match="has no goal"):
        trial_of(ledger, campaign(), now, {})


LEARNT = datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def ranked(campaign):
    """A ranking of 4,000 customers: the contact helps those with a high score, and the others not at all."""

    def rank(model: str = "m", first: float = LEARNT + 1, better: float = 0.4, **rule) -> dict:
        rng, size = np.random.default_rng(3), 4_000
        score, treated = rng.random(size), np.arange(size) % 3 > 0
        reached = rng.random(size) < 0.2 + better * treated * (score > 0.5)
        names = [f"C{number}" for number in range(size)]
        groups = [TREATED if each else HELD_OUT for each in treated]
        with duckdb.connect() as db:
            measured_rows = {
                "customer_id": names,
                "group": groups,
                "reached": reached.astype(int),
                "first_due_at": [int(first)] * size,
            }
            uplift = {"customer_id": names, "campaign": ["own"] * size, "uplift": score, "model": [model] * size}
            db.register("measured_rows", pa.table(measured_rows))
            db.register("uplift", pa.table({**uplift, "propensity": pa.nulls(size, pa.float64())}))
            return ranking(db, campaign(name="own", goal=GOAL, holdout="30%", **rule))

    return rank


def test_a_ranking_that_knows_whom_a_contact_helps_is_seen_to(ranked):
    found = ranked()
    assert found["customers"] == 4_000
    assert 0 < found["qini"]["low"] < found["qini"]["value"] < found["qini"]["high"]
    effects = [tenth["effect"]["value"] for tenth in found["tenths"]]
    assert min(effects[:4]) > 0.25
    assert max(effects[6:]) < 0.15
    assert found["curve"][0] == [0.0, 0.0]


def test_a_ranking_that_knows_nothing_is_not_called_one(ranked):
    assert ranked(better=0.0)["qini"]["low"] < 0


@pytest.mark.parametrize(
    ("model", "customers"),
    [("m@20260401T000000Z-ab12", 0), ("m@20260228T000000Z-ab12", 4_000), ("of-our-own", 4_000)],
)
def test_a_model_is_tried_only_on_customers_it_has_not_learnt_from(ranked, model, customers):
    found = ranked(model)
    assert (found["customers"], "qini" in found) == (customers, customers > 0)


def test_only_what_the_campaigns_own_model_says_is_tried(ranked):
    assert ranked("m@20260101T000000Z-x", uplift={"model": "m"})["customers"] == 4_000
    assert ranked("other", uplift={"model": "m"})["customers"] == 0


def test_no_query_of_a_report_reads_a_whole_table_once_a_moment(paying, ledger, now, place):
    if is_postgres(place):
        pytest.skip("PostgreSQL explains its plans otherwise, and chooses them by the size of its tables")
    paying.turn(ledger)
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    for name, text in told(ledger, paying.campaigns[0], at)["queries"].items():
        if name == "effect_duckdb":
            continue
        steps = {row[0]: (row[1], row[3]) for row in ledger.store.query(f"explain query plan {text}")}

        def inside(step: int, steps: dict[int, tuple[int, str]] = steps) -> bool:
            parent = steps[step][0]
            return parent != 0 and ("CORRELATED" in steps[parent][1] or inside(parent))

        assert not [what for step, (_, what) in steps.items() if what.startswith("SCAN") and inside(step)], name


def test_a_goal_that_is_an_answer_to_the_campaigns_own_messages_is_no_effect(paying, ledger, now, campaign):
    paying.campaigns = [campaign(goal={"event": "call_answered", "within": "10d"}, holdout="50%")]
    paying.turn(ledger)
    with ledger.store.transaction():
        for (message,) in ledger.store.query("select message_id from messages"):
            values = {"event": "call_answered", "at": int(now.timestamp()) + 3600, "detail": '{"attempt": 1}'}
            ledger.store.run("answer", {"message_id": message, "event_id": f"{message}:call_answered", **values})
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    made = told(ledger, paying.campaigns[0], at)
    assert unsound(made) == {"goal_open_to_both"}
    assert [(each["verdict"], each["why"][:46]) for each in made["effects"]] == [
        ("groups not comparable", "answers to the campaign's own messages among t")
    ]


def test_customers_of_both_groups_are_left_out_and_it_is_said(paying, ledger, now):
    paying.turn(ledger)
    paying.policy = paying.policy.model_copy(update={"salt": "another"})
    for number in range(FAR):
        paying.expiring(f"Q{number:02}", f"C{number:02}", on="2027-01-23")
    paying.turn(ledger, now + timedelta(days=1))
    at = now + timedelta(days=14)
    paying.turn(ledger, at)
    both = sum(row[0] == "(both)" for row in rows(ledger, paying.campaigns[0], at).values())
    made = told(ledger, paying.campaigns[0], at)
    assert both > 0
    assert f"treated once and held out another time: {both}; they are left out" in str(made["health"])
    assert "one_group_each" in unsound(made)
    assert sum(group["n"] for group in made["groups"]) == FAR - both


def test_where_everybody_is_held_out_there_is_one_group_and_it_is_said(paying, ledger, now, campaign):
    paying.campaigns = [campaign(goal=GOAL, holdout="100%")]
    paying.turn(ledger)
    at = now + timedelta(days=10)
    paying.turn(ledger, at)
    made = told(ledger, paying.campaigns[0], at)
    assert (made["effects"], meant(ledger, paying.campaigns[0])) == ([], {HELD_OUT: 1.0})
    assert "there is one group only: with a `holdout` above 0 and below 100%" in str(made["health"])
