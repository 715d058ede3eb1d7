"""Customers who may be one person under two ids: noted, never merged. Whose id is right is for the insurer to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from triggers.rejects import ViewReport

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TWINS = """
INSERT INTO rejects
SELECT 'customers', NULL, 'suspected_duplicate', 'customer_id', first_id, customer_id, 'notice'
FROM (
    SELECT customer_id, min(customer_id) OVER (PARTITION BY phone, name, birth_date) AS first_id
    FROM customers
    WHERE hash(phone, name, birth_date) IN (
        SELECT hash(phone, name, birth_date) FROM customers
        WHERE phone IS NOT NULL AND name IS NOT NULL AND birth_date IS NOT NULL
        GROUP BY 1 HAVING count(*) > 1
    ) AND phone IS NOT NULL AND name IS NOT NULL AND birth_date IS NOT NULL
)
WHERE customer_id <> first_id
ORDER BY customer_id
"""


def note_twins(db: DuckDBPyConnection, report: ViewReport) -> None:
    """List customers with the phone, name and date of birth of another; `value` names the one with the lowest id."""
    db.execute(_TWINS)
    found = db.execute("SELECT count(*) FROM rejects WHERE reason = 'suspected_duplicate'").fetchall()[0][0]
    report.suspected_duplicates = found
    if found:
        report.reasons["suspected_duplicate"] += found
