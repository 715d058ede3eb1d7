"""A campaign that has run as a table to learn uplift from: who was drawn into which group, what they did, what was known before."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kairos.errors import KairosError
from kairos.service import served
from kairos.workspace import Progress, Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from campaigns.definition import Campaign
    from campaigns.ledger import Ledger
    from triggers.facts import Facts

WITHHELD = (
    "name", "phone", "email", "push_token", "birth_date", "joined_on", "region_code", "deceased_on", "personalisation", "recorded_at"
)  # fmt: skip
"""Columns of customers that are no features: contact data, and what age, tenure and province say better."""

NOTHING = "nothing"
"""The offer of whom nothing fits."""


def write_trial(
    place: Workspace, name: str, file: Path, as_of: datetime, progress: Progress | None = None
) -> dict[str, Any]:
    """One row a customer drawn whose goal's window is closed: treated, reached, and the profile before the first moment of all.

    Facts are those known at that moment, so that nothing the campaign did is among the features; customers not known then, and
    those who refused personalisation, are counted and left out. Where the campaign has a slot for offers, `offer` is what each would have
    been offered. Raises KairosError where there is nothing to learn from.
    """
    from recommender.uplift.people import known_customers
    from recommender.uplift.scorefile import write_table

    with place.ledger() as ledger:
        campaign = _campaign(place, ledger, name)
        drawn = _drawn(place, ledger, campaign, as_of)
    first = datetime.fromtimestamp(min(drawn["first_due_at"].to_pylist()), as_of.tzinfo)
    with place.facts(first, progress) as facts:
        people = known_customers(facts.db, first)
        offers = _offers(place, facts, drawn["customer_id"].unique(), campaign, first)
    table = _joined(people, drawn)
    if offers is not None:
        table = table.join(offers, "customer_id", join_type="left outer").sort_by("customer_id")
    write_table(table, file)
    treated = table["treated"].to_pylist()
    return {
        "campaign": name,
        "known_at": first.isoformat(),
        "customers": table.num_rows,
        "treated": sum(treated),
        "held_out": len(treated) - sum(treated),
        "reached": sum(table["reached"].to_pylist()),
        "left_out": drawn.num_rows - table.num_rows,
        "offers": offers is not None,
        "file": str(file),
    }


def _offers(
    place: Workspace, facts: Facts, customers: pa.ChunkedArray, campaign: Campaign, then: datetime
) -> pa.Table | None:
    """customer_id and `offer`: what the model in service would have offered each customer then; None where the campaign offers
    nothing. The same for all groups, so that an offer's effect compares customers who would have got it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from campaigns.slot import products_of

    slots = (campaign.offers, *(variant.offers for variant in campaign.variants))
    slot, model = next((each for each in slots if each), None), place.recommender()
    if slot is None or model is None:
        return None
    asked = pa.table({"customer_id": customers, "locale": pa.nulls(len(customers), pa.string())})
    found = model.top(facts.db, asked, kind=slot.kind, top=1, now=then, only=products_of(facts.db, slot))
    told = pa.table({"customer_id": found["customer_id"], "offer": found["product_id"]})
    joined = asked.select(["customer_id"]).join(told, "customer_id", join_type="left outer")
    return joined.set_column(1, "offer", pc.fill_null(joined["offer"], NOTHING))


def _drawn(place: Workspace, ledger: Ledger, campaign: Campaign, as_of: datetime) -> pa.Table:
    """Customer, group and outcome of everybody drawn into one group."""
    import pyarrow.compute as pc

    from campaigns.measure.trial import BOTH, measured, trial_of

    drawn = measured(ledger, trial_of(ledger, campaign, as_of, place.settings.prices))
    drawn = drawn.filter(pc.not_equal(drawn["group"], BOTH))
    groups = set(drawn["group"].to_pylist())
    if len(groups) < 2:
        raise KairosError(
            f"{campaign.name} has no two groups whose window of {campaign.goal.within if campaign.goal else ''} is closed yet: "
            f"give it a `holdout` or `variants`, and wait until the goals of both are known"
        )
    return drawn


def _campaign(place: Workspace, ledger: Ledger, name: str) -> Campaign:
    known = {campaign.name: campaign for campaign in served(place, ledger)}
    if name not in known:
        raise KairosError(f"there is no campaign {name!r}; there are {', '.join(sorted(known))}")
    if known[name].goal is None:
        raise KairosError(f"{name} has no goal: nothing to learn from. Add `goal: {{event: ..., within: ...}}`")
    return known[name]


def _joined(people: pa.Table, drawn: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    from campaigns.measure.trial import HELD_OUT

    told = pa.table(
        {
            "customer_id": drawn["customer_id"],
            "arm": drawn["group"],
            "treated": pc.not_equal(drawn["group"], HELD_OUT).cast(pa.int8()),
            "reached": pc.greater(drawn["reached"], 0).cast(pa.int8()),
        }
    )
    profile = people.drop_columns([name for name in WITHHELD if name in people.column_names])
    flat = [name for name in profile.column_names if not pa.types.is_nested(profile[name].type)]
    return told.join(profile.select(flat), "customer_id", join_type="inner").sort_by("customer_id")
