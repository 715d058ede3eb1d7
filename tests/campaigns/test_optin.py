"""Double opt-in and what customers write back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.consents import Statement
from campaigns.errors import CampaignError
from campaigns.ledger.outbox import Outbox
from campaigns.live import catch_up
from campaigns.optin import EVENT, Request, ask, confirm, fingerprint, open_question
from campaigns.pseudonyms import hashed
from campaigns.replies import Reply, take_reply
from campaigns.scene import Scene
from campaigns.turn import take_turn
from channels.contract import Accepted
from channels.optouts import CONFIRM_WORDS, HELP_WORDS, OPT_OUT_WORDS
from triggers.testing import facts as facts_of

TOKEN, OTHER = "t" * 32, "o" * 32
PHONE = "+8613800000000"
ASKS = {
    "name": "asks",
    "purpose": "contract",
    "trigger": {"kind": "event", "type": EVENT},
    "steps": [{"send": {"template": "note", "channels": ["sms"]}}],
}


def request(number=1, customer="C1", purpose="marketing"):
    return Request(f"R{number}", customer, purpose, "sms", "v3")


def granted(ledger):
    return ledger.store.query(
        "select customer_id, purpose, medium, granted, text_version, evidence, source from consent_statements"
    )


def sold(insurer, campaign):
    insurer.campaigns = [campaign(purpose="marketing")]
    return insurer.customer("C1").expiring("P1", "C1")


def asked(insurer, ledger, campaign, now, *requests):
    """Run the campaign that asks, and hand its messages over."""
    insurer.campaigns = [campaign(**ASKS)]
    with facts_of(now, **insurer.tables) as facts:
        catch_up(facts, ledger, now)
        take_turn(Scene(facts, insurer.rules(), insurer.words()), insurer.campaigns, ledger)
    outbox = Outbox(ledger)
    leased = outbox.lease("sms", "T", now, now, 10)
    outbox.settle([(message, 1, Accepted(message.message_id)) for message, _ in leased], "T", now, 5)
    return len(leased)


def test_a_consent_asked_for_grants_nothing_and_a_confirmed_one_does(insurer, ledger, campaign, answers, now):
    sold(insurer, campaign)
    assert ask(ledger, request(), TOKEN, now - timedelta(hours=2), now + timedelta(days=2))
    insurer.turn(ledger)
    assert answers() == {"policy:P1": "refused consent.no_consent"}
    assert confirm(ledger, TOKEN, now - timedelta(hours=1), "link") == "confirmed"
    assert granted(ledger) == [("C1", "marketing", "sms", 1, "v3", "request R1, link", "double_opt_in")]
    insurer.expiring("P2", "C1").turn(ledger)
    assert answers()["policy:P2"] == "sent"


def test_looking_at_a_question_answers_nothing(ledger, now):
    assert ask(ledger, request(), TOKEN, now, now + timedelta(hours=1))
    for _ in range(2):
        assert open_question(ledger, TOKEN, now) == ("open", "marketing", "sms")
    assert granted(ledger) == []
    assert open_question(ledger, TOKEN, now + timedelta(hours=1))[0] == "expired"
    assert open_question(ledger, OTHER, now) == ("unknown", "", "")
    assert confirm(ledger, TOKEN, now, "page") == "confirmed"
    assert open_question(ledger, TOKEN, now)[0] == "used"
    ask(ledger, request(2), OTHER, now, now + timedelta(hours=1))
    ask(ledger, request(3), "n" * 32, now, now + timedelta(hours=1))
    assert open_question(ledger, OTHER, now)[0] == "replaced"


def test_a_token_works_once(ledger, now):
    ask(ledger, request(), TOKEN, now, now + timedelta(days=2))
    assert [confirm(ledger, TOKEN, now, "link") for _ in range(2)] == ["confirmed", "used"]
    assert len(granted(ledger)) == 1


def test_a_token_expires_at_its_instant(ledger, now):
    ask(ledger, request(), TOKEN, now, now + timedelta(days=2))
    assert confirm(ledger, TOKEN, now + timedelta(days=2), "link") == "expired"
    assert granted(ledger) == []
    assert confirm(ledger, TOKEN, now + timedelta(days=2, seconds=-1), "link") == "confirmed"


def test_a_token_nobody_was_sent_confirms_nothing(ledger, now):
    ask(ledger, request(), TOKEN, now, now + timedelta(days=2))
    assert confirm(ledger, OTHER, now, "link") == "unknown"
    assert confirm(ledger, fingerprint(TOKEN), now, "link") == "unknown"
    assert granted(ledger) == []


def test_the_request_keeps_a_hash_of_the_token(ledger, now):
    ask(ledger, request(), TOKEN, now, now + timedelta(days=2))
    assert ledger.store.query("select token_hash from consent_requests") == [(fingerprint(TOKEN),)]
    with pytest.raises(ValueError, match="can be guessed"):
        ask(ledger, request(2), "1234", now, now)


def test_asked_again_only_the_newest_question_counts(ledger, now):
    ask(ledger, request(1), TOKEN, now, now + timedelta(days=2))
    ask(ledger, request(2), OTHER, now, now + timedelta(days=2))
    assert confirm(ledger, TOKEN, now, "link") == "replaced"
    assert confirm(ledger, OTHER, now, "link") == "confirmed"


def test_the_same_question_brought_twice_is_asked_once(ledger, now):
    assert ask(ledger, request(), TOKEN, now, now + timedelta(days=2))
    assert not ask(ledger, request(), OTHER, now, now + timedelta(days=9))
    assert ledger.store.query("select count(*) from inbox") == [(1,)]
    assert confirm(ledger, OTHER, now, "link") == "unknown"


@pytest.mark.parametrize("changes", [{"purpose": "adverts"}, {"medium": "fax"}, {"text_version": ""}])
def test_a_consent_to_nothing_there_is_cannot_be_asked_for(changes):
    with pytest.raises(CampaignError):
        Request(**vars(request()) | changes)


def test_a_confirmed_yes_brings_back_who_opted_out_of_a_channel_but_not_of_everything(
    insurer, ledger, campaign, answers, now
):
    sold(insurer, campaign).customer("C2").expiring("P2", "C2")
    ledger.opt_out("C1", now - timedelta(days=3), "reply", medium="sms")
    ledger.opt_out("C2", now - timedelta(days=3), "reply")
    for number, (customer, token) in enumerate((("C1", TOKEN), ("C2", OTHER))):
        ask(ledger, request(number, customer), token, now - timedelta(days=2), now + timedelta(days=2))
        confirm(ledger, token, now - timedelta(days=1), "link")
    insurer.turn(ledger)
    assert answers() == {"policy:P1": "sent", "policy:P2": "refused consent.opted_out"}


def test_a_stop_after_the_confirmation_counts(insurer, ledger, campaign, answers, now):
    sold(insurer, campaign)
    ledger.opt_out("C1", now - timedelta(days=3), "reply", medium="sms")
    ask(ledger, request(), TOKEN, now - timedelta(days=2), now + timedelta(days=2))
    confirm(ledger, TOKEN, now - timedelta(days=2), "link")
    assert ledger.opt_out("C1", now - timedelta(days=1), "reply", medium="sms")
    insurer.turn(ledger)
    assert answers() == {"policy:P1": "refused consent.opted_out"}


def test_a_message_reserved_for_a_confirmed_customer_is_not_cleared_by_the_stop_before_it(
    insurer, ledger, campaign, now
):
    sold(insurer, campaign)
    ledger.opt_out("C1", now - timedelta(days=3), "reply", medium="sms")
    ask(ledger, request(), TOKEN, now - timedelta(days=2), now + timedelta(days=2))
    confirm(ledger, TOKEN, now - timedelta(days=1), "link")
    insurer.turn(ledger)
    assert Outbox(ledger).clear(now, insurer.policy)["opted_out"] == 0
    ledger.opt_out("C1", now, "reply", medium="sms")
    assert Outbox(ledger).clear(now, insurer.policy)["opted_out"] == 1


@pytest.mark.parametrize(("kind", "medium", "expected"), [("consent", "sms", 1), ("call_refusal", "ai_outbound", 0)])
def test_a_no_told_before_the_handing_over_clears_the_outbox(insurer, ledger, now, kind, medium, expected):
    from campaigns.consents import tell

    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    tell(ledger, [Statement("S1", "C1", "*", medium, False, now, kind=kind)])
    assert Outbox(ledger).clear(now, insurer.policy)["opted_out"] == expected


def test_the_word_yes_confirms_what_was_asked_at_that_number(insurer, ledger, campaign, now):
    insurer.customer("C1")
    ask(ledger, request(), TOKEN, now - timedelta(minutes=1), now + timedelta(days=2))
    early = take_reply(ledger, Reply("A0", "sms", PHONE, "YES", now), "salt")
    assert asked(insurer, ledger, campaign, now) == 1
    replies = [("A1", "yes of course"), ("A2", "yesterday"), ("A3", "Yes."), ("A4", "yes")]
    told = [take_reply(ledger, Reply(answer, "sms", PHONE, words, now), "salt") for answer, words in replies]
    assert (early, told) == ("nothing", ["nothing", "nothing", "confirm", "nothing"])
    assert granted(ledger) == [("C1", "marketing", "sms", 1, "v3", "request R1, answer A3", "double_opt_in")]


def test_a_yes_that_may_mean_two_things_goes_to_a_person(insurer, ledger, campaign, now):
    insurer.customer("C1").customer("C2", phone="13800000000")
    ask(ledger, request(1, "C1"), TOKEN, now - timedelta(minutes=1), now + timedelta(days=2))
    ask(ledger, request(2, "C2"), OTHER, now - timedelta(minutes=1), now + timedelta(days=2))
    assert asked(insurer, ledger, campaign, now) == 2
    assert take_reply(ledger, Reply("A1", "sms", PHONE, "yes", now), "salt") == "person"
    assert granted(ledger) == []
    told = ledger.store.query(
        "select m.customer_id, o.event, o.detail from outcomes o join moments m using (moment_id) order by 1"
    )
    words = json.dumps({"words": "yes", "wants_person": True})
    assert told == [("C1", "person_requested", words), ("C2", "person_requested", words)]


def test_a_stop_counts_for_everybody_the_number_belongs_to_and_once(insurer, ledger, now):
    insurer.customer("C1").customer("C2", phone="13800000000").expiring("P1", "C1").expiring("P2", "C2").turn(ledger)
    for _ in range(2):
        assert take_reply(ledger, Reply("A1", "sms", PHONE, "退订", now), "salt") == "opt_out"
    stopped = ledger.store.query("select customer_id, purpose, medium, source from opt_outs order by 1")
    assert stopped == [("C1", "*", "sms", "answer A1"), ("C2", "*", "sms", "answer A1")]
    assert ledger.store.query("select count(*) from answers") == [(2,)]


def test_a_stop_from_a_number_nobody_knows_is_not_lost(insurer, ledger, answers, now):
    assert take_reply(ledger, Reply("A1", "sms", PHONE, "STOP", now), insurer.policy.salt_of_hashes) == "opt_out"
    assert ledger.store.query("select hash, kind, reason from do_not_contact") == [
        (hashed(insurer.policy.salt_of_hashes, PHONE), "phone", "opt_out")
    ]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    assert answers() == {"policy:P1": "refused consent.do_not_contact"}


@given(st.text(alphabet="stoparye 退订同意NTD\n", max_size=30))
def test_no_words_but_the_exact_ones_change_anything(words):
    from channels.optouts import read_answer

    bare = words.casefold().strip(" \n")
    if bare not in OPT_OUT_WORDS | CONFIRM_WORDS | HELP_WORDS:
        assert read_answer(words) in ("person", "nothing")


@pytest.mark.parametrize(
    "words", ["don't stop", "when does it start", "stopover", "START", "UNSTOP", "resubscribe", "yes stop"]
)
def test_words_that_only_contain_a_token_neither_stop_nor_bring_back(insurer, ledger, now, words):
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    ledger.opt_out("C1", now, "reply", medium="push")
    take_reply(ledger, Reply("A1", "sms", PHONE, words, now), "salt")
    assert ledger.store.query("select medium from opt_outs") == [("push",)]
    assert granted(ledger) == []
