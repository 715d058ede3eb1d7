"""The spine: each moment once, each decision explained, nothing skipped, nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.check import check
from campaigns.ledger import Ledger
from campaigns.report import funnels
from campaigns.turn import in_order
from triggers.testing import facts as facts_of


def test_a_policy_60_days_from_its_end_becomes_one_message(insurer, ledger):
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert ledger.store.query("select customer_id, address, parts, state from messages") == [
        ("C1", "+8613800000000", '{"sms": "Hello NC1, your cover ends soon."}', "reserved")
    ]


def test_a_second_run_the_same_day_adds_nothing(insurer, ledger, contents):
    insurer.customer("C1").expiring("P1", "C1")
    insurer.turn(ledger)
    first = contents()
    again = insurer.turn(ledger)
    assert (again.reserved, again.admitted, contents()) == (0, {"reminder": 0}, first)


def test_the_next_day_adds_only_that_day(insurer, ledger, now):
    insurer.customer("C1").customer("C2").expiring("P1", "C1").expiring("P2", "C2", on="2027-01-23")
    assert insurer.turn(ledger).reserved == 1
    assert insurer.turn(ledger, now + timedelta(days=1)).reserved == 1
    assert [row[0] for row in ledger.store.query("select subject from moments order by 1")] == [
        "policy:P1",
        "policy:P2",
    ]


def test_moments_left_undecided_by_a_dead_process_are_decided_by_the_next(insurer, ledger, campaign, now):
    import pyarrow as pa

    insurer.customer("C1").expiring("P1", "C1")
    from triggers.moments import moments

    with facts_of(now, **insurer.tables) as facts:
        for batch in moments(campaign().trigger, facts):
            assert isinstance(batch, pa.RecordBatch)
            ledger.admit(campaign(), batch, now)
    assert funnels(ledger)["reminder"].statuses["pending"] == 1
    insurer.turn(ledger)
    assert funnels(ledger)["reminder"].statuses == {
        "sent": 1,
        "pending": 0,
        "held_out": 0,
        "held": 0,
        "refused": 0,
        "expired": 0,
        "retracted": 0,
    }


def test_a_campaign_that_is_not_enabled_does_not_run(insurer, ledger, campaign):
    insurer.campaigns = [campaign(enabled=False)]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert funnels(ledger) == {}


def test_contract_notices_are_decided_before_marketing(campaign):
    names = [
        c.name
        for c in in_order(
            [
                campaign(name="b", purpose="marketing"),
                campaign(name="a", purpose="care"),
                campaign(name="z", purpose="contract"),
            ]
        )
    ]
    assert names == ["z", "a", "b"]


def test_a_customer_without_a_name_is_refused_with_the_fault_and_others_are_not(insurer, ledger, answers):
    insurer.customer("C1", name=None).customer("C2").expiring("P1", "C1").expiring("P2", "C2").turn(ledger)
    assert answers() == {"policy:P1": "refused gateway.template_failed", "policy:P2": "sent"}


def test_follow_up_steps_wait_in_the_ledger_and_survive(insurer, ledger, campaign, now):
    insurer.campaigns = [
        campaign(
            goal={"event": "policy_renewed", "within": "75d"},
            steps=[
                {"send": {"template": "note", "channels": ["sms"]}},
                {"wait": "14d", "unless": "goal"},
                {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
            ],
        )
    ]
    insurer.customer("C1").customer("C2").expiring("P1", "C1").expiring("P2", "C2").turn(ledger)
    assert insurer.turn(ledger, now + timedelta(days=13)).reserved == 0
    insurer.tables["policies"][1]["status"] = "renewed"
    assert insurer.turn(ledger, now + timedelta(days=14)).reserved == 1
    rows = ledger.store.query(
        "select m.subject, m.status, d.step, d.verdict, d.reason from moments m join decisions d using (moment_id) order by 1, 3"
    )
    assert rows == [
        ("policy:P1", "sent", "call", "sent", ""),
        ("policy:P1", "sent", "note", "sent", ""),
        ("policy:P2", "sent", "call", "retracted", "goal_reached"),
        ("policy:P2", "sent", "note", "sent", ""),
    ]
    assert all(finding.holds for finding in check(ledger))


def test_a_step_an_edit_took_away_is_retracted_and_sends_nothing(insurer, ledger, campaign, now):
    steps = [
        {"send": {"template": "note", "channels": ["sms"]}},
        {"wait": "7d"},
        {"send": {"template": "note", "channels": ["sms"], "id": "two"}},
    ]
    insurer.campaigns = [campaign(steps=steps)]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    insurer.campaigns = [campaign()]
    assert insurer.turn(ledger, now + timedelta(days=7)).reserved == 0
    assert ledger.store.query("select step, verdict, reason from decisions order by 1") == [
        ("note", "sent", ""),
        ("two", "retracted", "step_removed"),
    ]


def test_editing_a_campaign_never_sends_an_occasion_again(insurer, ledger, campaign, now):
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    trigger = {"kind": "date", "of": "policies.expiry_date", "offset": "-45d", "max_age": "30d", "late": "fire"}
    insurer.campaigns = [campaign(trigger=trigger, title={"en": "Other"}, holdout="0%")]
    assert insurer.turn(ledger, now + timedelta(days=20)).reserved == 0


def test_both_arms_keep_their_outcomes_once(insurer, ledger, campaign, now):
    goal = {"event": "policy_renewed", "within": "75d"}
    insurer.campaigns = [campaign(goal=goal, holdout="50%")]
    for number in range(20):
        insurer.customer(f"C{number:02}").expiring(f"P{number:02}", f"C{number:02}")
    insurer.turn(ledger)
    for number in range(20):
        insurer.expiring(
            f"Q{number:02}",
            f"C{number:02}",
            on="2028-01-22",
            effective_date="2026-12-01",
            renews_policy_id=f"P{number:02}",
            recorded_at="2026-11-30T09:00",
        )
    insurer.turn(ledger, now + timedelta(days=14))
    insurer.turn(ledger, now + timedelta(days=15))
    arms = dict(
        ledger.store.query("select status, count(*) from moments m join outcomes o using (moment_id) group by 1")
    )
    assert set(arms) == {"sent", "held_out"}
    assert sum(arms.values()) == 20


class OneOffer:
    """A model that has an offer for every second customer."""

    version = "test"

    def top(self, db, customers, *, kind, top, now, only=None, personal=True):
        import pyarrow as pa

        rows = [
            {
                "customer_id": c,
                "rank": 1,
                "product_id": "help",
                "name": "Help",
                "reason": "because",
                "probability": 0.5,
                "score": 0.0,
                "model": "t",
            }
            for c in customers["customer_id"].to_pylist()
            if int(c[1:]) % 2 == 0
        ]
        return pa.Table.from_pylist(rows)


def test_whom_nothing_can_be_offered_is_refused_in_both_arms(insurer, ledger, campaign):
    insurer.campaigns = [campaign(holdout="50%", offers={"kind": "service"})]
    for number in range(40):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
    insurer.turn(ledger, recommender=OneOffer())
    arms = ledger.store.query(
        "select status, count(*), sum(cast(substr(customer_id, 2) as integer) % 2) from moments group by 1 order by 1"
    )
    assert [(status, odd) for status, _, odd in arms] == [("held_out", 0), ("refused", 20), ("sent", 0)]
    assert ledger.store.query("select count(*) from messages") == [(arms[2][1],)]


def test_an_outcome_in_the_last_hours_of_its_window_is_not_lost_between_two_runs(insurer, ledger, campaign, now):
    insurer.campaigns = [campaign(goal={"event": "premium_paid", "within": "10d"})]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    due = ledger.store.query("select due_at from moments")[0][0]
    insurer.turn(ledger, now + timedelta(days=9))
    insurer.add(
        "events", event_id="E1", customer_id="C1", type="premium_paid", occurred_at="2026-12-02T23:00", subject_id="P1"
    )
    insurer.turn(ledger, now + timedelta(days=12))
    assert ledger.store.query("select event_id, at - :due from outcomes".replace(":due", str(due))) == [
        ("E1", 9 * 86_400 + 23 * 3_600)
    ]


POLICIES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(-3, 25), st.sampled_from(["active", "cancelled"])), min_size=1, max_size=14
)


@pytest.fixture
def history(insurer, tmp_path_factory, campaign, now):
    """Run an insurer with these policies, of whom `shelf` customers are decided at once, `runs` times; what the ledger then says."""

    def run(policies, shelf, runs):
        made = type(insurer)(tmp_path_factory.mktemp("insurer"))
        made.campaigns = [campaign(), campaign(name="second", purpose="care", holdout="30%")]
        for number in range(6):
            made.customer(f"C{number}")
        for number, (customer, days, status) in enumerate(policies):
            day = (now + timedelta(days=60 - days)).date().isoformat()
            made.expiring(f"P{number}", f"C{customer}", on=day, status=status)
        with Ledger(made.folder / "ledger.db") as ledger:
            for _ in range(runs):
                made.turn(ledger, shelf=shelf)
            assert [finding.law for finding in check(ledger) if not finding.holds] == []
            assert all(funnel.conserved for funnel in funnels(ledger).values())
            return ledger.store.query(
                "select m.campaign, m.customer_id, m.subject, m.occasion, m.status, d.verdict, d.reason, d.trace, g.message_id, g.parts "
                "from moments m join decisions d using (moment_id) left join messages g using (moment_id) order by 1, 2, 3, 4"
            )

    return run


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(policies=POLICIES, shelf=st.sampled_from([1, 2, 3]), runs=st.integers(1, 2))
def test_decisions_do_not_depend_on_how_moments_are_cut_or_how_often_one_runs(history, policies, shelf, runs):
    assert history(policies, shelf, runs) == history(policies, 1000, 1)
