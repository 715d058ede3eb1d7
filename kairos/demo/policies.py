"""The view `policies`: terms with their premiums, what is insured, and the quote for the next term."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from kairos.demo.block import Flags, Real, Whole
from kairos.demo.catalogue import LINES, TRAITS, catalogue
from kairos.demo.columns import ABSENT, between, chance, code, days, digits, instants, joined, numbers, where, words
from kairos.demo.customers import customer_ids
from kairos.demo.gazetteer import gazetteer
from kairos.demo.people import People
from kairos.demo.schemas import table
from kairos.demo.terms import STATES, Terms
from kairos.demo.vocabulary import Bilingual, vocabulary

DISCOUNTS = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
"""No-claim discount as a share of the premium, by years without a claim."""
PLATE_LETTERS = "ABCDEFGH"
PLATE_MARKS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
SECOND_HOME = 0.08
NO_SCORE = 0.05
RUBBISH = 0.001


def policies(people: People, owned: Terms, names: pa.Array) -> pa.Table:
    """One row per term."""
    rng, as_of = people.block.rng("policies"), people.block.as_of
    ids = policy_ids(people, owned)
    region = _insured_place(rng, people, owned)
    places = gazetteer()
    premium, discount, quote = _premiums(rng, people, owned)
    located = np.isin(owned.line, [LINES.index("motor"), LINES.index("home")])
    active = owned.status == STATES.index("active")
    renewable = active & (catalogue().years[owned.product] == 1)
    return table(
        "policies",
        {
            "policy_id": ids,
            "customer_id": customer_ids(people.number[owned.who]),
            "product_id": words(catalogue().ids, owned.product),
            "line": words(LINES, owned.line),
            "status": words(STATES, owned.status),
            "effective_date": days(as_of, owned.start),
            "expiry_date": days(as_of, owned.end),
            "premium": numbers(premium),
            "currency": words(places.texts("currency"), people.place[owned.who]),
            "insured_object": _objects(rng, people, owned, names, region),
            "insured_region_code": where(located, words(places.texts("code"), region), None),
            "renews_policy_id": ids.take(pa.array(owned.renews, mask=owned.renews == ABSENT)),
            "next_premium_due": days(as_of, np.where(active, owned.due, ABSENT)),
            "renewal_premium": numbers(quote, ~renewable),
            "no_claim_discount": pa.array(discount, mask=owned.line != LINES.index("motor")),
            "lapse_risk": _lapse_risk(people, owned, active),
            "recorded_at": instants(as_of, owned.recorded),
        },
    )


def policy_ids(people: People, owned: Terms) -> pa.Array:
    """P0000042-01 is the first policy of customer C0000042."""
    return joined("P", digits(people.number[owned.who] + 1, 7), "-", digits(owned.number + 1, 2))


def _premiums(rng: Generator, people: People, owned: Terms) -> tuple[Real, Real, Real]:
    """Premium of each term, its no-claim discount, and the quote for the term after it."""
    size, motor = owned.who.size, owned.line == LINES.index("motor")
    wealth = np.clip(people.traits[owned.who, TRAITS.index("wealthy")], -2, 3)
    full = catalogue().price[owned.product] * np.exp(0.2 * rng.normal(size=size) + 0.08 * wealth)
    years = np.minimum(owned.earlier_terms, 3)
    clean, next_clean = (np.where(chance(rng, 0.2, size), 0, count) for count in (years, years + 1))
    discount = np.where(motor, DISCOUNTS[clean], 0.0)
    quote = full * rng.uniform(0.97, 1.08, size) * (1 - np.where(motor, DISCOUNTS[next_clean], 0.0))
    return full * (1 - discount), discount, quote


def _lapse_risk(people: People, owned: Terms, active: Flags) -> pa.Array:
    """What a model of the insurer's says of active terms, 0 to 1: skewed, unknown for some, and rubbish for a few."""
    rng, size = people.block.rng("lapse risk"), owned.who.size
    risk = rng.beta(1.2, 6.0, size)
    risk[chance(rng, RUBBISH, size)] = -1.0
    return numbers(risk, ~active | chance(rng, NO_SCORE, size))


def _insured_place(rng: Generator, people: People, owned: Terms) -> Whole:
    """Where the insured object is: with the customer, but for some second homes."""
    known = gazetteer()
    elsewhere = rng.choice(len(known.places), owned.who.size, p=known.home_shares)
    second = (owned.line == LINES.index("home")) & chance(rng, SECOND_HOME, owned.who.size)
    return np.where(second, elsewhere, people.place[owned.who])


def _objects(rng: Generator, people: People, owned: Terms, names: pa.Array, region: Whole) -> pa.Array:
    """Plate, address, destination, or the insured person."""
    line, home, travel = owned.line, LINES.index("home"), LINES.index("travel")
    person = names.take(pa.array(owned.who))
    english = people.english[owned.who]
    stay = where(line == travel, _destinations(rng, owned, english), person)
    lodged = where(line == home, _addresses(rng, region, english), stay)
    return where(line == LINES.index("motor"), _plates(rng, region), lodged)


def _plates(rng: Generator, region: Whole) -> pa.Array:
    """Number plates such as 沪A3K52P; two letters and four digits abroad."""
    known, size = gazetteer(), region.size
    letter = pa.array(code(rng, PLATE_LETTERS, size, 1))
    mainland = joined(words(known.texts("plate"), region), letter, pa.array(code(rng, PLATE_MARKS, size, 5)))
    other = joined(pa.array(code(rng, "ABCDEHKLMNPRSTVWX", size, 2)), pa.array(code(rng, "0123456789", size, 4)))
    return where(known.mainland[region], mainland, other)


def _addresses(rng: Generator, region: Whole, english: Flags) -> pa.Array:
    known, streets, size = gazetteer(), vocabulary()["streets"], region.size
    street = rng.integers(0, len(streets), size)
    number = digits(between(rng, 1, 400, size))
    room = joined(digits(between(rng, 1, 30, size)), digits(between(rng, 1, 8, size), 2))
    chinese = joined(words(known.texts("address"), region), words(_side(streets, 0), street), number, "号", room, "室")
    where_en = joined(number, " ", words(_side(streets, 1), street), ", ", words(known.texts("address_en"), region))
    return where(english, joined("Room ", room, ", ", where_en), chinese)


def _destinations(rng: Generator, owned: Terms, english: Flags) -> pa.Array:
    size, places = owned.who.size, vocabulary()["destinations"]
    abroad = owned.product == catalogue().ids.index("travel_overseas")
    sides = []
    for kind in ("overseas", "domestic"):
        drawn = rng.integers(0, len(places[kind]), size)
        sides.append(where(english, words(_side(places[kind], 1), drawn), words(_side(places[kind], 0), drawn)))
    return where(abroad, *sides)


def _side(pairs: Bilingual, side: int) -> list[str | None]:
    return [pair[side] for pair in pairs]
