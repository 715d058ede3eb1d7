"""What a message may be worth: propensity x value x uplift, as far as they are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from campaigns.definition import Campaign
from campaigns.scene import Scene
from campaigns.slot import best_offers

if TYPE_CHECKING:
    import pandas as pd


_TOLD = """
select v.place, u.propensity, u.uplift
  from valued v join uplift u on u.customer_id = v.customer_id and u.campaign = v.campaign
 where v.model = '' or u.model = v.model or starts_with(u.model, v.model || '@')
qualify row_number() over (partition by v.place order by u.uplift * coalesce(u.propensity, 1) desc nulls last,
                           u.propensity desc nulls last, u.model) = 1
 order by v.place"""


def with_worth(scene: Scene, campaigns: Mapping[str, Campaign], moments: pd.DataFrame) -> pd.DataFrame:
    """`moments` (campaign, customer_id) with the factors and `expected`, their product.

    `value`: the margin of the offer the customer would get, else the campaign's `worth`. `propensity`: the model's
    calibrated probability of that offer, or what the view `uplift` says for customer and campaign, which goes first.
    An uplift told without a propensity is what a contact adds to the probability: it takes the place of both. Factors not
    known count as 1; without a value nothing is expected (NaN).
    """
    import numpy as np

    worths = {name: campaign.arbitrate.worth for name, campaign in campaigns.items()}
    table = moments.assign(propensity=np.nan, value=moments["campaign"].map(worths).astype(float), uplift=np.nan)
    for name, campaign in campaigns.items():
        rows = table.index[table["campaign"] == name]
        if campaign.offers and len(rows):
            offers = best_offers(scene, campaign.offers, table.loc[rows, "customer_id"])
            found = table.loc[rows, ["customer_id"]].join(offers, on="customer_id")
            table.loc[rows, "propensity"] = found["probability"].to_numpy(float)
            table.loc[rows, "value"] = found["value"].fillna(table.loc[rows, "value"]).to_numpy(float)
    _told(scene, campaigns, table)
    table["expected"] = table["value"] * table["propensity"].fillna(1.0) * table["uplift"].fillna(1.0)
    return table


def _told(scene: Scene, campaigns: Mapping[str, Campaign], table: pd.DataFrame) -> None:
    """Put in what the view `uplift` says, of the campaign's model where it names one.

    Of several rows about the same the greatest uplift counts, and of those without one the greatest propensity.
    """
    import numpy as np
    import pyarrow as pa

    if not scene.db.execute("select exists (select 1 from uplift)").fetchall()[0][0]:
        return
    asked = {name: pa.array(table[name], pa.string()) for name in ("customer_id", "campaign")}
    models = {name: (campaign.uplift.model or "") if campaign.uplift else "" for name, campaign in campaigns.items()}
    asked["model"] = pa.array(table["campaign"].map(models), pa.string())
    scene.db.register("valued", pa.table({"place": pa.array(range(len(table)), pa.int64()), **asked}))
    told = scene.db.sql(_TOLD).to_df()
    scene.db.unregister("valued")
    index, alone = table.index[told["place"]], told["uplift"].notna() & told["propensity"].isna()
    table.loc[index[alone], "propensity"] = np.nan
    for name in ("propensity", "uplift"):
        known = told[name].notna().to_numpy()
        table.loc[index[known], name] = told.loc[known, name].to_numpy(float)
