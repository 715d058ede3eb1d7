"""The gate `consent` against a plain reading of the rules, and rule by rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.consents import Statement, tell
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.policy import ContactPolicy
from campaigns.pseudonyms import hashed

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, tzinfo=ZONE)


@dataclass(frozen=True)
class Word:
    """One thing a customer said; `by` tells where it stands: in the insurer's records, or told to Kairos itself."""

    by: str
    purpose: str
    channel: str
    granted: bool
    at: datetime
    expires_at: datetime | None = None

    @property
    def alive(self) -> bool:
        return self.expires_at is None or self.expires_at > NOW

    def covers(self, purpose: str, channel: str) -> bool:
        return self.purpose in ("*", purpose) and self.channel in ("*", channel)

    def within(self, other: Word) -> bool:
        """About the same as the other, or something narrower."""
        return other.purpose in ("*", self.purpose) and other.channel in ("*", self.channel)


@dataclass
class Person:
    """Everything one customer said."""

    words: list[Word] = field(default_factory=list)
    region: str = "110000"


def reference(person: Person, purpose: str, channel: str, rule: str, contract_passes: bool) -> str:
    """The rules as a lawyer would write them down, one customer at a time."""
    stop = "" if purpose == "contract" and contract_passes else stopped(person, purpose, channel)
    return stop or ("sent" if rule == "not_required" else recorded(person, purpose, channel, rule))


def stopped(person: Person, purpose: str, channel: str) -> str:
    """What stops every purpose; a confirmed yes lifts it, from everything only one to everything."""
    said = [word for word in person.words if word.by != "call" and word.covers(purpose, channel)]
    confirmed = [word for word in said if word.by == "double_opt_in" and word.granted and word.alive]
    for stop in (word for word in said if word.by == "opt_out"):
        everything = stop.purpose == stop.channel == "*"
        lifts = [word for word in confirmed if not everything or word.purpose == word.channel == "*"]
        if not any(word.at > stop.at for word in lifts):
            return "refused consent.opted_out"
    since = NOW.replace(year=NOW.year - 1) if person.region.startswith("4403") else NOW.replace(month=NOW.month - 6)
    for call in refused_calls(person, channel):
        if call.at > since and not any(word.at > call.at for word in confirmed):
            return "refused consent.do_not_call"
    return ""


def refused_calls(person: Person, channel: str) -> list[Word]:
    return [word for word in person.words if word.by == "call" and channel == "ai_outbound"]


def recorded(person: Person, purpose: str, channel: str, rule: str) -> str:
    """What the records say: a no until a later yes about the same or something narrower, a yes until any no."""
    kinds = ("records", "desk", "double_opt_in")
    consents = [word for word in person.words if word.by in kinds and word.covers(purpose, channel)]
    yes = [word for word in consents if word.granted and word.alive]
    no = [word for word in consents if not word.granted]
    if any(not any(word.at > refusal.at and word.within(refusal) for word in yes) for refusal in no):
        return "refused consent.consent_refused"
    ends = [*no, *refused_calls(person, channel)]
    if rule == "opt_out" or any(all(word.at > each.at for each in ends) for word in yes):
        return "sent"
    over = [word for word in consents if word.granted and not word.alive]
    if any(all(word.at > refusal.at for refusal in no) for word in over):
        return "refused consent.consent_expired"
    return "refused consent.no_consent"


days = st.integers(1, 500).map(lambda days: NOW - timedelta(days=days))
words = st.builds(
    Word,
    by=st.sampled_from(["records", "records", "desk", "double_opt_in", "opt_out", "call"]),
    purpose=st.sampled_from(["service", "marketing", "*"]),
    channel=st.sampled_from(["sms", "ai_outbound", "*"]),
    granted=st.booleans(),
    at=days | st.sampled_from([NOW - timedelta(days=30), NOW - timedelta(days=60)]),
    expires_at=st.none() | st.sampled_from([NOW, NOW - timedelta(hours=1), NOW + timedelta(hours=1)]),
)
people = st.lists(
    st.builds(Person, st.lists(words, max_size=6), st.sampled_from(["110000", "440305"])), min_size=1, max_size=25
)


def say(insurer: Any, ledger: Ledger, customer: str, place: int, word: Word) -> None:
    """Write a word down where it belongs."""
    if word.by == "records":
        insurer.add("consents", customer_id=customer, purpose=word.purpose, channel=word.channel, granted=word.granted, at=word.at.isoformat(),
                    expires_at=word.expires_at and word.expires_at.isoformat())  # fmt: skip
    elif word.by == "opt_out":
        ledger.opt_out(customer, word.at, "reply", purpose=word.purpose, medium=word.channel)
    elif word.by == "call":
        told = Statement(
            f"{customer}-{place}", customer, "*", "ai_outbound", False, word.at, kind="call_refusal", source="call"
        )
        tell(ledger, [told])
    else:
        told = Statement(
            f"{customer}-{place}",
            customer,
            word.purpose,
            word.channel,
            word.granted,
            word.at,
            word.expires_at,
            source=word.by,
        )
        tell(ledger, [told])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people,
    st.sampled_from(["contract", "service", "marketing"]),
    st.sampled_from(["sms", "ai_outbound"]),
    st.booleans(),
)
def test_the_gate_decides_as_the_rules_say_row_by_row(
    insurer, campaign, tmp_path_factory, people, purpose, channel, passes
):
    insurer.tables.clear()
    insurer.policy = ContactPolicy(consent={"contract_after_opt_out": passes}, caps=[])
    insurer.campaigns = [campaign(purpose=purpose, steps=[{"send": {"template": "note", "channels": [channel]}}])]
    with Ledger(tmp_path_factory.mktemp("consent") / "ledger.db", durable=False) as ledger:
        for number, person in enumerate(people):
            insurer.customer(f"C{number}", region_code=person.region).expiring(f"P{number}", f"C{number}")
            for place, word in enumerate(person.words):
                say(insurer, ledger, f"C{number}", place, word)
        insurer.turn(ledger)
        found = ledger.store.query(
            "select m.customer_id, case when d.verdict = 'sent' then 'sent' else d.verdict || ' ' || d.gate || '.' || d.reason end "
            "from moments m join decisions d using (moment_id)"
        )
    rule = getattr(insurer.policy.consent, purpose)
    # a second opt-out for the same thing counts from its newest time, whichever order they were told in
    assert dict(found) == {
        f"C{number}": reference(person, purpose, channel, rule, passes) for number, person in enumerate(people)
    }


def sold(campaign: Any, channel: str = "sms") -> list[Campaign]:
    return [campaign(purpose="marketing", steps=[{"send": {"template": "note", "channels": [channel]}}])]


def test_a_yes_holds_until_the_instant_it_expires(insurer, ledger, campaign, answers):
    insurer.campaigns = sold(campaign)
    for number, expires in enumerate(("2026-11-23T10:00", "2026-11-23T10:01", "")):
        insurer.customer(f"C{number}").expiring(f"P{number}", f"C{number}")
        insurer.add(
            "consents",
            customer_id=f"C{number}",
            purpose="marketing",
            channel="*",
            granted=True,
            at="2026-01-05",
            expires_at=expires,
        )
    insurer.turn(ledger)
    assert answers() == {
        "policy:P0": "refused consent.consent_expired",
        "policy:P1": "sent",
        "policy:P2": "sent",
    }


def test_a_yes_whose_end_nobody_can_read_is_none_and_a_no_stays_a_no(insurer, ledger, campaign, answers):
    insurer.campaigns = [campaign(purpose="marketing"), campaign(name="care", purpose="care")]
    insurer.customer("C1").customer("C2").expiring("P1", "C1").expiring("P2", "C2")
    for customer, granted in (("C1", True), ("C2", False)):
        insurer.add(
            "consents",
            customer_id=customer,
            purpose="*",
            channel="*",
            granted=granted,
            at="2026-01-05",
            expires_at="some day",
        )
    insurer.turn(ledger)
    told = ledger.store.query(
        "select m.campaign, m.customer_id, d.reason from moments m join decisions d using (moment_id) order by 1, 2"
    )
    assert told == [
        ("care", "C1", ""),
        ("care", "C2", "consent_refused"),
        ("reminder", "C1", "no_consent"),
        ("reminder", "C2", "consent_refused"),
    ]


def test_the_trace_shows_who_agreed_when_to_which_words(insurer, ledger, campaign):
    insurer.campaigns = sold(campaign)
    insurer.customer("C1").expiring("P1", "C1")
    insurer.add(
        "consents", customer_id="C1", purpose="marketing", channel="sms", granted=True, at="2026-01-05T09:30", text_version="v3",
        given_by="mother", evidence="form/17",
    )  # fmt: skip
    insurer.turn(ledger)
    assert (
        "yes: 2026-01-05 09:30:00+08, text v3, by mother, form/17"
        in ledger.store.query("select trace from decisions")[0][0]
    )


@pytest.mark.parametrize(
    ("region", "months_ago", "expected"),
    [
        ("110000", 5, "refused consent.do_not_call"),
        ("110000", 7, "sent"),
        ("440305", 7, "refused consent.do_not_call"),
        ("440305", 13, "sent"),
        (None, 5, "refused consent.do_not_call"),
    ],
)
def test_a_refusal_on_a_call_lasts_its_term_where_the_customer_lives(
    insurer, ledger, campaign, answers, region, months_ago, expected
):
    insurer.campaigns = [campaign(steps=[{"send": {"template": "note", "channels": ["ai_outbound"]}}])]
    insurer.customer("C1", region_code=region).expiring("P1", "C1")
    tell(
        ledger,
        [
            Statement(
                "R1",
                "C1",
                "*",
                "ai_outbound",
                False,
                NOW - timedelta(days=30.5 * months_ago),
                kind="call_refusal",
                source="call",
            )
        ],
    )
    insurer.turn(ledger)
    assert answers() == {"policy:P1": expected}


def test_a_refusal_on_a_call_ends_the_yes_before_it_even_when_its_term_is_over(insurer, ledger, campaign, answers):
    insurer.campaigns = sold(campaign, "ai_outbound")
    insurer.customer("C1").expiring("P1", "C1")
    insurer.add("consents", customer_id="C1", purpose="*", channel="*", granted=True, at="2025-01-05")
    tell(
        ledger,
        [
            Statement(
                "R1", "C1", "*", "ai_outbound", False, NOW - timedelta(days=300), kind="call_refusal", source="call"
            )
        ],
    )
    insurer.turn(ledger)
    assert answers() == {"policy:P1": "refused consent.no_consent"}


def test_a_refusal_on_a_call_does_not_stop_an_sms(insurer, ledger, campaign, answers):
    insurer.customer("C1").expiring("P1", "C1")
    tell(
        ledger,
        [Statement("R1", "C1", "*", "ai_outbound", False, NOW - timedelta(days=3), kind="call_refusal", source="call")],
    )
    insurer.turn(ledger)
    assert answers() == {"policy:P1": "sent"}


@pytest.mark.parametrize(("passes", "expected"), [(True, "sent"), (False, "refused consent.opted_out")])
def test_only_contract_notices_pass_an_opt_out_and_only_where_the_policy_lets_them(
    insurer, ledger, campaign, answers, passes, expected
):
    insurer.policy = ContactPolicy(consent={"contract_after_opt_out": passes, "service": "not_required"})
    insurer.campaigns = [campaign(purpose="contract"), campaign(name="service")]
    insurer.customer("C1").expiring("P1", "C1")
    ledger.opt_out("C1", NOW, "reply STOP")
    insurer.turn(ledger)
    told = dict(
        ledger.store.query("select m.campaign, d.verdict || d.reason from moments m join decisions d using (moment_id)")
    )
    assert told == {"reminder": "sent" if passes else "refusedopted_out", "service": "refusedopted_out"}


def test_a_list_stops_a_number_an_address_and_a_salted_hash_on_its_channels_and_for_its_term(
    insurer, ledger, campaign, answers
):
    listed = [
        ("+8613800000000", "*", None),
        ("c1@example.com", "*", None),
        ("+8613800000002", "ai_outbound", None),
        ("+8613800000003", "sms", date(2026, 11, 22)),
        ("+8613800000004", "sms", date(2026, 11, 23)),
    ]
    hashes, channels, untils = zip(
        *[(hashed("pepper", value), channel, until) for value, channel, until in listed], strict=True
    )
    insurer.policy = ContactPolicy(hash_salt="pepper")
    insurer.do_not_contact = pa.table({"hash": hashes, "channel": channels, "until": pa.array(untils, pa.date32())})
    for number in range(6):
        insurer.customer(f"C{number}", email=f"C{number}@Example.com").expiring(f"P{number}", f"C{number}")
    insurer.turn(ledger)
    assert answers() == {
        "policy:P0": "refused consent.do_not_contact",
        "policy:P1": "refused consent.do_not_contact",
        "policy:P2": "sent",
        "policy:P3": "sent",
        "policy:P4": "refused consent.do_not_contact",
        "policy:P5": "sent",
    }


def test_a_no_told_to_us_takes_a_reserved_message_out_of_the_outbox(insurer, ledger, campaign):
    insurer.campaigns = [campaign(steps=[{"send": {"template": "note", "channels": ["ai_outbound"]}}])]
    insurer.customer("C1").expiring("P1", "C1").turn(ledger)
    tell(ledger, [Statement("R1", "C1", "*", "ai_outbound", False, NOW, kind="call_refusal", source="call")])
    insurer.turn(ledger, NOW + timedelta(hours=1))
    assert ledger.store.query("select state, code from messages") == [("retracted", "consent.do_not_call")]
