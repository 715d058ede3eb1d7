"""What customers took, as of one instant: products they hold or held, services they used; the rows to learn from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

VALIDATION_SHARE = 0.2
VALIDATION_ROWS = 10_000
_PARTS = 1_000_000
"""A customer's draw is a whole number below this, from a hash of the seed and the id: the same on every machine."""

_TAKEN = """
SELECT t.customer_id, t.product_id, min(t.at) AS first_at
FROM (
    SELECT customer_id, product_id, CAST(effective_date AS TIMESTAMP WITH TIME ZONE) AS at
    FROM policies
    WHERE effective_date IS NULL OR effective_date <= CAST($now AS DATE)
    UNION ALL
    SELECT customer_id, subject_id, occurred_at
    FROM events
    WHERE type = 'service_used' AND occurred_at <= $now
) t
SEMI JOIN products i ON i.product_id = t.product_id
GROUP BY t.customer_id, t.product_id
"""
_LEARNABLE = (
    f"({_TAKEN}) ANTI JOIN (SELECT customer_id FROM customers WHERE personalisation IS FALSE) USING (customer_id)"  # noqa: S608
)
_DRAW = f"CAST(md5_number_lower(concat(customer_id, ':', CAST($seed AS VARCHAR))) % {_PARTS} AS INTEGER)"


@dataclass(frozen=True)
class Fingerprint:
    """What the facts held when a model was fitted: counts, and a hash that does not depend on the order of rows."""

    customers: int
    products: int
    interactions: int
    interacting_customers: int
    hash: str

    def as_dict(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Split:
    """Which draws train and which validate: `validate` from the bottom, `train` from the top, of a million."""

    train: int
    validate: int


def interactions(db: duckdb.DuckDBPyConnection, now: datetime) -> pa.Table:
    """Everything taken by `now`: (customer_id, product_id, first_at), each pair once, ordered."""
    ordered = f"SELECT * FROM ({_TAKEN}) ORDER BY customer_id, product_id"  # noqa: S608 - own text
    return db.sql(ordered, params={"now": now}).to_arrow_table()


def sizes(db: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, int]:
    """How many customers, products and interactions there are to learn from."""
    found = db.execute(
        f"SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM products), (SELECT count(*) FROM {_LEARNABLE})",  # noqa: S608 - own text
        {"now": now},
    ).fetchall()[0]
    return dict(zip(("customers", "products", "interactions"), found, strict=True))


def fingerprint(db: duckdb.DuckDBPyConnection, now: datetime) -> Fingerprint:
    """Count and hash what can be learnt from; customers who refused personalisation are not learnt from."""
    count, whose, hashed = db.execute(
        f"""SELECT count(*), count(DISTINCT customer_id),
            bit_xor(md5_number_lower(concat_ws('|', customer_id, product_id, CAST(epoch_us(first_at) AS VARCHAR))))
        FROM {_LEARNABLE}""",  # noqa: S608 - own text
        {"now": now},
    ).fetchall()[0]
    customers, products = db.execute(
        "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM products)"
    ).fetchall()[0]
    return Fingerprint(customers, products, count, whose, f"{hashed or 0:016x}")


def split(found: Fingerprint, rows: int) -> Split:
    """Share customers out: a fifth (at most 10,000) validates, the rest trains, thinned to about `rows` rows."""
    customers = max(found.interacting_customers, 1)
    validate = min(VALIDATION_SHARE, VALIDATION_ROWS / customers)
    train = min(1 - validate, 1.05 * rows / max(found.interactions, 1))
    return Split(train=round(train * _PARTS), validate=round(validate * _PARTS))


def training_rows(db: duckdb.DuckDBPyConnection, now: datetime, shares: Split, *, rows: int, seed: int) -> pa.Table:
    """One row per (customer, product taken): (row, customer_id, hidden, age, draw), at most `rows`, ordered by the draw.

    `age`: days since it was first taken, 0 where that is not known.
    """
    query = f"""
        SELECT row_number() OVER (ORDER BY draw DESC, customer_id, product_id) - 1 AS row,
            customer_id, product_id AS hidden, coalesce(epoch($now) - epoch(first_at), 0) / 86400.0 AS age, draw
        FROM (SELECT *, {_DRAW} AS draw FROM {_LEARNABLE}) WHERE draw >= {_PARTS - shares.train}
        ORDER BY row LIMIT {rows}"""  # noqa: S608 - own text and numbers
    return db.sql(query, params={"now": now, "seed": seed}).to_arrow_table()


def validation_rows(db: duckdb.DuckDBPyConnection, now: datetime, shares: Split, *, seed: int) -> pa.Table:
    """Customers never trained on, each with the latest product they took hidden: (row, customer_id, hidden).

    Only products still offered are hidden: the others could not be recommended any more.
    """
    query = f"""
        WITH latest AS (
            SELECT *, {_DRAW} AS draw FROM {_LEARNABLE}
            SEMI JOIN (SELECT product_id FROM products WHERE active) USING (product_id)
            WHERE draw < {shares.validate}
            QUALIFY row_number() OVER (
                PARTITION BY customer_id ORDER BY first_at DESC NULLS LAST, md5(concat(customer_id, product_id))
            ) = 1
        )
        SELECT row_number() OVER (ORDER BY draw, customer_id) - 1 AS row, customer_id, product_id AS hidden
        FROM latest ORDER BY row LIMIT {VALIDATION_ROWS}"""  # noqa: S608 - own text and numbers
    return db.sql(query, params={"now": now, "seed": seed}).to_arrow_table()


def outcome_rows(db: duckdb.DuckDBPyConnection, shares: Split, *, apart: bool, rows: int, seed: int) -> pa.Table:
    """What came of offers to customers that train or, `apart`, to those that validate: the newest, at most `rows`.

    From what `outcomes.judge` laid out: (row, customer_id, hidden, seen_at, outcome, draw), ordered by the draw; the product
    offered is hidden, `seen_at` is when it was offered. What is still open is left out.
    """
    whose = f"draw < {shares.validate}" if apart else f"draw >= {_PARTS - shares.train}"
    query = f"""
        WITH newest AS (
            SELECT *, {_DRAW} AS draw FROM recommender_outcomes WHERE outcome <> 'open' AND {whose}
            ORDER BY offered_at DESC, customer_id, product_id LIMIT {rows}
        )
        SELECT row_number() OVER (ORDER BY draw DESC, customer_id, product_id) - 1 AS row,
            customer_id, product_id AS hidden, offered_at AS seen_at, outcome, draw
        FROM newest ORDER BY row"""  # noqa: S608 - own text and numbers
    return db.sql(query, params={"seed": seed}).to_arrow_table()
