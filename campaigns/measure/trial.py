"""A campaign seen as a trial: who was drawn into which group, by what design, and until when all is known."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.arms import shares as arm_shares
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds
from campaigns.ledger.statements import statements

if TYPE_CHECKING:
    import pyarrow as pa

HELD_OUT = "held_out"
TREATED = "treated"
ROWS = 50_000
CUSTOMER = ("customer_id", "group", "moments", "reached", "cost", "first_due_at")
BOTH = "(both)"
"""The group of customers who were treated once and held out another time: counted in neither."""


@dataclass(frozen=True)
class Trial:
    """`window`: seconds after a moment in which its goal counts. `until`: the second up to which outcomes were looked for.

    `other_versions` drew by another design than the campaign now has: what they drew is left out. `prices`: channel to
    what a message of it cost.
    """

    campaign: Campaign
    goal: str
    window: int
    until: int
    looked_at: int | None
    other_versions: tuple[str, ...]
    prices: Mapping[str, float]

    def values(self) -> dict[str, Any]:
        """Parameters of the statements `measured_...`."""
        return {
            "campaign": self.campaign.name,
            "goal": self.goal,
            "window": self.window,
            "until": self.until,
            "other_versions": json.dumps(self.other_versions),
            "prices": json.dumps([{"medium": name, "price": price} for name, price in sorted(self.prices.items())]),
        }

    def query(self, ledger: Ledger, name: str) -> str:
        """A statement with its parameters filled in, to be copied and run on the ledger's database as it stands."""
        values = self.values()

        def literal(found: re.Match[str]) -> str:
            value = values[found[1]]
            return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"

        return re.sub(r"(?<!:):([a-z_]+)", literal, ledger.store.text(name))

    def used(self, name: str) -> dict[str, Any]:
        """The parameters a statement has."""
        names = set(re.findall(r":([a-z_]+)", statements()[name]))
        return {key: value for key, value in self.values().items() if key in names}

    def rows(self, ledger: Ledger, name: str) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        return ledger.store.all(name, **self.used(name))


def trial_of(ledger: Ledger, campaign: Campaign, as_of: datetime, prices: Mapping[str, float]) -> Trial:
    """The campaign, which must have a goal, as a trial looked at on an instant. Raises ValueError without a goal."""
    if campaign.goal is None:
        raise ValueError(f"{campaign.name} has no goal: nothing to measure")
    looked = ledger.store.one("looked_at", key=f"outcomes:{campaign.name}")
    now, at = seconds(as_of), int(looked[0]) if looked else None
    window = now - seconds(campaign.goal.within.before(as_of))
    paid = {str(medium): float(cost) for medium, cost in ledger.store.all("measured_prices", campaign=campaign.name)}
    return Trial(
        campaign,
        campaign.goal.event,
        window,
        min(now, at) if at is not None else 0,
        at,
        _other_designs(ledger, campaign),
        {**prices, **paid},
    )


def measured(ledger: Ledger, trial: Trial) -> pa.Table:
    """One row a customer drawn: customer_id, group, moments, reached, cost, first_due_at (seconds)."""
    import pyarrow as pa

    kinds = (pa.string(), pa.string(), pa.int64(), pa.int64(), pa.float64(), pa.int64())
    schema = pa.schema(list(zip(CUSTOMER, kinds, strict=True)))
    batches = [
        pa.record_batch(
            [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)], schema
        )
        for rows in ledger.store.batches("measured_customers", ROWS, **trial.used("measured_customers"))
    ]
    return pa.Table.from_batches(batches, schema)


def meant(ledger: Ledger, campaign: Campaign) -> dict[str, float]:
    """Group to the share of customers it was meant to have, among those who are in no holdout of the whole insurer.

    A group nobody is meant to be in has none. An arm's share is what its customers were drawn with: the weights may have changed since.
    """
    treated = 1 - campaign.holdout
    drawn = [row[1:] for row in ledger.store.all("count_assigned") if row[0] == campaign.name]
    groups = {variant.name: 0.0 for variant in campaign.variants if variant.weight}
    if not groups:
        groups = {TREATED: treated}
    elif drawn:
        totals: dict[str, int] = {}
        for _, version, _, count in drawn:
            totals[version] = totals.get(version, 0) + count
        for arm, version, probability, _ in drawn:
            groups[arm] = groups.get(arm, 0.0) + treated * probability * totals[version] / sum(totals.values())
    else:
        groups = {name: treated * share for name, share in arm_shares(campaign).items() if share}
    return {name: share for name, share in {HELD_OUT: campaign.holdout, **groups}.items() if share > 0}


def _other_designs(ledger: Ledger, campaign: Campaign) -> tuple[str, ...]:
    """Versions that held out another share."""
    rows = ledger.store.all("published", campaign=campaign.name)
    bodies = {version: json.loads(body) for version, body in rows}
    return tuple(name for name, body in bodies.items() if body.get("holdout", 0.0) != campaign.holdout)
