"""Does what the view `uplift` says of customers tell whom the campaign helps? Its ranking, tried on the campaign's own groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from campaigns.definition import Campaign
from campaigns.measure.trial import BOTH, HELD_OUT

if TYPE_CHECKING:
    import duckdb

LEAST = 100
"""Customers a group must have before anything is said."""
BEST, DRAWS, SEED = 0.3, 500, 1
SCORED = """
select m.customer_id, m."group" <> $held_out as treated, m.reached > 0 as reached, u.score, u.models
  from measured_rows m
  join (select customer_id, max(uplift * coalesce(propensity, 1)) as score, list_sort(list(distinct model)) as models,
               max(epoch(try_strptime(regexp_extract(model, '@(\\d{8}T\\d{6}Z)', 1), '%Y%m%dT%H%M%SZ'))) as learnt_at
          from uplift
         where campaign = $campaign and ($model = '' or model = $model or starts_with(model, $model || '@'))
         group by customer_id) u using (customer_id)
 where m."group" <> $both and u.score is not null and coalesce(m.first_due_at > u.learnt_at, true)
 order by m.customer_id"""
"""Customers whose first moment came after the model had learnt: on those it learnt from every model looks good. Of a model that
does not say when it learnt (`name@instant...`), all."""


def ranking(db: duckdb.DuckDBPyConnection, campaign: Campaign) -> dict[str, Any]:
    """Of the customers in `measured_rows` whom the view has something to say of: Qini with a 95 % interval (Efron's bootstrap),
    AUUC, the Qini curve as shares, and the effect by tenths of the score. Only `customers` and `models` where a group is small.
    """
    import numpy as np

    from recommender.uplift.curves import DEFINITION
    from recommender.uplift.measures import Unseen, measure
    from recommender.uplift.policy import Money
    from recommender.uplift.rates import Span
    from recommender.uplift.resampling import bounds, drawn

    values = {
        "campaign": campaign.name,
        "model": (campaign.uplift.model or "") if campaign.uplift else "",
        "held_out": HELD_OUT,
        "both": BOTH,
    }
    table = db.sql(SCORED, params=values).to_arrow_table()
    treated, reached = (table[name].to_numpy().astype(float) for name in ("treated", "reached"))
    models = sorted({model for found in table["models"].to_pylist() for model in found if model})
    told: dict[str, Any] = {"customers": table.num_rows, "models": models, "query": SCORED}
    sides = [int((treated == side).sum()) for side in (0, 1)]
    if min(sides) < LEAST or not 0 < reached.sum() < len(reached):
        return told
    scores, tested = table["score"].to_numpy(), Unseen(treated, reached, np.full(len(treated), treated.mean()))
    found = measure(scores, tested, best=BEST, money=Money(), causal=True)
    draws = drawn({"score": scores}, treated, reached, tested.weight, DRAWS, SEED)["score"].qini
    return told | {
        "qini": Span(found.qini, *bounds(draws)).as_dict(),
        "auuc": round(found.auuc, 6),
        "definition": DEFINITION,
        "tenths": [each.as_dict() for each in found.tenths],
        "curve": [list(point) for point in found.curve],
    }
