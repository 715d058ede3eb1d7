"""The view `complaints`: few, most of them settled within weeks, some open on the day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kairos.demo.columns import ABSENT, DAY, between, chance, instants, moment, numbered, words
from kairos.demo.customers import customer_ids
from kairos.demo.people import People
from kairos.demo.schemas import table
from kairos.demo.vocabulary import vocabulary

COMPLAINING = 0.012
OPEN = 0.30


def complaints(people: People) -> pa.Table:
    """At most one per customer."""
    rng, as_of = people.block.rng("complaints"), people.block.as_of
    who = np.flatnonzero(chance(rng, COMPLAINING, people.block.size))
    still_open, categories = chance(rng, OPEN, who.size), vocabulary()["complaint_categories"]
    opened = moment(rng, -between(rng, 1, np.where(still_open, 25, 500), who.size), 9, 18)
    closed = np.minimum(opened + between(rng, 2 * DAY, 30 * DAY, who.size), -3_600)
    return table(
        "complaints",
        {
            "complaint_id": numbered("G", people.number[who] + 1),
            "customer_id": customer_ids(people.number[who]),
            "opened_at": instants(as_of, opened),
            "closed_at": instants(as_of, np.where(still_open, ABSENT, np.maximum(closed, opened + 60))),
            "category": words(categories, rng.integers(0, len(categories), who.size)),
        },
    )
