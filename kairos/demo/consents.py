"""The view `consents`: what customers allow, what they refuse, by purpose and channel, with a few changes of mind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from kairos.demo.block import Flags, Whole
from kairos.demo.columns import ABSENT, DAY, chance, digits, instants, joined, moment, words
from kairos.demo.customers import customer_ids
from kairos.demo.people import People
from kairos.demo.schemas import table

EVERY = "*"
CHANNELS = ("sms", "push", "email", "ai_outbound")


@dataclass(frozen=True)
class Statement:
    """Who said yes or no to what: on joining, or `later` as a change of mind."""

    who: Flags
    purpose: str
    channel: str
    granted: bool
    later: bool = False


def consents(people: People, joined_on: Whole) -> pa.Table:
    """Rows in order of customer and time; `joined_on` in days from `as_of`."""
    rng, size = people.block.rng("consents"), people.block.size
    said = [*_contract_and_care(rng, size), *_marketing(rng, size)]
    statement = np.concatenate([np.full(int(part.who.sum()), i) for i, part in enumerate(said)])
    who = np.concatenate([np.flatnonzero(part.who) for part in said])
    later = np.array([part.later for part in said])[statement]
    since = np.where(later, joined_on[who] - rng.random(who.size) * (joined_on[who] + 1), joined_on[who])
    at = moment(rng, since.astype(np.int64), 9, 18)
    order = np.lexsort((statement, at, who))
    who, statement, at = who[order], statement[order], at[order]
    by = rng.integers(0, 3, who.size)
    return table(
        "consents",
        {
            "customer_id": customer_ids(people.number[who]),
            "purpose": words([part.purpose for part in said], statement),
            "channel": words([part.channel for part in said], statement),
            "granted": pa.array([part.granted for part in said]).take(pa.array(statement)),
            "at": instants(people.block.as_of, at),
            "evidence": joined(words(["app/", "form/", "recording/"], by), digits(people.number[who] + 1, 7)),
            **_wording(people, said, statement, at),
        },
    )


def _wording(people: People, said: list[Statement], statement: Whole, at: Whole) -> dict[str, pa.Array]:
    """Which text was agreed to, for how long, and by whom; a stream of its own leaves what was said as it is."""
    rng, size = people.block.rng("consent wording"), statement.size
    for_a_time = np.array([part.granted and part.purpose == "marketing" for part in said])[statement]
    until = np.where(for_a_time & chance(rng, 0.04, size), at + 2 * 365 * DAY, ABSENT)
    age = np.digitize(-at / DAY, (365, 1_095))
    return {
        "expires_at": instants(people.block.as_of, until),
        "text_version": words(["v3", "v2", "v1"], age),
        "given_by": words([None, "parent"], chance(rng, 0.01, size).astype(np.int64)),
    }


def _contract_and_care(rng: Generator, size: int) -> list[Statement]:
    """Nearly all take service messages, most take care; some want no calls, some nothing at all."""
    care = rng.random(size)
    return [
        Statement(chance(rng, 0.97, size), "service", EVERY, True),
        Statement(care < 0.88, "care", EVERY, True),
        Statement(care > 0.97, "care", EVERY, False),
        Statement(chance(rng, 0.05, size), EVERY, "ai_outbound", False, later=True),
        Statement(chance(rng, 0.01, size), EVERY, EVERY, False, later=True),
    ]


def _marketing(rng: Generator, size: int) -> list[Statement]:
    """30 % allow it at once, 35 % channel by channel, 20 % refuse, the rest never said; a few withdraw it for SMS."""
    style = rng.random(size)
    whole, by_channel = style < 0.30, (style >= 0.30) & (style < 0.65)
    said = [
        Statement(whole, "marketing", EVERY, True),
        Statement(style >= 0.80, "marketing", EVERY, False),
        Statement(whole & chance(rng, 0.04, size), "marketing", "sms", False, later=True),
    ]
    for channel in CHANNELS:
        answer = rng.random(size)
        said.append(Statement(by_channel & (answer < 0.5), "marketing", channel, True))
        said.append(Statement(by_channel & (answer >= 0.75), "marketing", channel, False))
    return said
