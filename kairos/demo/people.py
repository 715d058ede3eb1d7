"""Who the customers are: hidden traits, age, language, where they live, and since when nobody has heard from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import Generator

from kairos.demo.block import Block, Flags, Real, Whole
from kairos.demo.catalogue import TRAITS
from kairos.demo.columns import ABSENT, between, chance
from kairos.demo.gazetteer import gazetteer

ENGLISH = 0.15
ABROAD = {True: 0.60, False: 0.015}
"""Share of the English-speaking and of the Chinese-speaking customers who live abroad."""
TIERS = ("standard", "silver", "gold", "platinum")
DORMANT = 0.25
NEWLY_DORMANT = 0.40
"""Of the dormant: silent for 180 to 200 days, just long enough to ask how they are."""
DECEASED = 0.003
BIRTHDAY_NOW = 0.01
"""Moved on to the day itself, so that a small insurer has birthdays too."""


@dataclass(frozen=True)
class People:
    """The customers of a block; all arrays are aligned, days count from `as_of`, ABSENT stands for none.

    `traits` is n x 5 in the order of `TRAITS`, roughly standard normal. `place` indexes the gazetteer, `tier` TIERS.
    `silent_since` is the day of the last contact of a dormant customer.
    """

    block: Block
    traits: Real
    female: Flags
    born: Whole
    english: Flags
    place: Whole
    tier: Whole
    silent_since: Whole
    died: Whole

    @property
    def number(self) -> Whole:
        """Numbers of the customers within the insurer."""
        return self.block.first + np.arange(self.block.size)

    @property
    def mainland(self) -> Flags:
        """Who lives in mainland China."""
        return gazetteer().mainland[self.place]


def draw_people(block: Block) -> People:
    """The people of a block."""
    rng, size = block.rng("people"), block.size
    female, age = chance(rng, 0.5, size), 19 + 60 * rng.beta(2.0, 2.6, size)
    english = chance(rng, ENGLISH, size)
    traits = _traits(rng, age, female, english)
    died = np.where(chance(rng, DECEASED, size), -between(rng, 5, 600, size), ABSENT)
    return People(
        block=block,
        traits=traits,
        female=female,
        born=_births(rng, block.as_of, age),
        english=english,
        place=_places(rng, english),
        tier=np.searchsorted([0.9, 1.8, 2.8], traits[:, TRAITS.index("wealthy")] + rng.normal(0, 0.4, size)),
        silent_since=_silence(rng, died),
        died=died,
    )


def _traits(rng: Generator, age: Real, female: Flags, english: Flags) -> Real:
    traits = rng.normal(size=(age.size, len(TRAITS)))
    traits[:, TRAITS.index("driver")] += np.where(female, -0.15, 0.15)
    traits[:, TRAITS.index("family")] += 1.2 * np.exp(-(((age - 38) / 11) ** 2)) - 0.5
    traits[:, TRAITS.index("health")] += (age - 45) / 28
    traits[:, TRAITS.index("traveller")] += np.where(english, 0.6, -0.1)
    traits[:, TRAITS.index("wealthy")] += (age - 44) / 40
    return traits


def _births(rng: Generator, as_of: date, age: Real) -> Whole:
    """Days of birth; a few on the day of the year that `as_of` is."""
    years = np.floor(age).astype(np.int64)
    if (as_of.month, as_of.day) == (2, 29):
        years = -(-years // 4) * 4
    month = np.datetime64(as_of, "M") - (12 * years).astype("timedelta64[M]")
    birthday = month.astype("datetime64[D]").astype(np.int64) + as_of.day - 1
    this_day = birthday - np.datetime64(as_of, "D").astype(np.int64)
    return np.where(chance(rng, BIRTHDAY_NOW, age.size), this_day, -np.floor(age * 365.25).astype(np.int64))


def _places(rng: Generator, english: Flags) -> Whole:
    known = gazetteer()
    every = np.arange(len(known.places))
    home = rng.choice(every, english.size, p=known.home_shares)
    abroad = rng.choice(every, english.size, p=known.abroad_shares)
    return np.where(rng.random(english.size) < np.where(english, ABROAD[True], ABROAD[False]), abroad, home)


def _silence(rng: Generator, died: Whole) -> Whole:
    size = died.size
    lately, long_ago = -between(rng, 180, 200, size), -between(rng, 201, 500, size)
    silent = np.where(chance(rng, NEWLY_DORMANT, size), lately, long_ago)
    since = np.where(chance(rng, DORMANT, size), silent, ABSENT)
    return np.where(died != ABSENT, np.where(since == ABSENT, died, np.minimum(since, died)), since)
