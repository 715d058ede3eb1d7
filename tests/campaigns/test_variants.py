"""Arms of a campaign: drawn by hash, kept for ever, logged with their probability, and different in what they say."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import duckdb
import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from campaigns.arms import draws, place
from campaigns.check import check

ARMS = [{"name": "plain", "weight": 1}, {"name": "by_push", "weight": 1, "steps": {"note": {"channels": ["push"]}}}]


def people(insurer, size, start=0):
    for number in range(start, start + size):
        insurer.customer(f"C{number:03}", push_token=f"t{number}").expiring(f"P{number:03}", f"C{number:03}")
    return insurer


def assigned(ledger):
    return dict(ledger.store.query("select customer_id, arm from assignments"))


def test_each_customer_gets_what_their_arm_says_and_is_logged_with_the_probability(insurer, ledger, campaign):
    made = campaign(variants=ARMS)
    insurer.campaigns = [made]
    assert people(insurer, 40).turn(ledger).reserved == 40
    media = dict(ledger.store.query("select customer_id, medium from messages"))
    channel = {"plain": "sms", "by_push": "push"}
    assert {customer: channel[arm] for customer, arm in assigned(ledger).items()} == media
    assert set(ledger.store.query("select campaign, probability, version from assignments")) == {
        ("reminder", 0.5, made.version)
    }
    assert set(ledger.store.query("select distinct version, step from decisions")) == {(made.version, "note")}
    assert [finding for finding in check(ledger) if not finding.holds] == []


def test_an_arm_may_differ_in_words_and_hours(insurer, ledger, campaign, tmp_path):
    other = {"steps": {"note": {"template": "short"}}, "hours": {"from": "15:00", "to": "16:00"}}
    insurer.campaigns = [campaign(variants=[ARMS[0], {"name": "short", **other}])]
    insurer.words()
    (tmp_path / "templates" / "en" / "short.j2").write_text("{% block sms %}Soon.{% endblock %}", encoding="utf-8")
    people(insurer, 30).turn(ledger)
    said = ledger.store.query(
        "select distinct a.arm, g.step, g.template, (g.not_before + 8 * 3600) % 86400 / 3600 from messages g "
        "join assignments a using (customer_id) order by 1"
    )
    assert said == [("plain", "note", "note", 10), ("short", "note", "short", 15)]


def test_changed_weights_and_edits_keep_everybody_where_they_are(insurer, ledger, campaign, now):
    insurer.campaigns = [campaign(variants=ARMS)]
    people(insurer, 40).turn(ledger)
    before = assigned(ledger)
    edited = [{**ARMS[0], "weight": 0}, {**ARMS[1], "weight": 1}]
    insurer.campaigns = [campaign(variants=edited, title={"en": "Edited"})]
    for number in range(40):
        insurer.expiring(f"Q{number:03}", f"C{number:03}")
    insurer.policy = insurer.policy.model_copy(update={"caps": ()})
    people(insurer, 20, start=40).turn(ledger)
    after = assigned(ledger)
    assert {customer: after[customer] for customer in before} == before
    assert {after[customer] for customer in after.keys() - before.keys()} == {"by_push"}
    channel = {"plain": "sms", "by_push": "push"}
    media = ledger.store.query("select customer_id, medium from messages")
    assert (len(media), all(channel[after[customer]] == medium for customer, medium in media)) == (100, True)


def test_whoever_was_in_an_arm_that_is_gone_is_drawn_again_and_both_draws_stay_on_record(insurer, ledger, campaign):
    insurer.campaigns = [campaign(variants=ARMS)]
    people(insurer, 30).turn(ledger)
    first = assigned(ledger)
    insurer.campaigns = [campaign(variants=[ARMS[0], {"name": "later"}])]
    for number in range(30):
        insurer.expiring(f"Q{number:03}", f"C{number:03}")
    insurer.turn(ledger)
    rows = ledger.store.query("select customer_id, count(*) from assignments group by 1")
    assert {customer: 1 if arm == "plain" else 2 for customer, arm in first.items()} == dict(rows)


def test_a_message_of_an_arm_with_other_channels_is_withdrawn_when_it_has_become_wrong(insurer, ledger, campaign, now):
    late = {"hours": {"from": "18:00", "to": "19:00"}}
    insurer.campaigns = [campaign(variants=[{**ARMS[0], **late}, {**ARMS[1], **late}])]
    people(insurer, 20).turn(ledger)
    for row in insurer.tables["policies"]:
        row["status"] = "cancelled"
    from datetime import timedelta

    assert insurer.turn(ledger, now + timedelta(hours=1)).withdrawn == 20


@pytest.mark.parametrize(
    ("variants", "fault"),
    [
        ([{"name": "one"}], "arms are compared by name"),
        ([{"name": "one"}, {"name": "one"}], "arms are compared by name"),
        ([{"name": "one", "weight": 0}, {"name": "two", "weight": 0}], "no arm takes anybody"),
        ([{"name": "one"}, {"name": "two", "steps": {"letter": {}}}], "the arm 'two' changes 'letter'"),
        ([{"name": "one"}, {"name": "two", "steps": {"note": {"channels": ["fax"]}}}], "unknown channel 'fax'"),
    ],
)
def test_arms_that_make_no_experiment_are_refused(campaign, variants, fault):
    with pytest.raises(ValidationError, match=fault):
        campaign(variants=variants)


def test_a_campaign_without_arms_keeps_the_fingerprint_it_had_before_there_were_any(campaign):
    assert "variants" not in campaign().body()


# --- a test of nothing against nothing: 200 campaigns, 4,000 customers, three arms


WEIGHTS = [0.5, 0.3, 0.2]
CUSTOMERS = [f"C{number:06}" for number in range(4_000)]


@pytest.fixture(scope="module")
def simulated():
    """Arm of each customer in each of 200 campaigns."""
    with duckdb.connect() as db:
        return [place(draws(db, "a salt", f"campaign-{number}", CUSTOMERS), WEIGHTS) for number in range(200)]


def test_the_shares_of_arms_pass_a_chi_square_test_over_200_campaigns(simulated):
    expected = np.array(WEIGHTS) * len(CUSTOMERS)
    values = [stats.chisquare(np.bincount(arms, minlength=3), expected).pvalue for arms in simulated]
    # p-values of a true null are uniform: about 1 % below 0.01, and no distance from uniform that a test would find
    assert sum(value < 0.01 for value in values) <= 8  # a binomial of 200 and 0.01 exceeds 8 once in 4,600
    assert stats.kstest(values, "uniform").pvalue > 0.001
    pooled = np.sum([np.bincount(arms, minlength=3) for arms in simulated], axis=0)
    assert stats.chisquare(pooled, expected * 200).pvalue > 0.001


def test_arms_of_different_campaigns_are_independent(simulated):
    values = []
    for one, other in pairwise(simulated):
        counts = np.zeros((3, 3))
        np.add.at(counts, (one, other), 1)
        values.append(stats.chi2_contingency(counts).pvalue)
    assert sum(value < 0.01 for value in values) <= 8
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_arms_are_independent_of_who_is_held_out(simulated):
    from hashlib import md5

    held = np.array([int(md5(f"a salt:campaign-0:{c}".encode()).hexdigest()[:13], 16) / 2**52 < 0.1 for c in CUSTOMERS])
    counts = np.array([np.bincount(simulated[0][held == each], minlength=3) for each in (True, False)])
    assert stats.chi2_contingency(counts).pvalue > 0.001


def test_an_arm_without_weight_gets_nobody_and_every_draw_falls_somewhere():
    edges = np.array([0.0, 0.5 - 2**-52, 0.5, 1 - 2**-52])
    assert place(edges, [0.5, 0.5]).tolist() == [0, 0, 1, 1]
    assert place(edges, [0.0, 1.0]).tolist() == [1, 1, 1, 1]
    assert place(edges, [1.0, 0.0]).tolist() == [0, 0, 0, 0]
    assert Counter(place(edges, [0.5, 0.0, 0.5]).tolist()) == {0: 2, 2: 2}


class Choosing:
    """A model with an offer for customers of even number: `own` as its choice, `usual` as the popular one."""

    version = "test"

    def top(self, db, customers, *, kind, top, now, only=None, personal=True):
        import pyarrow as pa

        product = "own" if personal else "usual"
        told = {
            "rank": 1,
            "product_id": product,
            "name": product.title(),
            "reason": "",
            "probability": 0.5,
            "score": 0.0,
            "model": "t",
        }
        found = [{"customer_id": c, **told} for c in customers["customer_id"].to_pylist() if int(c[1:]) % 2 == 0]
        return pa.Table.from_pylist(found)


def test_arms_may_differ_in_nothing_but_the_offer_and_hold_the_same_people(insurer, ledger, campaign):
    slot = {"kind": "service"}
    insurer.campaigns = [
        campaign(
            offers=slot,
            variants=[
                {"name": "model"},
                {"name": "popular", "offers": slot | {"choice": "popular"}},
                {"name": "none", "offers": slot | {"choice": "none"}},
            ],
        )
    ]
    for number in range(120):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    insurer.turn(ledger, recommender=Choosing())
    arms = dict(ledger.store.query("select customer_id, arm from assignments"))
    sent = ledger.store.query("select customer_id, offers from messages")
    assert len(sent) == 60
    assert {customer for customer, _ in sent} == {f"C{number}" for number in range(0, 120, 2)}
    shown = {(arms[customer], tuple(each["product_id"] for each in json.loads(offers))) for customer, offers in sent}
    assert shown == {("model", ("own",)), ("popular", ("usual",)), ("none", ())}
