"""Whether a product, or a condition of the same language, suits customers: read exactly as offers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from recommender.audience import audience, described
from recommender.candidates import Rules
from recommender.catalogue import read_catalogue

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CONDITION = "\n"
"""Stands for the condition beside the product; no product is called so."""


def suitability(
    db: duckdb.DuckDBPyConnection, customers: Sequence[str], now: datetime, *, product: str | None, condition: str
) -> pa.Table:
    """One row a customer, in order: customer_id, age (null where not known), region_code, held, eligible, fits.

    `held`: has the product. `eligible`: the product is there, active, and its own condition holds. `fits`: `condition`
    holds. What is not known, or cannot be read, never makes one eligible or fit. Without product or condition: not held, and true.
    """
    import pyarrow as pa

    items = [product or "", CONDITION]
    catalogue = read_catalogue(db, items)
    active = np.array([bool(catalogue.active[0]) and product is not None, bool(condition)])
    catalogue = replace(catalogue, active=active, eligibility=(catalogue.eligibility[0], condition or None))
    rules, size = Rules(db, catalogue), len(customers)
    ids = pa.array(customers, pa.string())
    asked = pa.table({"row": pa.array(np.arange(size)), "customer_id": ids, "hidden": pa.nulls(size, pa.string())})
    with audience(db, asked, now):
        profile = described(db)
        eligible, held = rules.suited(db, size)
    yes = np.ones(size, dtype=bool)
    return pa.table(
        {
            "customer_id": ids,
            "age": profile["age"].cast(pa.float64()),
            "region_code": profile["region_code"].cast(pa.string()),
            "held": held[:, 0] if product else ~yes,
            "eligible": eligible[:, 0] if product else yes,
            "fits": eligible[:, 1] if condition else yes,
        }
    )
