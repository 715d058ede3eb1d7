"""Which services customers used: driven by the hidden traits and by what they insure."""

from __future__ import annotations

import numpy as np

from kairos.demo.block import Flags, Whole
from kairos.demo.catalogue import LINES, catalogue
from kairos.demo.columns import moment, sigmoid
from kairos.demo.people import TIERS, People
from kairos.demo.terms import HORIZON, Terms, held, wants

USED_WITHIN = 720
HOLDER = 1.8
"""Log odds that holding a policy of the service's line adds."""
FOR_HOLDERS = tuple(f"holds_{line}" for line in LINES)


def service_use(people: People, owned: Terms) -> tuple[Whole, Whole, Whole]:
    """Customer, product and second of each use in the last two years and the days to come."""
    rng, known = people.block.rng("services"), catalogue()
    offered = np.flatnonzero(~known.insurance & known.active)
    lines = held(people, owned)[:, known.line[offered]]
    odds = wants(people, offered) + HOLDER * lines
    uses = (rng.random(odds.shape) < sigmoid(odds)) & _allowed(people, offered, lines)
    who, chosen = np.nonzero(uses)
    day = HORIZON - ((USED_WITHIN + HORIZON) * rng.random(who.size) ** 1.4).astype(np.int64)
    return who, offered[chosen], moment(rng, day)


def _allowed(people: People, offered: Whole, lines: Flags) -> Flags:
    """The plain part of the eligibility: services for holders of a line, or for the upper tiers, only."""
    conditions = [catalogue().rows[product]["eligibility"] for product in offered]
    for_holders = np.array([condition.startswith(FOR_HOLDERS) and " or " not in condition for condition in conditions])
    for_upper = np.array([condition.startswith("tier in") for condition in conditions])
    upper = (people.tier >= TIERS.index("gold"))[:, None]
    allowed: Flags = (lines | ~for_holders) & (upper | ~for_upper)
    return allowed
