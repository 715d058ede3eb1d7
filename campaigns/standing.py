"""Which occasions still stand: a moment that waits is withdrawn once the trigger would no longer find it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlglot import exp

from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.members import lay_out
from campaigns.scene import Scene
from triggers.moments import in_duckdb

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

KEYS = ("customer_id", "subject", "occasion")


def with_standing(scene: Scene, campaign: Campaign, batch: pa.Table, ledger: Ledger) -> pa.Table:
    """The batch with a column `standing`: false where the occasion is gone and nothing was sent on it yet.

    What was admitted at this very instant stands, and what has begun goes on: whether its follow-ups still make sense,
    the goal, the policy's state and the waits' `unless` say.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    now = pa.scalar(scene.now, pa.timestamp("s", "UTC"))
    waits = pc.and_(pc.less(batch["admitted_at"], now), pc.not_equal(batch["status"], "sent")).to_numpy()
    stands = ~waits
    if waits.any():
        waiting = batch.filter(pa.array(waits))
        lay_out(scene.facts, campaign, ledger, waiting["customer_id"].unique().to_pylist())
        stands[waits] = _found(scene, campaign, waiting)
    return batch.append_column("standing", pa.array(stands))


def _found(scene: Scene, campaign: Campaign, batch: pa.Table) -> np.ndarray:
    """Whether the trigger finds each occasion, lateness aside."""
    import numpy as np
    import pyarrow as pa

    columns, now = scene.facts.columns, scene.now.astimezone(ZoneInfo(scene.rules.timezone))
    places = pa.array(range(batch.num_rows), pa.int64())
    scene.db.register("waiting", pa.table({"place": places, **{key: batch[key] for key in KEYS}}))
    candidates = campaign.trigger.candidates(columns, now, None)
    own = exp.In(this=candidates.customer.copy(), query=exp.select("customer_id").from_("waiting").subquery(copy=False))
    found = replace(candidates, source=candidates.source.where(own)).found().subquery("found", copy=False)
    stands = exp.select("waiting.place").from_("waiting").join(found, using=list(KEYS), join_type="semi")
    kept = scene.db.sql(in_duckdb(stands)).to_arrow_table()["place"].to_numpy()
    scene.db.unregister("waiting")
    answer = np.zeros(batch.num_rows, dtype=bool)
    answer[kept] = True
    return answer
