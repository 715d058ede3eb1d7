"""The view `customers` before it is spoilt: names, addresses of all media, tier and dates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator

from kairos.demo.block import Block, Flags, Whole
from kairos.demo.columns import ABSENT, between, chance, code, days, digits, joined, numbered, where, words
from kairos.demo.gazetteer import gazetteer
from kairos.demo.people import TIERS, People
from kairos.demo.schemas import table
from kairos.demo.terms import Terms, first_recorded
from kairos.demo.vocabulary import vocabulary

MOBILE = "130 131 132 133 134 135 136 137 138 139 150 151 152 155 156 157 158 159 166 177 178 180 182 186 188 189 199"
AGENTS = 400
REFUSES_PERSONALISATION = 0.03
HAS_PUPIL = 0.06
HAS_APP = 0.55


def customers(people: People, names: pa.Array, joined_on: Whole) -> pa.Table:
    """One row per customer of the block."""
    rng, block = people.block.rng("customers"), people.block
    size, ids = block.size, customer_ids(people.number)
    zones = words(gazetteer().texts("timezone"), people.place)
    return table(
        "customers",
        {
            "customer_id": ids,
            "name": names,
            "gender": where(chance(rng, 0.99, size), words(["male", "female"], people.female.astype(int)), None),
            "birth_date": pc.strftime(days(block.as_of, people.born), format="%Y-%m-%d"),
            "phone": where(chance(rng, 0.97, size), _phones(rng, people), None),
            "email": where(chance(rng, 0.6, size), joined("customer", digits(people.number, 7), "@example.com"), None),
            "push_token": where(chance(rng, HAS_APP, size), _tokens(rng, size), None),
            "locale": words(["zh-CN", "en"], people.english.astype(int)),
            "timezone": where(chance(rng, 0.9, size) | ~people.mainland, zones, None),
            "region_code": words(gazetteer().texts("code"), people.place),
            "agent_id": where(chance(rng, 0.6, size), numbered("A", between(rng, 1, AGENTS, size), 4), None),
            "tier": words(TIERS, people.tier),
            "joined_on": days(block.as_of, joined_on),
            "deceased_on": days(block.as_of, people.died),
            "personalisation": pa.array(~chance(rng, REFUSES_PERSONALISATION, size)),
            "exam_year": _exam_years(block),
        },
    )


def _exam_years(block: Block) -> pa.Array:
    """The year in which a child of the family sits the university entrance exam; null for most."""
    rng = block.rng("exam years")
    ahead = between(rng, 0, 5, block.size)
    return pa.array(block.as_of.year + ahead, mask=~chance(rng, HAS_PUPIL, block.size))


def customer_ids(numbers: Whole) -> pa.Array:
    """C0000001 is the first customer."""
    return numbered("C", numbers + 1)


def joining(block: Block, owned: Terms) -> Whole:
    """Days on which the customers joined: shortly before their first policy, or at any time if they have none."""
    rng = block.rng("joining")
    first = first_recorded(owned, block.size)
    lead, visitors = between(rng, 0, 20, block.size), -between(rng, 30, 2_000, block.size)
    return np.where(first == ABSENT, visitors, np.minimum(first, -1) - lead)


def names(people: People) -> pa.Array:
    """Full names: surname first in Chinese, last in English."""
    rng, known = people.block.rng("names"), vocabulary()
    chinese = joined(
        _any(rng, known["surnames"], people.block.size),
        _gendered(rng, known["given_female"], known["given_male"], people.female),
    )
    first = _gendered(rng, known["english_female"], known["english_male"], people.female)
    english = joined(first, " ", _any(rng, known["english_surnames"], people.block.size))
    return where(people.english, english, chinese)


def _any(rng: Generator, choices: list[str], size: int) -> pa.Array:
    return words(choices, rng.integers(0, len(choices), size))


def _gendered(rng: Generator, female: list[str], male: list[str], is_female: Flags) -> pa.Array:
    return where(is_female, _any(rng, female, is_female.size), _any(rng, male, is_female.size))


def _phones(rng: Generator, people: People) -> pa.Array:
    """Mobile numbers as people write them; valid by their form, made up all the same."""
    size, style = people.block.size, rng.random(people.block.size)
    head = _any(rng, MOBILE.split(), size)
    middle, tail = (pa.array(code(rng, "0123456789", size, 4)) for _ in range(2))
    plain, spaced = joined(head, middle, tail), joined("+86 ", head, " ", middle, " ", tail)
    dashed = joined(head, "-", middle, "-", tail)
    return where(people.mainland, where(style < 0.8, plain, where(style < 0.93, spaced, dashed)), _abroad(rng, people))


def _abroad(rng: Generator, people: People) -> pa.Array:
    known = gazetteer()
    length = np.array([place.phone_digits for place in known.places])[people.place]
    rest = pc.utf8_slice_codeunits(pa.array(code(rng, "0123456789", length.size, 7)), 0, 7)
    shortened = [pc.utf8_slice_codeunits(rest, 0, stop) for stop in range(1, 8)]
    chosen = pc.choose(pa.array(np.clip(length, 1, 7) - 1), *shortened)
    return joined(words(known.texts("phone_prefix"), people.place), chosen)


def _tokens(rng: Generator, size: int) -> pa.Array:
    """Push tokens of 32 hexadecimal digits."""
    return pa.array(code(rng, "0123456789abcdef", size, 32))
