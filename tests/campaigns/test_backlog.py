"""Pauses, outages and changed minds: what was overdue expires, what is gone is withdrawn, nothing bursts and nothing repeats."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.check import check
from campaigns.ledger.outbox import Outbox
from campaigns.report import funnels

NIGHT = timedelta(hours=12)
TWO_STEPS = [
    {"send": {"template": "note", "channels": ["sms"]}},
    {"wait": "7d"},
    {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
]


def decided(ledger, step="note"):
    rows = ledger.store.query(
        f"select m.customer_id, d.verdict, d.gate || '.' || d.reason from moments m join decisions d using (moment_id) where d.step = '{step}' order by 1"
    )
    return {customer: verdict if verdict == "sent" else f"{verdict} {reason}" for customer, verdict, reason in rows}


def messages(ledger):
    return ledger.store.query("select customer_id, step, state, coalesce(code, '') from messages order by 1, 2")


def test_a_follow_up_that_slept_through_a_long_pause_expires(insurer, ledger, campaign, now):
    trigger = {"kind": "date", "of": "policies.expiry_date", "offset": "-60d", "max_age": "10d"}
    running, paused = (campaign(steps=TWO_STEPS, trigger=trigger, enabled=on) for on in (True, False))
    insurer.campaigns = [running]
    insurer.customer("C1").customer("C2").expiring("P1", "C1").expiring("P2", "C2", on="2027-02-05").turn(ledger)
    insurer.turn(ledger, now + timedelta(days=14))  # P2 comes within reach; the call about P1 goes
    insurer.campaigns = [paused]
    for days in range(15, 40):
        insurer.turn(ledger, now + timedelta(days=days))
    insurer.campaigns = [running]
    assert insurer.turn(ledger, now + timedelta(days=40)).reserved == 0
    assert decided(ledger, "call") == {"C1": "sent", "C2": "expired overdue.too_old"}
    assert all(finding.holds for finding in check(ledger))


def test_a_short_pause_delays_a_follow_up_and_nothing_else(insurer, ledger, campaign, now):
    running, paused = (campaign(steps=TWO_STEPS, enabled=on) for on in (True, False))
    insurer.campaigns = [running]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    insurer.campaigns = [paused]
    insurer.turn(ledger, now + timedelta(days=7))
    insurer.campaigns = [running]
    assert insurer.turn(ledger, now + timedelta(days=9)).reserved == 1
    assert insurer.turn(ledger, now + timedelta(days=10)).reserved == 0


def test_a_campaign_that_skips_what_is_late_does_so_after_an_outage_too(insurer, ledger, campaign, now):
    trigger = {"kind": "date", "of": "customers.birth_date", "yearly": True, "late": "skip"}
    greeting = campaign(trigger=trigger, steps=TWO_STEPS[:1], cap="hold")
    other = campaign(
        name="other", trigger=trigger, purpose="contract", steps=[{"send": {"template": "note", "channels": ["sms"]}}]
    )
    insurer.campaigns = [greeting, other]
    insurer.customer("C1", birth_date="1980-11-23")
    insurer.policy = insurer.policy.model_copy(
        update={"caps": (insurer.policy.caps[0].model_copy(update={"max": 0, "purposes": ("service",)}),)}
    )
    insurer.turn(ledger)
    assert funnels(ledger)["reminder"].statuses["held"] == 1
    insurer.policy = insurer.policy.model_copy(update={"caps": ()})
    insurer.turn(ledger, now + timedelta(days=8))
    assert decided(ledger)["C1"] in {"sent", "expired overdue.not_today", "expired overdue.too_old"}
    assert funnels(ledger)["reminder"].statuses["expired"] == 1


def held(insurer, campaign):
    """One message a day at most, and a campaign that waits for room."""
    insurer.campaigns = [campaign(cap="hold")]
    none = insurer.policy.caps[0].model_copy(update={"max": 0, "purposes": ("service",)})
    insurer.policy = insurer.policy.model_copy(update={"caps": (none,)})
    return insurer.customer("C1").expiring("P1", "C1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"expiry_date": "2027-06-25"}, "already.date_moved"),
        ({"status": "cancelled"}, "already.policy_cancelled"),
        ({"status": "renewed"}, "already.policy_renewed"),
        ({"status": "lapsed"}, "already.gone"),
    ],
)
def test_a_moment_that_waits_is_withdrawn_when_what_it_stands_on_changes(
    insurer, ledger, campaign, now, change, reason
):
    held(insurer, campaign).turn(ledger)
    insurer.tables["policies"][0] |= change
    insurer.policy = insurer.policy.model_copy(update={"caps": ()})
    assert insurer.turn(ledger, now + timedelta(days=8)).reserved == 0
    assert decided(ledger) == {"C1": f"retracted {reason}"}


def test_a_moment_that_waits_and_still_stands_is_sent(insurer, ledger, campaign, now):
    held(insurer, campaign).turn(ledger)
    insurer.policy = insurer.policy.model_copy(update={"caps": ()})
    assert insurer.turn(ledger, now + timedelta(days=8)).reserved == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"expiry_date": "2027-01-25"}, "already.date_moved"),
        ({"status": "cancelled"}, "already.policy_cancelled"),
        ({"line": "home", "status": "lapsed"}, "already.gone"),
    ],
)
def test_a_message_that_waits_for_its_hour_is_withdrawn_too(insurer, ledger, now, change, reason):
    evening = now + NIGHT
    insurer.customer("C1").customer("C2").expiring("P1", "C1").expiring("P2", "C2").turn(ledger, evening)
    insurer.tables["policies"][0] |= change
    assert insurer.turn(ledger, evening + timedelta(hours=1)).withdrawn == 1
    assert messages(ledger) == [("C1", "note", "retracted", reason), ("C2", "note", "reserved", "")]
    assert funnels(ledger)["reminder"].statuses["retracted"] == 1
    assert all(finding.holds for finding in check(ledger))


def test_a_policy_renewed_in_time_withdraws_its_reminder_and_ends_the_campaign(insurer, ledger, campaign, now):
    insurer.campaigns = [campaign(steps=TWO_STEPS)]
    evening = now + NIGHT
    insurer.customer("C1").expiring("P1", "C1").turn(ledger, evening)
    insurer.expiring(
        "Q1", "C1", on="2028-01-22", effective_date="2027-01-23", renews_policy_id="P1", recorded_at="2026-11-23T22:30"
    )
    insurer.turn(ledger, evening + timedelta(hours=1))
    assert messages(ledger) == [("C1", "note", "retracted", "already.policy_renewed")]
    assert insurer.turn(ledger, now + timedelta(days=8)).reserved == 0


def test_a_policy_replaced_in_its_term_withdraws_what_was_about_it(insurer, ledger, now):
    evening = now + NIGHT
    insurer.customer("C1").expiring("P1", "C1").turn(ledger, evening)
    insurer.expiring("Q1", "C1", on="2027-11-22", effective_date="2026-11-23", renews_policy_id="P1")
    insurer.turn(ledger, evening + timedelta(hours=1))
    assert messages(ledger) == [("C1", "note", "retracted", "already.policy_replaced")]


def test_a_message_in_somebodys_hand_is_not_taken_away(insurer, ledger, now):
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    Outbox(ledger).lease("sms", "somebody", now, now, 10)
    insurer.tables["policies"][0]["status"] = "cancelled"
    assert insurer.turn(ledger, now + timedelta(hours=1)).withdrawn == 0
    assert messages(ledger) == [("C1", "note", "handed", "")]


def test_selling_stops_where_a_disaster_begins_before_the_message_went(insurer, ledger, campaign, now):
    consent = {"purpose": "marketing", "channel": "sms", "granted": True, "at": "2026-01-01T10:00"}
    insurer.campaigns = [campaign(purpose="marketing")]
    for number, region in ((1, "440300"), (2, "110100")):
        insurer.customer(f"C{number}", region_code=region).expiring(f"P{number}", f"C{number}")
        insurer.add("consents", customer_id=f"C{number}", **consent)
    evening = now + NIGHT
    assert insurer.turn(ledger, evening).reserved == 2
    insurer.add(
        "alerts", alert_id="T1", event="typhoon", severity="severe", effective_at="2026-11-23T22:00",
        expires_at="2026-11-25T00:00", region_codes=["440000"], status="active",
    )  # fmt: skip
    insurer.turn(ledger, evening + timedelta(hours=1))
    assert messages(ledger) == [("C1", "note", "retracted", "circumstance.disaster"), ("C2", "note", "reserved", "")]


def test_an_edit_while_a_follow_up_waits_neither_repeats_nor_loses_anything(insurer, ledger, campaign, now):
    insurer.campaigns = [campaign(steps=TWO_STEPS)]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    longer = [
        TWO_STEPS[0],
        {"wait": "3d"},
        {"send": {"template": "note", "channels": ["push"], "id": "new"}},
        *TWO_STEPS[1:],
    ]
    insurer.campaigns = [campaign(steps=longer, title={"en": "Edited"})]
    for days in range(1, 16):
        insurer.turn(ledger, now + timedelta(days=days))
    assert [row[:2] for row in messages(ledger)] == [("C1", "call"), ("C1", "note")]
