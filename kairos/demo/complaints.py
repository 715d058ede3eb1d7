"""The view `complaints`: few, most of them settled within weeks, some open on the day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kairos.demo.columns import ABSENT, DAY, between, chance, instants, joined, moment, numbered, words
from kairos.demo.customers import customer_ids
from kairos.demo.people import People
from kairos.demo.schemas import table
from kairos.demo.vocabulary import vocabulary

COMPLAINING = 0.012
OPEN = 0.30
AGAIN = 0.25
"""Of those whose complaint is open: complained before, and that was settled."""


def complaints(people: People) -> pa.Table:
    """One per customer, and an earlier one of some whose complaint is open."""
    rng, as_of = people.block.rng("complaints"), people.block.as_of
    who = np.flatnonzero(chance(rng, COMPLAINING, people.block.size))
    still_open, categories = chance(rng, OPEN, who.size), vocabulary()["complaint_categories"]
    opened = moment(rng, -between(rng, 1, np.where(still_open, 25, 500), who.size), 9, 18)
    closed = np.minimum(opened + between(rng, 2 * DAY, 30 * DAY, who.size), -3_600)
    category = rng.integers(0, len(categories), who.size)
    ids = numbered("G", people.number[who] + 1)
    again = np.flatnonzero(still_open & chance(people.block.rng("complaints again"), AGAIN, who.size))
    earlier = opened[again] - between(people.block.rng("complaints before"), 3 * DAY, 20 * DAY, again.size)
    order = np.r_[np.arange(who.size), again]
    return table(
        "complaints",
        {
            "complaint_id": pa.concat_arrays([ids, joined(ids.take(pa.array(again)), "-0")]),
            "customer_id": customer_ids(people.number[who[order]]),
            "opened_at": instants(as_of, np.r_[opened, earlier]),
            "closed_at": instants(
                as_of, np.r_[np.where(still_open, ABSENT, np.maximum(closed, opened + 60)), earlier + 2 * DAY]
            ),
            "category": words(categories, category[order]),
        },
    )
