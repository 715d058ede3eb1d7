"""The view `claims`: in every state, some of them waiting for the customer, many moved in the last days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from kairos.demo.block import Flags, Whole
from kairos.demo.catalogue import LINES
from kairos.demo.columns import (
    ABSENT,
    DAY,
    between,
    chance,
    digits,
    instants,
    joined,
    moment,
    numbers,
    place_in_group,
    where,
    words,
)
from kairos.demo.customers import customer_ids
from kairos.demo.dirt import RATES, Dirt
from kairos.demo.people import People
from kairos.demo.policies import policy_ids
from kairos.demo.schemas import table
from kairos.demo.terms import HORIZON, STATES, Terms
from kairos.demo.vocabulary import vocabulary

CLAIM_STATES = ("reported", "accepted", "in_review", "awaiting_documents", "approved", "denied", "paid", "closed")
SETTLED = (CLAIM_STATES.index("denied"), CLAIM_STATES.index("paid"), CLAIM_STATES.index("closed"))
RECENT = (0.12, 0.12, 0.16, 0.20, 0.08, 0.07, 0.15, 0.10)
LONG_AGO = (0, 0, 0, 0, 0, 0.15, 0.60, 0.25)
RATE_BY_LINE = np.array([0.10, 0.14, 0.004, 0.03, 0.06])
"""Share of the terms of each line (order of LINES) with a claim."""
AMOUNT_BY_LINE = np.array([3_200, 5_600, 120_000, 2_400, 900])
REPORTED_LATELY = 0.35


@dataclass(frozen=True)
class Claims:
    """One row per claim, ordered by customer. `term` is the row of its policy; times in seconds from `as_of`."""

    who: Whole
    term: Whole
    number: Whole
    status: Whole
    reported: Whole
    updated: Whole

    @property
    def settled(self) -> Flags:
        """Has the insurer finished with it."""
        return np.isin(self.status, SETTLED)


def draw_claims(people: People, owned: Terms) -> Claims:
    """The claims of a block's customers; none since a dormant customer fell silent."""
    rng = people.block.rng("claims")
    first, last = np.maximum(owned.start, -700), np.minimum(owned.end, HORIZON)
    happens = (rng.random(owned.who.size) < RATE_BY_LINE[owned.line]) & (first <= last)
    day = _report_days(rng, owned, first, last)
    silent = people.silent_since[owned.who]
    term = np.flatnonzero(happens & ((silent == ABSENT) | (day <= silent)))
    reported = moment(rng, day[term])
    status = _states(rng, day[term])
    who = owned.who[term]
    return Claims(who, term, place_in_group(who), status, reported, _updates(rng, day[term], reported, status))


def claims(people: People, owned: Terms, drawn: Claims, dirt: Dirt) -> pa.Table:
    """One row per claim; a few of them on policies nobody knows."""
    rng, as_of = people.block.rng("claim details"), people.block.as_of
    size, line = drawn.who.size, owned.line[drawn.term]
    amount = AMOUNT_BY_LINE[line] * np.exp(0.7 * rng.normal(size=size))
    unknown = np.isin(drawn.status, [CLAIM_STATES.index(name) for name in ("reported", "accepted", "denied")])
    return table(
        "claims",
        {
            "claim_id": claim_ids(people, drawn),
            "policy_id": _orphaned(rng, policy_ids(people, owned).take(pa.array(drawn.term)), drawn, dirt),
            "customer_id": customer_ids(people.number[drawn.who]),
            "status": words(CLAIM_STATES, drawn.status),
            "reported_at": instants(as_of, drawn.reported),
            "updated_at": instants(as_of, drawn.updated),
            "closed_at": instants(as_of, np.where(drawn.settled, drawn.updated, ABSENT)),
            "amount": numbers(amount, unknown),
            "missing_documents": _missing(rng, people, drawn, line),
        },
    )


def claim_ids(people: People, drawn: Claims) -> pa.Array:
    """K0000042-1 is the first claim of customer C0000042."""
    return joined("K", digits(people.number[drawn.who] + 1, 7), "-", digits(drawn.number + 1))


def _report_days(rng: Generator, owned: Terms, first: Whole, last: Whole) -> Whole:
    size = owned.who.size
    any_day = first + (rng.random(size) * (last - first + 1)).astype(np.int64)
    lately = -between(rng, 1, 30, size)
    running = (owned.status == STATES.index("active")) & (first <= lately) & (lately <= last)
    return np.where(running & chance(rng, REPORTED_LATELY, size), lately, any_day)


def _states(rng: Generator, reported: Whole) -> Whole:
    recent, old = (rng.choice(len(CLAIM_STATES), reported.size, p=shares) for shares in (RECENT, LONG_AGO))
    return np.where(reported >= -60, recent, old)


def _updates(rng: Generator, day: Whole, reported: Whole, status: Whole) -> Whole:
    """When the state was reached: weeks after the report of an old claim, in the last or next days of a recent one."""
    size = day.size
    old, lately = reported + between(rng, 5, 40, size) * DAY, moment(rng, -between(rng, 1, 7, size), 9, 18)
    soon = moment(rng, np.maximum(day, 0) + between(rng, 0, 6, size), 9, 18)
    recent = np.where((lately > reported) & chance(rng, 0.85, size), lately, soon)
    updated = np.where(day < -60, old, np.maximum(recent, reported + 1_800))
    return np.where(status == CLAIM_STATES.index("reported"), reported, updated)


def _missing(rng: Generator, people: People, drawn: Claims, line: Whole) -> pa.Array:
    """One to all three of the documents a claim of the line needs, in the customer's language."""
    waiting = np.flatnonzero(drawn.status == CLAIM_STATES.index("awaiting_documents"))
    owed = chance(rng, 0.45, waiting.size * 3).reshape(-1, 3)
    owed[np.arange(waiting.size), rng.integers(0, 3, waiting.size)] = True
    row, which = np.nonzero(owed)
    names = [pair for name in LINES for pair in vocabulary()["documents"][name]]
    document = line[waiting[row]] * 3 + which
    english = people.english[drawn.who[waiting[row]]]
    texts = where(english, words([pair[1] for pair in names], document), words([pair[0] for pair in names], document))
    count = np.zeros(drawn.who.size, np.int64)
    count[waiting] = owed.sum(axis=1)
    offsets = pa.array(np.r_[0, np.cumsum(count)].astype(np.int32), mask=np.r_[count == 0, False])
    return pa.ListArray.from_arrays(offsets, texts)


def _orphaned(rng: Generator, policy: pa.Array, drawn: Claims, dirt: Dirt) -> pa.Array:
    """Policy ids with a few that belong to no policy, among the claims reported before `as_of`."""
    lost = chance(rng, RATES["orphan"], drawn.who.size) & (drawn.reported < 0)
    dirt.add("orphan", int(lost.sum()))
    return where(lost, joined("X", policy), policy)
