"""Who is in which arm: a salted hash of customer and campaign, kept once drawn, logged with its probability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds
from campaigns.scene import Scene
from triggers.sqltext import draw

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

_KEY = "$salt || ':arm:' || $campaign || ':' || customer_id"
_DRAW = f"select {draw(_KEY)} from drawing order by place"  # noqa: S608 - own text


def by_arm(scene: Scene, campaign: Campaign, batch: pa.Table, ledger: Ledger) -> Iterator[tuple[Campaign, pa.Table]]:
    """The batch cut by arm, each with the campaign as it is in that arm; as it stands where there are no arms.

    A customer stays in an arm for as long as the campaign has it, whatever becomes of the weights.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not campaign.variants:
        yield campaign, batch
        return
    arms = assign(scene, campaign, batch["customer_id"].unique().to_pylist(), ledger)
    names = pa.array([arms[customer] for customer in batch["customer_id"].to_pylist()], pa.string())
    for variant in campaign.variants:
        part = batch.filter(pc.equal(names, variant.name))
        if part.num_rows:
            yield campaign.in_arm(variant), part


def assign(scene: Scene, campaign: Campaign, customers: list[str], ledger: Ledger) -> dict[str, str]:
    """Customer -> arm; whoever has none yet is drawn one, and the draw is logged before anything is made of it."""
    known = _known(campaign, customers, ledger)
    new = [customer for customer in customers if customer not in known]
    if not new:
        return known
    chances = shares(campaign)
    names = [variant.name for variant in campaign.variants]
    places = place(draws(scene.db, scene.rules.policy.salt, campaign.name, new), list(chances.values())).tolist()
    rows = [
        (campaign.name, customer, names[each], chances[names[each]], campaign.version, seconds(scene.now))
        for customer, each in zip(new, places, strict=True)
    ]
    ledger.store.repeat(lambda: ledger.store.many("assign", rows))
    return known | _known(campaign, new, ledger)  # who drew at the same moment under other weights: the first counts


def shares(campaign: Campaign) -> dict[str, float]:
    """Arm -> probability of being drawn."""
    total = sum(variant.weight for variant in campaign.variants)
    return {variant.name: variant.weight / total for variant in campaign.variants}


def draws(db: duckdb.DuckDBPyConnection, salt: str, campaign: str, customers: list[str]) -> np.ndarray:
    """A number in [0, 1) per customer: md5 of salt, campaign and customer, its first 52 bits (exact in a double).

    Another scope of the hash than the holdout's, so that arms and holdout are independent.
    """
    import pyarrow as pa

    named = {"place": pa.array(range(len(customers)), pa.int64()), "customer_id": pa.array(customers, pa.string())}
    db.register("drawing", pa.table(named))
    drawn = db.sql(_DRAW, params={"salt": salt, "campaign": campaign}).to_arrow_table()
    db.unregister("drawing")
    values: np.ndarray = drawn.column(0).to_numpy()
    return values


def place(drawn: np.ndarray, probabilities: list[float]) -> np.ndarray:
    """Number of the arm each draw falls into; an arm of probability 0 gets nobody."""
    import numpy as np

    bounds = np.cumsum(probabilities)
    bounds[-1] = 1.0
    last = int(np.flatnonzero(probabilities)[-1])
    return np.minimum(np.searchsorted(bounds, drawn, side="right"), last)


def _known(campaign: Campaign, customers: list[str], ledger: Ledger) -> dict[str, str]:
    """The first arm of each customer that the campaign still has."""
    ledger.want(customers)
    arms = {variant.name for variant in campaign.variants}
    found: dict[str, str] = {}
    for customer, arm in ledger.store.all("assigned", campaign=campaign.name):
        if arm in arms:
            found.setdefault(customer, arm)
    return found
