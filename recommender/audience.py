"""Who is asked about: their profile and what they possess, as of one instant, in three temporary tables.

Training, validation and serving all come through here, so they see a customer the same way. A row may hide one product:
then everything is as if the customer did not have it. A row may have an instant of its own: then it is seen as of that.
Health, claims, contact data and names are never read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ASKED = "recommender_asked"
PROFILE = "recommender_profile"
POSSESSION = "recommender_possession"
SERVICE_DAYS = 365
"""A service used this many days ago or less counts as possessed: it describes the customer and is not offered again."""

REFUSED = "recommender_refused"
COOL_DOWN_DAYS = 90
"""What a customer refused (event `offer_refused`, its subject the product) is not offered for so long."""

_REFUSED = f"""
CREATE OR REPLACE TEMP TABLE {REFUSED} AS
SELECT DISTINCT a.row, e.subject_id AS product_id
FROM events e
JOIN {ASKED} a ON a.customer_id = e.customer_id
WHERE e.type = 'offer_refused' AND e.subject_id IS NOT NULL
  AND e.occurred_at <= a.seen_at AND e.occurred_at > a.seen_at - to_days({COOL_DOWN_DAYS})
"""  # noqa: S608 - only names of this module

_PROFILE = f"""
CREATE OR REPLACE TEMP TABLE {PROFILE} AS
SELECT a.row, c.customer_id IS NOT NULL AS known,
    c.customer_id IS NOT NULL AND coalesce(c.personalisation, TRUE) AS personal,
    CASE WHEN date_sub('year', c.birth_date, a.today) BETWEEN 0 AND 130
         THEN date_sub('year', c.birth_date, a.today) END AS age,
    c.gender, c.tier, c.region_code,
    CASE WHEN c.joined_on <= a.today THEN date_sub('year', c.joined_on, a.today) END AS tenure_years,
    CASE WHEN regexp_full_match(c.region_code, '[0-9]{{2,}}') THEN left(c.region_code, 2)
         ELSE coalesce(nullif(regexp_extract(upper(c.region_code), '^[A-Z]{{2}}-[A-Z0-9]{{1,3}}'), ''), c.region_code)
    END AS province
FROM {ASKED} a
LEFT JOIN customers c ON c.customer_id = a.customer_id
ORDER BY a.row
"""  # noqa: S608 - only names of this module

_POSSESSION = f"""
CREATE OR REPLACE TEMP TABLE {POSSESSION} AS
SELECT a.row, p.product_id, coalesce(p.line, i.line) AS line, 'policy' AS source,
    coalesce(p.effective_date <= a.today, TRUE) AS begun
FROM policies p
JOIN {ASKED} a ON a.customer_id = p.customer_id
LEFT JOIN products i ON i.product_id = p.product_id
WHERE coalesce(p.status, 'active') = 'active' AND (a.hidden IS NULL OR p.product_id IS DISTINCT FROM a.hidden)
UNION ALL
SELECT a.row, e.subject_id, NULL, 'service', TRUE
FROM events e
JOIN {ASKED} a ON a.customer_id = e.customer_id
WHERE e.type = 'service_used' AND e.subject_id IS NOT NULL AND e.subject_id IS DISTINCT FROM a.hidden
  AND e.occurred_at <= a.seen_at AND e.occurred_at > a.seen_at - to_days({SERVICE_DAYS})
"""  # noqa: S608 - only names of this module

_DESCRIBED = f"""
SELECT p.*, coalesce(n.products, 0) AS products_held, coalesce(n.services, 0) AS services_used
FROM {PROFILE} p
LEFT JOIN (
    SELECT row, count(DISTINCT product_id) FILTER (source = 'policy') AS products,
        count(DISTINCT product_id) FILTER (source = 'service') AS services
    FROM {POSSESSION} WHERE begun GROUP BY row
) n ON n.row = p.row
ORDER BY p.row
"""  # noqa: S608 - only names of this module

_PORTFOLIO = f"""
SELECT DISTINCT row, product_id FROM {POSSESSION}
WHERE begun AND product_id IS NOT NULL ORDER BY row, product_id
"""  # noqa: S608 - only names of this module


@contextmanager
def audience(db: duckdb.DuckDBPyConnection, asked: pa.Table, now: datetime) -> Iterator[None]:
    """Lay out `asked` (row 0..n-1, customer_id, hidden: a product_id or null) for the questions below; clears up.

    A column `seen_at`, if there is one, says as of when each row is seen; null, and no column, mean `now`.
    """
    db.register("recommender_lent", asked)
    try:
        at = "coalesce(seen_at, $now)" if "seen_at" in asked.column_names else "$now"
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE {ASKED} AS SELECT *, CAST(seen_at AS DATE) AS today "  # noqa: S608 - own names
            f"FROM (SELECT row, customer_id, hidden, {at} AS seen_at FROM recommender_lent)",
            {"now": now},
        )
        for layer in (_PROFILE, _POSSESSION, _REFUSED):
            db.execute(layer)
        yield
    finally:
        db.unregister("recommender_lent")
        for table in (ASKED, PROFILE, POSSESSION, REFUSED):
            db.execute(f"DROP TABLE IF EXISTS {table}")


def described(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """The profile of each row of the audience, in order, with `products_held` and `services_used` counted."""
    return db.sql(_DESCRIBED).to_arrow_table()


def portfolio(db: duckdb.DuckDBPyConnection) -> pa.Table:
    """What the audience possesses today: (row, product_id), each once, in order."""
    return db.sql(_PORTFOLIO).to_arrow_table()
