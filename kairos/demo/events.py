"""The view `events`: contacts, quotes, premiums paid and failed, claims moving, services used, answers given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kairos.demo.block import Flags, Whole
from kairos.demo.catalogue import catalogue
from kairos.demo.claims import CLAIM_STATES, Claims, claim_ids
from kairos.demo.columns import (
    ABSENT,
    DAY,
    between,
    chance,
    digits,
    instants,
    joined,
    moment,
    numbered,
    place_in_group,
    words,
)
from kairos.demo.comments import answers
from kairos.demo.customers import customer_ids
from kairos.demo.people import People
from kairos.demo.policies import policy_ids
from kairos.demo.schemas import table
from kairos.demo.services import service_use
from kairos.demo.terms import HORIZON, Terms

WINDOW = 400
"""Contacts and payments go back this many days."""
CONTACTS = ("app_login", "web_visit", "call")
NEVER_IN_TOUCH = 0.15
"""Of the dormant: no contact on record at all."""
ABANDONED = 0.03
"""Share of customers with a quote they did not take up, half of them in the last three days."""
QUOTED_FIRST = 0.4
SURVEYED = 0.35
DOCUMENTS_SENT = 0.2
PAID_IN_TIME = 0.7


@dataclass(frozen=True)
class Happenings:
    """Events of one kind, before they are numbered: customer, second, type, and what else is known of them."""

    who: Whole
    at: Whole
    type: pa.Array
    channel: pa.Array
    subject: pa.Array
    properties: pa.Array

    def kept(self, mask: Flags) -> Happenings:
        """Only those the mask holds for."""
        columns = (column.filter(pa.array(mask)) for column in (self.type, self.channel, self.subject, self.properties))
        return Happenings(self.who[mask], self.at[mask], *columns)


def events(people: People, owned: Terms, drawn: Claims, joined_on: Whole) -> pa.Table:
    """All events of a block's customers, in order of customer and time."""
    sources: list[Callable[[People, Terms, Claims], Happenings]] = [
        _contacts,
        _quotes_taken,
        _quotes_abandoned,
        _premiums_paid,
        _premiums_to_come,
        _payments_failed,
        _claims_moved,
        _documents_sent,
        _services,
        _surveys,
    ]
    parts = [_plausible(people, joined_on, source(people, owned, drawn)) for source in sources]
    who, at = (np.concatenate([getattr(part, name) for part in parts]) for name in ("who", "at"))
    order = np.lexsort((at, who))
    who, at = who[order], at[order]

    def column(name: str) -> pa.Array:
        return pa.concat_arrays([getattr(part, name) for part in parts]).take(pa.array(order))

    number = place_in_group(who) + 1
    return table(
        "events",
        {
            "event_id": joined(numbered("E", people.number[who] + 1), "-", digits(number, 3)),
            "customer_id": customer_ids(people.number[who]),
            "type": column("type"),
            "occurred_at": instants(people.block.as_of, at),
            "subject_id": column("subject"),
            "channel": column("channel"),
            "properties": column("properties"),
        },
    )


def _plausible(people: People, joined_on: Whole, happened: Happenings) -> Happenings:
    """Nothing but a quote is heard of customers before they join, nor of the dormant after the last contact."""
    since, joined_at = people.silent_since[happened.who], (joined_on[happened.who] - 3) * DAY
    return happened.kept((happened.at >= joined_at) & ((since == ABSENT) | (happened.at < (since + 1) * DAY)))


def _happenings(
    who: Whole,
    at: Whole,
    kind: str | pa.Array,
    channel: str | pa.Array,
    *,
    subject: pa.Array | None = None,
    properties: pa.Array | None = None,
) -> Happenings:
    absent = pa.nulls(who.size, pa.string())

    def filled(value: str | pa.Array) -> pa.Array:
        return pa.repeat(pa.scalar(value), who.size) if isinstance(value, str) else value

    return Happenings(
        who,
        at,
        filled(kind),
        filled(channel),
        absent if subject is None else subject,
        absent if properties is None else properties,
    )


def _contacts(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Log-ins, visits and calls: frequent for most, the last one on the day the dormant fell silent."""
    rng, size = people.block.rng("contacts"), people.block.size
    dormant = people.silent_since != ABSENT
    in_touch = ~(dormant & chance(rng, NEVER_IN_TOUCH, size))
    last = np.where(dormant, people.silent_since, -(170 * rng.random(size) ** 2).astype(np.int64) - 1)
    others = np.repeat(np.arange(size), rng.poisson(2.4, size) * in_touch)
    day = HORIZON - (rng.random(others.size) * (WINDOW + HORIZON)).astype(np.int64)
    who = np.r_[np.flatnonzero(in_touch), others]
    kind = rng.choice(len(CONTACTS), who.size, p=[0.45, 0.35, 0.20])
    at = moment(rng, np.r_[last[in_touch], day])
    return _happenings(who, at, words(CONTACTS, kind), words(["app", "web", "phone"], kind))


def _quotes_taken(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Quotes that led to a policy within three days."""
    rng = people.block.rng("quotes taken")
    day = owned.recorded // DAY
    recent = (day >= -60) & (owned.earlier_terms == 0) & chance(rng, QUOTED_FIRST, owned.who.size)
    row = np.flatnonzero(recent)
    at = owned.recorded[row] - between(rng, 1_200, 3 * DAY, row.size)
    return _happenings(owned.who[row], at, "quote_started", "web", subject=words(catalogue().ids, owned.product[row]))


def _quotes_abandoned(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Quotes that led nowhere."""
    rng = people.block.rng("quotes abandoned")
    who = np.flatnonzero(chance(rng, ABANDONED, people.block.size))
    recent, earlier = -between(rng, 1, 3, who.size), -between(rng, 4, 180, who.size)
    at = moment(rng, np.where(chance(rng, 0.5, who.size), recent, earlier))
    offered = np.flatnonzero(catalogue().insurance & catalogue().active)
    product = words(catalogue().ids, offered[rng.integers(0, offered.size, who.size)])
    return _happenings(who, at, "quote_started", "web", subject=product)


def _premiums_paid(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Premiums of the last year: when a term was agreed, and on the last due day of contracts over many years."""
    rng = people.block.rng("premiums")
    paid = np.where(owned.due == ABSENT, owned.recorded, moment(rng, owned.due - 365, 9, 18))
    paid = np.maximum(paid, owned.recorded)
    row = np.flatnonzero((paid >= -WINDOW * DAY) & (paid < HORIZON * DAY))
    ids = policy_ids(people, owned).take(pa.array(row))
    return _happenings(owned.who[row], paid[row], "premium_paid", "bank", subject=ids)


def _premiums_to_come(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Premiums that will be paid in the days after `as_of`, most of them on time."""
    rng = people.block.rng("premiums to come")
    ahead = (owned.due >= 1) & (owned.due <= HORIZON)
    row = np.flatnonzero(ahead & chance(rng, PAID_IN_TIME, owned.who.size))
    at = moment(rng, np.maximum(owned.due[row] - between(rng, 0, 6, row.size), 1), 9, 18)
    ids = policy_ids(people, owned).take(pa.array(row))
    return _happenings(owned.who[row], at, "premium_paid", "bank", subject=ids)


def _payments_failed(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Debits the bank refused: most of the premiums that were due in the last days."""
    rng = people.block.rng("failures")
    overdue = (owned.due != ABSENT) & (owned.due < 0) & (owned.due >= -10)
    row = np.flatnonzero(overdue & chance(rng, 0.6, owned.who.size))
    at, why = moment(rng, owned.due[row], 6, 9), rng.integers(0, 2, row.size)
    reasons = words(['{"reason": "insufficient_funds"}', '{"reason": "card_expired"}'], why)
    ids = policy_ids(people, owned).take(pa.array(row))
    return _happenings(owned.who[row], at, "payment_failed", "bank", subject=ids, properties=reasons)


def _claims_moved(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Claims that reached their state in the last two months."""
    row = np.flatnonzero(drawn.updated >= -60 * DAY)
    texts = words([f'{{"status": "{state}"}}' for state in CLAIM_STATES], drawn.status[row])
    ids = claim_ids(people, drawn).take(pa.array(row))
    return _happenings(drawn.who[row], drawn.updated[row], "claim_progress", "claims", subject=ids, properties=texts)


def _documents_sent(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Some who owe documents have sent them, and the claim has not moved on yet."""
    rng = people.block.rng("documents")
    waiting = drawn.status == CLAIM_STATES.index("awaiting_documents")
    row = np.flatnonzero(waiting & chance(rng, DOCUMENTS_SENT, drawn.who.size))
    at, ids = drawn.updated[row] + between(rng, 7_200, 2 * DAY, row.size), claim_ids(people, drawn).take(pa.array(row))
    return _happenings(drawn.who[row], at, "documents_uploaded", "app", subject=ids)


def _services(people: People, owned: Terms, drawn: Claims) -> Happenings:
    who, product, at = service_use(people, owned)
    return _happenings(who, at, "service_used", "partner", subject=words(catalogue().ids, product))


def _surveys(people: People, owned: Terms, drawn: Claims) -> Happenings:
    """Answers to the question how the claim went, from 1 to 5; worse after a refusal."""
    rng = people.block.rng("surveys")
    row = np.flatnonzero(drawn.settled & chance(rng, SURVEYED, drawn.who.size))
    denied = drawn.status[row] == CLAIM_STATES.index("denied")
    score = np.clip(np.rint(rng.normal(np.where(denied, 2.3, 4.2), 0.9)), 1, 5).astype(np.int64)
    at = drawn.updated[row] + between(rng, DAY, 10 * DAY, row.size)
    texts = answers(people.block.rng("comments"), score, people.english[drawn.who[row]])
    ids = claim_ids(people, drawn).take(pa.array(row))
    return _happenings(drawn.who[row], at, "survey_answered", "sms", subject=ids, properties=texts)
