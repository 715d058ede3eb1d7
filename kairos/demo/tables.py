"""The tables of one block of customers, each drawn from what the ones before it hold."""

from __future__ import annotations

import pyarrow as pa

from kairos.demo.block import Block
from kairos.demo.claims import claims, draw_claims
from kairos.demo.complaints import complaints
from kairos.demo.consents import consents
from kairos.demo.customers import customers, joining, names
from kairos.demo.dirt import Dirt, spoil
from kairos.demo.events import events
from kairos.demo.people import draw_people
from kairos.demo.policies import policies
from kairos.demo.terms import draw_terms


def block_tables(block: Block, dirt: Dirt) -> dict[str, pa.Table]:
    """View name to the block's rows; what was spoilt is added to `dirt`."""
    people = draw_people(block)
    owned = draw_terms(people)
    called, joined_on = names(people), joining(block, owned)
    reported = draw_claims(people, owned)
    return {
        "customers": spoil(block, customers(people, called, joined_on), dirt),
        "policies": policies(people, owned, called),
        "claims": claims(people, owned, reported, dirt),
        "events": events(people, owned, reported, joined_on),
        "consents": consents(people, joined_on),
        "complaints": complaints(people),
    }
