"""Facts that arrive: kept once, laid over what is known, and acted on for those they concern."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns import inbox
from campaigns.check import check
from campaigns.live import catch_up
from campaigns.live import opened as opened_live
from campaigns.policy import ContactPolicy
from campaigns.scene import Scene
from triggers.testing import facts as facts_of

QUOTE = {"kind": "event", "type": "quote_started", "max_age": "2d"}


@pytest.fixture
def live(insurer, ledger, now):
    """The insurer's facts opened, to be kept up to date."""
    opened = []

    def open_(at=now):
        facts = facts_of(at, **insurer.tables)
        opened.append(facts)
        return opened_live(Scene(facts, insurer.rules(), insurer.words()), insurer.campaigns, ledger, at)

    yield open_
    for facts in opened:
        facts.close()


def sent(ledger):
    return ledger.store.query(
        "select m.campaign, m.customer_id, m.subject from messages g join moments m using (moment_id) order by 1, 2, 3"
    )


def event(event_id, customer_id, at, kind="quote_started", **more):
    return "events", json.dumps(
        {"event_id": event_id, "customer_id": customer_id, "type": kind, "occurred_at": at.isoformat()} | more
    ).encode()


def test_an_event_becomes_a_message_for_its_customer_and_nobody_else(insurer, ledger, campaign, live, now):
    insurer.campaigns = [campaign(trigger=QUOTE)]
    insurer.customer("C1").customer("C2")
    watch = live()
    later = now + timedelta(seconds=5)
    assert inbox.take(ledger, [event("E1", "C1", now)], later) == [None]
    step = watch.arrivals(later)
    assert (step.rows, step.customers, step.reserved) == (1, 1, 1)
    assert sent(ledger) == [("reminder", "C1", "event:E1")]
    assert watch.arrivals(later).rows == 0


def test_an_event_that_comes_again_is_one_event(insurer, ledger, campaign, live, now):
    insurer.campaigns = [campaign(trigger=QUOTE)]
    insurer.customer("C1")
    watch = live()
    for seconds in range(3):
        inbox.take(ledger, [event("E1", "C1", now)] * 2, now + timedelta(seconds=seconds))
        watch.arrivals(now + timedelta(seconds=seconds))
    assert len(sent(ledger)) == 1
    assert watch.scene.facts.db.sql("select count(*) from events").fetchall() == [(1,)]


def test_what_the_stream_has_seen_the_nightly_run_sees(insurer, ledger, campaign, now):
    trigger = {"kind": "missing", "after": {"event": "quote_started"}, "for": "24h", "expected": ["policy_bought"]}
    insurer.campaigns = [campaign(trigger=trigger)]
    insurer.customer("C1").customer("C2")
    for customer in ("C1", "C2"):
        insurer.add(
            "events",
            event_id=f"Q{customer}",
            customer_id=customer,
            type="quote_started",
            occurred_at=now - timedelta(days=1),
        )
    inbox.take(ledger, [event("B1", "C1", now - timedelta(hours=1), "policy_bought")], now)
    with facts_of(now, **insurer.tables) as facts:
        catch_up(facts, ledger, now)
        from campaigns.turn import take_turn

        take_turn(Scene(facts, insurer.rules(), insurer.words()), insurer.campaigns, ledger)
    assert [row[1] for row in sent(ledger)] == ["C2"]


@pytest.mark.parametrize(
    ("view", "body", "reason"),
    [
        ("events", b"{", "not JSON"),
        ("events", b"[]", "not a JSON object"),
        ("events", b'{"event_id": "E1", "customer_id": "C1", "occurred_at": "2026-11-23"}', "type is missing"),
        ("weather", b"{}", "cannot arrive"),
        ("policies", b'{"policy_id": "P1", "customer_id": "C1"}', "recorded_at is missing"),
        ("alerts", b"<alert", "not well-formed"),
    ],
)
def test_what_can_never_be_a_fact_is_told_so_with_the_reason(ledger, now, view, body, reason):
    good = event("E9", "C1", now)
    told, fine = inbox.take(ledger, [(view, body), good], now)
    assert reason in told
    assert fine is None
    assert inbox.after(ledger, 0, now).size == 1


def test_a_row_with_garbage_in_it_is_set_aside_with_its_reason_and_the_others_go_on(
    insurer, ledger, campaign, live, now
):
    insurer.campaigns = [campaign(trigger=QUOTE)]
    insurer.customer("C1")
    watch = live()
    body = {"event_id": "E1", "customer_id": "C1", "type": "quote_started", "occurred_at": "yesterday"}
    inbox.take(ledger, [("events", json.dumps(body).encode()), event("E2", "C1", now), event("E3", "nobody", now)], now)
    step = watch.arrivals(now)
    assert dict(step.set_aside) == {("events", "bad_time"): 1, ("events", "orphan"): 1}
    assert sent(ledger) == [("reminder", "C1", "event:E2")]


def test_of_a_changed_claim_the_later_version_holds_whichever_came_first(insurer, ledger, campaign, live, now):
    insurer.campaigns = [
        campaign(trigger={"kind": "event", "of": "claims", "status": ["paid", "in_review"], "max_age": "3d"})
    ]
    insurer.customer("C1").expiring("P1", "C1")
    insurer.add("claims", claim_id="L1", policy_id="P1", status="reported", reported_at=now - timedelta(days=9))

    def claim(status, at):
        row = {
            "claim_id": "L1",
            "policy_id": "P1",
            "status": status,
            "reported_at": (now - timedelta(days=9)).isoformat(),
            "updated_at": at.isoformat(),
        }
        return "claims", json.dumps(row).encode()

    watch = live()
    inbox.take(ledger, [claim("paid", now - timedelta(hours=1)), claim("in_review", now - timedelta(hours=2))], now)
    watch.arrivals(now)
    assert ledger.store.query("select occasion from moments") == [("paid@2026-11-23",)]
    assert watch.scene.facts.db.sql("select status from claims").fetchall() == [("paid",)]


def test_a_renewal_that_arrives_withdraws_the_reminder_that_waits(insurer, ledger, live, now):
    evening = now + timedelta(hours=12)
    insurer.customer("C1").expiring("P1", "C1")
    watch = live(evening)
    assert watch.sweep(evening).reserved == 1
    renewal = {
        "policy_id": "Q1", "customer_id": "C1", "line": "motor", "status": "active", "effective_date": "2027-01-23",
        "expiry_date": "2028-01-22", "renews_policy_id": "P1", "recorded_at": evening.isoformat(),
    }  # fmt: skip
    later = evening + timedelta(minutes=1)
    inbox.take(ledger, [("policies", json.dumps(renewal).encode())], later)
    assert watch.arrivals(later).withdrawn == 1
    assert ledger.store.query("select state, code from messages") == [("retracted", "already.policy_renewed")]


def test_a_step_that_waited_wakes_by_itself(insurer, ledger, campaign, live, now):
    steps = [
        {"send": {"template": "note", "channels": ["sms"]}},
        {"wait": "1h"},
        {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
    ]
    insurer.campaigns = [campaign(trigger=QUOTE, steps=steps)]
    insurer.customer("C1")
    watch = live()
    inbox.take(ledger, [event("E1", "C1", now)], now)
    watch.arrivals(now)
    assert watch.wake(now + timedelta(minutes=59)).reserved == 0
    assert watch.wake(now + timedelta(minutes=60)).reserved == 1
    assert watch.wake(now + timedelta(minutes=60)).customers == 0
    assert all(finding.holds for finding in check(ledger))


def test_a_process_that_died_after_the_inbox_was_written_loses_nothing(insurer, ledger, campaign, live, now):
    insurer.campaigns = [campaign(trigger=QUOTE)]
    insurer.customer("C1")
    live()
    inbox.take(ledger, [event("E1", "C1", now)], now)
    reborn = live(now + timedelta(minutes=1))
    assert reborn.arrivals(now + timedelta(minutes=1)).rows == 0
    assert reborn.sweep(now + timedelta(minutes=1)).reserved == 1


TYPHOON = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier><sender>w</sender>
<sent>{sent}</sent><status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{references}
<info><category>Met</category><event>typhoon</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
<effective>{sent}</effective><expires>2026-11-24T10:00:00+08:00</expires><area><areaDesc>{area}</areaDesc>
<geocode><valueName>GB2260</valueName><value>{area}</value></geocode></area></info></alert>"""


def typhoon(identifier, area, sent, kind="Alert", updates=""):
    references = f"<references>w,{updates},2026-11-23T10:00:00+08:00</references>" if updates else ""
    text = TYPHOON.format(identifier=identifier, area=area, sent=sent.isoformat(), kind=kind, references=references)
    return "alerts", text.encode()


@pytest.fixture
def coast(insurer, campaign):
    """Two customers in two provinces, a care campaign on alerts and one that sells after a quote."""
    care = campaign(name="care", purpose="care", trigger={"kind": "region", "of": "customers", "max_age": "2d"})
    sell = campaign(name="sell", purpose="marketing", trigger=QUOTE)
    insurer.campaigns = [care, sell]
    for number, region in ((1, "440300"), (2, "350200")):
        insurer.customer(f"C{number}", region_code=region)
        insurer.add(
            "consents",
            customer_id=f"C{number}",
            purpose="marketing",
            channel="sms",
            granted=True,
            at="2026-01-01T10:00",
        )
    return insurer


def test_an_alert_fires_at_once_its_update_moves_the_region_and_its_end_lets_selling_go_on(coast, ledger, live, now):
    watch = live()
    minute = timedelta(minutes=1)
    inbox.take(ledger, [typhoon("T1", "440000", now)], now)
    watch.arrivals(now)
    assert sent(ledger) == [("care", "C1", "customer")]
    inbox.take(ledger, [typhoon("T2", "350000", now + minute, "Update", "T1")], now + minute)
    watch.arrivals(now + minute)
    assert sent(ledger) == [("care", "C1", "customer"), ("care", "C2", "customer")]
    assert ledger.store.query("select customer_id, state from messages order by 1") == [
        ("C1", "retracted"),
        ("C2", "reserved"),
    ]
    inbox.take(ledger, [event("E1", "C1", now), event("E2", "C2", now)], now + 2 * minute)
    watch.arrivals(now + 2 * minute)
    assert ledger.store.query(
        "select m.customer_id, d.verdict, d.reason from moments m join decisions d using (moment_id) where campaign = 'sell' order by 1"
    ) == [
        ("C1", "sent", ""),
        ("C2", "refused", "disaster"),
    ]
    inbox.take(ledger, [typhoon("T3", "350000", now + 3 * minute, "Cancel", "T2")], now + 3 * minute)
    inbox.take(ledger, [event("E3", "C2", now + 3 * minute)], now + 3 * minute)
    watch.arrivals(now + 3 * minute)
    assert sent(ledger)[-1] == ("sell", "C2", "event:E3")


class Elsewhere:
    """An engine that has the tables as they were when it was first asked."""

    def batches(self, query, facts, rows):
        raise AssertionError("the stream's facts change; they are asked where they are")

    def close(self):
        """Nothing to let go of."""


def test_the_stream_looks_at_the_facts_it_keeps_and_at_no_copy_of_them(insurer, ledger, campaign, live, now):
    insurer.campaigns = [campaign(trigger=QUOTE)]
    insurer.customer("C1")
    watch = live()
    watch.scene = replace(watch.scene, facts=replace(watch.scene.facts, engine=Elsewhere()))
    inbox.take(ledger, [event("E1", "C1", now)], now)
    assert watch.arrivals(now).reserved == 1
    assert watch.sweep(now + timedelta(hours=1)).reserved == 0


def test_what_is_said_to_end_later_has_not_ended_yet(insurer, ledger, campaign, live, answers, now):
    insurer.policy = ContactPolicy(consent={"marketing": "opt_out"})
    insurer.campaigns = [campaign(purpose="marketing", trigger=QUOTE)]
    day, opened = timedelta(days=1), (now - timedelta(days=9)).isoformat()
    for name in ("C1", "C2", "C3", "C4"):
        insurer.customer(name).expiring(f"P{name}", name)
    later = {"recorded_at": now.isoformat()}
    rows = [
        ("complaints", {"complaint_id": "K1", "customer_id": "C1", "opened_at": opened, "closed_at": (now + 3 * day).isoformat()} | later),
        ("claims", {"claim_id": "L2", "policy_id": "PC2", "status": "paid", "reported_at": opened, "updated_at": (now + 3 * day).isoformat()}),
        ("claims", {"claim_id": "L3", "policy_id": "PC3", "status": "denied", "reported_at": opened, "updated_at": (now - day).isoformat()}),
        ("customers", {"customer_id": "C4", "name": "N", "phone": "13800000009", "locale": "en", "deceased_on": str((now + 2 * day).date())} | later),
    ]  # fmt: skip
    watch = live()
    inbox.take(ledger, [(view, json.dumps(row).encode()) for view, row in rows], now)
    inbox.take(ledger, [event(f"E{number}", f"C{number}", now) for number in range(1, 5)], now)
    watch.arrivals(now)
    assert answers() == {
        "event:E1": "refused circumstance.open_complaint",
        "event:E2": "refused circumstance.open_claim",
        "event:E3": "refused circumstance.denied_claim",
        "event:E4": "sent",
    }


def test_a_claim_that_does_not_say_when_it_was_updated_is_as_old_as_its_report(insurer, ledger, campaign, live, now):
    insurer.campaigns = [campaign(trigger={"kind": "event", "of": "claims", "status": "accepted", "max_age": "2d"})]
    insurer.customer("C1").expiring("P1", "C1")
    watch = live()
    body = {"claim_id": "L1", "policy_id": "P1", "status": "accepted", "reported_at": now.isoformat(), "recorded_at": now.isoformat()}  # fmt: skip
    inbox.take(ledger, [("claims", json.dumps(body).encode())], now)
    assert watch.arrivals(now).reserved == 1
