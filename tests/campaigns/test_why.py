"""Why: for whoever got a message, was held out, was refused, or is a day too early."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.why import why
from triggers.testing import facts as facts_of


@pytest.fixture
def tell(insurer, ledger, now):
    """The story of one customer and the only campaign."""

    def told(customer, at=now):
        with facts_of(at, **insurer.tables) as facts:
            (story,) = why(customer, insurer.campaigns, facts, ledger, at)
        return story

    return told


def test_one_who_got_a_message_sees_every_gate_pass(insurer, ledger, tell):
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    story = tell("C1")
    assert story.summary == "policy:P1 (2027-01-22): sent: note by sms reserved"
    (moment,) = story.moments
    asked = [(line["gate"], line["reason"]) for line in moment["decisions"][0]["trace"]]
    assert asked == [
        (name, "")
        for name in (
            "already",
            "overdue",
            "branch",
            "consent",
            "reachable",
            "circumstance",
            "holdout",
            "cap",
            "hours",
            "gateway",
        )
    ]
    assert moment["messages"][0]["parts"] == {"sms": "Hello NC1, your cover ends soon."}
    assert "13800000000" not in str(story.as_dict())


def test_one_held_out_sees_the_draw_and_the_share(insurer, ledger, campaign, tell):
    insurer.campaigns = [campaign(holdout="100%")]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    story = tell("C1")
    assert (
        story.summary
        == "policy:P1 (2027-01-22): held out: the customer is in this campaign's control group (holdout.holdout_campaign)"
    )
    last = story.moments[0]["decisions"][0]["trace"][-1]
    assert (last["gate"], last["rule"]) == ("holdout", "draw >= 1 for the campaign and >= 0 overall")
    assert 0 <= float(last["seen"]) < 1


def test_one_refused_sees_the_gate_that_refused_on_each_channel(insurer, ledger, campaign, tell):
    insurer.campaigns = [campaign(steps=[{"send": {"template": "note", "channels": ["push", "sms"]}}])]
    insurer.customer("C1").expiring("P1", "C1")
    insurer.add("consents", customer_id="C1", purpose="service", channel="*", granted=False, at="2026-01-01")
    insurer.turn(ledger)
    story = tell("C1")
    assert story.summary.endswith(
        "refused: the customer's latest word on this purpose and channel is no (consent.consent_refused)"
    )
    trace = story.moments[0]["decisions"][0]["trace"]
    assert [(line["path"], line["channel"], line["reason"]) for line in trace if line["reason"]] == [
        ("steps[0].send.channels[0]", "push", "consent_refused"),
        ("steps[0].send.channels[1]", "sms", "consent_refused"),
    ]


def test_one_whose_policy_is_a_day_too_early_hears_how_near_it_was(insurer, ledger, tell):
    insurer.customer("C1").expiring("P1", "C1", on="2027-01-23").turn(ledger)
    story = tell("C1")
    assert "policy P1 expires in 61 days, the campaign looks at 60" in story.summary
    assert story.moments == []


def test_one_nobody_knows_is_answered_too(insurer, ledger, tell):
    insurer.customer("C1")
    assert "C9" in tell("C9").summary


def test_about_an_earlier_day_it_knows_nothing_of_who_entered_since(insurer, ledger, campaign, tell, now):
    segment = {"kind": "segment", "where": "locale = 'en'", "max_age": "5d"}
    insurer.campaigns = [campaign(trigger=segment)]
    insurer.turn(ledger, now - timedelta(days=2))
    insurer.customer("C1").turn(ledger, now)
    assert tell("C1").summary.endswith("sent: note by sms reserved")
    before = tell("C1", now - timedelta(days=1)).nearest
    assert [(clause["passed"], clause["seen"]) for clause in before if clause["path"] == "trigger.kind"] == [
        (False, "not at the last look")
    ]


def test_one_in_an_arm_hears_which(insurer, ledger, campaign, tell):
    insurer.campaigns = [campaign(variants=[{"name": "plain", "weight": 0}, {"name": "short", "weight": 1}])]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert [decision["arm"] for decision in tell("C1").moments[0]["decisions"]] == ["short"]
