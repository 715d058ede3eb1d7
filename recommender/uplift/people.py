"""Customers as rows an uplift model may be applied to: what the facts say of them, without those who refused personalisation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from recommender.audience import audience, described
from recommender.errors import UpliftError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

PROFILE = ("age", "tenure_years", "province", "products_held", "services_used")
"""Columns added to those of the view `customers`: worked out as the recommender does, as of the instant."""


def known_customers(db: duckdb.DuckDBPyConnection, now: datetime) -> pa.Table:
    """One row a customer whom a model may be asked about: the columns of `customers`, and PROFILE."""
    import pyarrow as pa

    people = db.sql(
        "select * from customers where coalesce(personalisation, true) and deceased_on is null order by customer_id"
    ).to_arrow_table()
    rows = people.num_rows
    asked = {
        "row": pa.array(np.arange(rows)),
        "customer_id": people["customer_id"],
        "hidden": pa.nulls(rows, pa.string()),
    }
    with audience(db, pa.table(asked), now):
        profile = described(db)
    for name in PROFILE:
        if name not in people.column_names:
            people = people.append_column(name, profile[name])
    return people


def among_customers(table: pa.Table, db: duckdb.DuckDBPyConnection) -> tuple[pa.Table, int]:
    """The rows about customers whom a model may be asked about, and how many others there were. Raises UpliftError."""
    import pyarrow as pa

    if "customer_id" not in table.column_names:
        raise UpliftError(f"the file has no column customer_id; it has {', '.join(table.column_names)}")
    db.register(
        "scored", pa.table({"place": np.arange(table.num_rows), "customer_id": table["customer_id"].cast(pa.string())})
    )
    places = db.sql(
        """select s.place from scored s join customers c on c.customer_id = s.customer_id
            where coalesce(c.personalisation, true) and c.deceased_on is null
           qualify row_number() over (partition by s.customer_id order by s.place) = 1 order by s.place"""
    ).to_arrow_table()
    db.unregister("scored")
    return table.take(places["place"]), table.num_rows - places.num_rows
