"""The offers of a campaign's slot: asked for in one go for everybody who is to get a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from campaigns.scene import Scene

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd


class Offers(BaseModel):
    """A slot the recommender fills; a customer for whom nothing fits gets no message."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["insurance", "service"] = Field(description="what to offer", examples=["service"])
    top: int = Field(default=1, ge=1, le=10, description="how many offers", examples=[1])
    choice: Literal["model", "popular", "none"] = Field(
        default="model",
        description="whose choice it is: the model's, or the most popular; none: nothing is shown, to those something would fit",
        examples=["popular"],
    )
    line: str | None = Field(default=None, description="only of this line of business", examples=["motor"])
    only: tuple[str, ...] = Field(
        default=(), description="product ids to choose from; all of the kind where absent", examples=[["roadside_help"]]
    )

    @property
    def shown(self) -> bool:
        """Whether a message has an offer."""
        return self.choice != "none"


Offered = dict[str, list[dict[str, Any]]]
"""Customer -> offers, best first."""


def fill(scene: Scene, slot: Offers | None, customers: np.ndarray, languages: np.ndarray) -> Offered:
    """Offers for customers, each in the language that stands with them; empty where there is no slot or no model."""
    import pyarrow as pa

    if slot is None or scene.recommender is None:
        return {}
    asked = dict(zip(customers.tolist(), languages.tolist(), strict=True))
    wanted = pa.table({"customer_id": pa.array(asked, pa.string()), "locale": pa.array(asked.values(), pa.string())})
    only, personal = products_of(scene.db, slot), slot.choice != "popular"
    found = scene.recommender.top(
        scene.db, wanted, kind=slot.kind, top=slot.top, now=scene.now, only=only, personal=personal
    )
    offered: Offered = {}
    for offer in found.to_pylist():
        offered.setdefault(offer.pop("customer_id"), []).append(offer)
    return offered


def products_of(db: duckdb.DuckDBPyConnection, slot: Offers) -> list[str] | None:
    """Product ids the slot narrows the choice to; None where it does not."""
    if slot.line is None:
        return list(slot.only) or None
    found = db.execute("select product_id from products where line = $line order by 1", {"line": slot.line}).fetchall()
    return [product for (product,) in found if not slot.only or product in slot.only]


def best_offers(scene: Scene, slot: Offers, customers: pd.Series[str]) -> pd.DataFrame:
    """The best offer of each customer, by customer_id: `probability`, and `value`, its margin (NaN where not known)."""
    import pandas as pd
    import pyarrow as pa

    asked = customers.drop_duplicates()
    if scene.recommender is None or not len(asked):
        return pd.DataFrame({"probability": [], "value": []}, dtype=float)
    table = pa.table({"customer_id": pa.array(asked, pa.string()), "locale": pa.nulls(len(asked), pa.string())})
    found = scene.recommender.top(
        scene.db, table, kind=slot.kind, top=1, now=scene.now, only=products_of(scene.db, slot)
    ).to_pandas()
    margins = dict(scene.db.execute("select product_id, value from products").fetchall())
    found["value"] = found["product_id"].map(margins).astype(float)
    best: pd.DataFrame = found.set_index("customer_id")[["probability", "value"]]
    return best
