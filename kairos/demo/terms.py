"""Which products customers hold and the terms of those contracts, with their chains of renewals.

Days count from `as_of`. A term's status is what it is on that day; renewals agreed up to 30 days later are there too,
with the instant they become known, so that the days after can be run as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from kairos.demo.block import Flags, Real, Whole
from kairos.demo.catalogue import LINES, catalogue
from kairos.demo.columns import ABSENT, DAY, between, chance, moment, place_in_group, sigmoid
from kairos.demo.people import People

HORIZON = 30
"""Facts go on for this many days after `as_of`."""
STATES = ("active", "lapsed", "cancelled", "renewed", "matured")
IN_FORCE = 0.88
ENDS_IN_TWO_MONTHS = 0.12
"""Share of motor contracts in force that end 38 to 62 days ahead, beyond those that do so anyway."""
DUE_NOW = 0.15
"""Share of contracts with yearly premiums whose premium is due between 10 days ago and 30 days ahead, likewise."""
RENEWED_EARLY = 0.25
RENEWED_SOON = 0.30


@dataclass(frozen=True)
class Contracts:
    """One row per contract, ordered by customer: `who` within the block, index of the product, first and last term.

    `latest_end` is the last day of the latest term begun, `history` how many terms went before, `next_agreed` the day
    on which the following term was or will be agreed. `due` is the next premium's day.
    """

    who: Whole
    product: Whole
    latest_start: Whole
    latest_end: Whole
    history: Whole
    next_agreed: Whole
    due: Whole
    ended_as: Whole


@dataclass(frozen=True)
class Terms:
    """One row per term, ordered by customer, contract and start; `number` counts the terms of a customer from 0.

    `renews` is the row of the term before, or ABSENT; `recorded` a second, `due` the day of the next premium.
    """

    who: Whole
    product: Whole
    start: Whole
    end: Whole
    status: Whole
    recorded: Whole
    renews: Whole
    number: Whole
    due: Whole
    earlier_terms: Whole

    @property
    def line(self) -> Whole:
        """Index of each term's line of business in LINES."""
        return catalogue().line[self.product]


def draw_terms(people: People) -> Terms:
    """The terms of a block's customers."""
    rng = people.block.rng("terms")
    return _expand(rng, _contracts(rng, people))


def wants(people: People, products: Whole) -> Real:
    """Log odds that each customer (row) holds or uses each product (column)."""
    known = catalogue()
    return known.base[products] + people.traits @ known.loadings[products].T


def held(people: People, owned: Terms) -> Flags:
    """Customer x line: is a policy of that line in force."""
    flags = np.zeros((people.block.size, len(LINES)), bool)
    active = owned.status == STATES.index("active")
    flags[owned.who[active], owned.line[active]] = True
    return flags


def _contracts(rng: Generator, people: People) -> Contracts:
    offered = np.flatnonzero(catalogue().insurance & catalogue().active)
    takes = rng.random((people.block.size, offered.size)) < sigmoid(wants(people, offered))
    who, chosen = np.nonzero(takes)
    product = offered[chosen]
    years, motor = catalogue().years[product], catalogue().line[product] == LINES.index("motor")
    start, end, history, agreed = _yearly(rng, motor)
    trip_start, trip_end = _trips(rng, who.size)
    long_start, long_end, due, kept = _long(rng, years)
    single, long = years == 0, years > 1
    return Contracts(
        who=who,
        product=product,
        latest_start=np.select([single, long], [trip_start, long_start], start),
        latest_end=np.select([single, long], [trip_end, long_end], end),
        history=np.where(years == 1, history, 0),
        next_agreed=np.where(years == 1, agreed, ABSENT),
        due=np.where(long & kept, due, ABSENT),
        ended_as=np.select([single, long], [STATES.index("matured"), np.where(kept, 0, 1)], _endings(rng, who.size)),
    )


def _yearly(rng: Generator, motor: Flags) -> tuple[Whole, Whole, Whole, Whole]:
    """Contracts renewed every year: start and end of the latest term, terms before it, day the next one is agreed."""
    size = motor.size
    ahead = np.where(
        motor & chance(rng, ENDS_IN_TWO_MONTHS, size), between(rng, 38, 62, size), between(rng, 0, 364, size)
    )
    end = np.where(chance(rng, IN_FORCE, size), ahead, -between(rng, 1, 400, size))
    history = np.minimum(rng.geometric(0.62, size) - 1, 4)
    fate, early, soon = rng.random(size), -between(rng, 1, 15, size), between(rng, 1, HORIZON, size)
    agreed = np.full(size, ABSENT)
    agreed[(fate < RENEWED_EARLY) & (end >= 0) & (end <= 75)] = 0
    agreed = np.where(agreed == 0, early, agreed)
    later = (fate >= RENEWED_EARLY) & (fate < RENEWED_EARLY + RENEWED_SOON) & (end >= 0) & (end <= 45)
    return end - 364, end, history, np.where(later, np.minimum(soon, end), agreed)


def _trips(rng: Generator, size: int) -> tuple[Whole, Whole]:
    """Single trips: under way, ahead and past."""
    length, kind = between(rng, 4, 30, size), rng.random(size)
    under_way = -(rng.random(size) * length).astype(np.int64)
    start = np.select([kind < 0.35, kind < 0.55], [under_way, between(rng, 1, 60, size)], -between(rng, 31, 700, size))
    return start, start + length - 1


def _long(rng: Generator, years: Whole) -> tuple[Whole, Whole, Whole, Flags]:
    """Contracts over many years: start, end, the next premium's day, and is it in force."""
    size = years.size
    due = np.where(chance(rng, DUE_NOW, size), between(rng, -10, 30, size), between(rng, 0, 364, size))
    paid_years = 1 + (rng.random(size) * np.clip(years - 2, 1, 11)).astype(np.int64)
    start = due - 365 * paid_years
    return start, start + (365.25 * years).astype(np.int64), due, chance(rng, 0.94, size)


def _endings(rng: Generator, size: int) -> Whole:
    return rng.choice(np.array([1, 2, 4]), size, p=[0.7, 0.15, 0.15])


def _expand(rng: Generator, contracts: Contracts) -> Terms:
    following = contracts.next_agreed != ABSENT
    count = contracts.history + 1 + following
    contract = np.repeat(np.arange(count.size), count)
    step = place_in_group(contract)
    years_later = step - contracts.history[contract]
    start, end = (column[contract] + 365 * years_later for column in (contracts.latest_start, contracts.latest_end))
    last = step == count[contract] - 1
    who, rows = contracts.who[contract], np.arange(step.size)
    return Terms(
        who=who,
        product=contracts.product[contract],
        start=start,
        end=end,
        status=_status(end, last, contracts.ended_as[contract], catalogue().years[contracts.product[contract]]),
        recorded=_recorded(rng, start, np.where(years_later == 1, contracts.next_agreed[contract], ABSENT)),
        renews=np.where(step > 0, rows - 1, ABSENT),
        number=place_in_group(who),
        due=contracts.due[contract],
        earlier_terms=step,
    )


def _status(end: Whole, last: Flags, ended_as: Whole, years: Whole) -> Whole:
    """Active until the last day; then renewed where a term follows. Long contracts may have lapsed before their end."""
    over = np.where(last, ended_as, STATES.index("renewed"))
    return np.where(end < 0, over, np.where(years > 1, ended_as, STATES.index("active")))


def _recorded(rng: Generator, start: Whole, agreed: Whole) -> Whole:
    """Second at which the insurer recorded the term: some days before it starts, and before `as_of` unless said so."""
    day = np.minimum(start - between(rng, 0, 20, start.size), -1)
    return moment(rng, np.where(agreed != ABSENT, agreed, day))


def first_recorded(owned: Terms, size: int) -> Whole:
    """Day of each customer's first record of a policy, ABSENT for those who never had one."""
    days = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(days, owned.who, owned.recorded // DAY)
    return np.where(days == np.iinfo(np.int64).max, ABSENT, days)
