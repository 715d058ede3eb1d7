"""What came of the offers that were made, as rows to learn from, each as of when the offer was made.

A yes is a row for the product, a no a row for another one: whoever refuses one product says that, if any, it is one of
the others, which one being as likely as it is taken in general (what is learnt from a label one is told not to be,
Ishida and others 2017). Offers of which it is too early to say anything are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.learning import Learning

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from recommender.topk import Mask

YES, NO = ("purchased", "clicked"), ("refused", "ignored")
VOTES = 3
"""A no is shared among so many of the other products, drawn by how often they are taken."""

_OFFERED = """
CREATE OR REPLACE TEMP TABLE recommender_offered AS
SELECT m.message_id, m.customer_id, o.product_id, m.offered_at,
    m.offered_at + to_days($within) AS closes, least(m.offered_at + to_days($within), $now) AS until
FROM (SELECT message_id, customer_id, offered_at, unnest(from_json(offers, '[{"product_id": "VARCHAR"}]')) AS o
      FROM recommender_lent WHERE offered_at <= $now) m
SEMI JOIN products p ON p.product_id = o.product_id
ANTI JOIN (SELECT customer_id FROM customers WHERE personalisation IS FALSE) c ON c.customer_id = m.customer_id
"""
_OUTCOMES = """
CREATE OR REPLACE TEMP TABLE recommender_outcomes AS
WITH said AS (
    SELECT o.message_id, o.product_id, e.type AS event
    FROM recommender_offered o
    JOIN events e ON e.customer_id = o.customer_id AND e.subject_id IN (o.product_id, o.message_id)
    WHERE e.occurred_at >= o.offered_at AND e.occurred_at < o.until
    UNION ALL
    SELECT o.message_id, o.product_id, r.event
    FROM recommender_offered o
    JOIN recommender_answers r ON r.message_id = o.message_id AND r.answered_at >= o.offered_at AND r.answered_at < o.until
    UNION ALL
    SELECT o.message_id, o.product_id, 'policy'
    FROM recommender_offered o
    JOIN policies p ON p.customer_id = o.customer_id AND p.product_id = o.product_id
    WHERE p.effective_date BETWEEN CAST(o.offered_at AS DATE) AND CAST(o.until AS DATE)
),
judged AS (
    SELECT message_id, product_id,
        bool_or(event IN ('policy', 'service_used') OR list_contains($purchases, event)) AS purchased,
        bool_or(list_contains($refusals, event)) AS refused, bool_or(list_contains($clicks, event)) AS clicked
    FROM said GROUP BY ALL
)
SELECT o.customer_id, o.product_id, o.offered_at,
    CASE WHEN j.purchased THEN 'purchased' WHEN j.refused THEN 'refused' WHEN j.clicked THEN 'clicked'
         WHEN o.closes <= $now THEN 'ignored' ELSE 'open' END AS outcome
FROM recommender_offered o LEFT JOIN judged j USING (message_id, product_id)
QUALIFY row_number() OVER (
    PARTITION BY o.customer_id, o.product_id
    ORDER BY list_position(['purchased', 'refused', 'clicked', 'ignored', 'open'], outcome), o.offered_at DESC, o.message_id
) = 1
"""


@dataclass(frozen=True)
class Feedback:
    """What is on record of offers: Arrow tables.

    `offers`: message_id, customer_id, offered_at, offers (a JSON array of objects with product_id), one line a message
    that arrived. `answers`: message_id, event, answered_at: what the ledger knows to have come of it.
    """

    offers: pa.Table
    answers: pa.Table


def judge(db: duckdb.DuckDBPyConnection, feedback: Feedback, learning: Learning, now: datetime) -> dict[str, int]:
    """Lay out what came of each product offered to each customer, as known at `now`; how many of each outcome."""
    asked = {"within": learning.within_days, "now": now}
    events = {
        "purchases": list(learning.purchase_events),
        "refusals": list(learning.refusal_events),
        "clicks": list(learning.click_events),
    }
    db.register("recommender_lent", feedback.offers)
    db.register("recommender_answers", feedback.answers)
    try:
        db.execute(_OFFERED, asked)
        db.execute(_OUTCOMES, {"now": now, **events})
    finally:
        db.unregister("recommender_lent")
        db.unregister("recommender_answers")
        db.execute("DROP TABLE IF EXISTS recommender_offered")
    counted = dict(db.execute("SELECT outcome, count(*) FROM recommender_outcomes GROUP BY 1").fetchall())
    return {name: counted.get(name, 0) for name in (*YES, *NO, "open")}


def weights_of(learning: Learning, outcomes: pa.Table) -> NDArray[np.float64]:
    """What each outcome counts."""
    known = {name: float(getattr(learning, name)) for name in (*YES, *NO)}
    return np.array([known[name] for name in outcomes["outcome"].to_pylist()], dtype=np.float64)


def voted(
    named: NDArray[np.int64], against: Mask, could: Mask, popular: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows, the item each speaks for, and its share of the row's weight: `named` itself, or where `against`, others.

    `could`: what else the customer could have taken; `popular`: how often each item is taken. A no where there is
    nothing else says nothing and is left out.
    """
    odds = could * (popular + 1.0)
    odds[np.arange(len(named)), named] = 0.0
    total = np.cumsum(odds, axis=1)
    yes, no = np.flatnonzero(~against), np.flatnonzero(against & (total[:, -1] > 0))
    drawn = np.empty((len(no), VOTES), dtype=np.int64)
    for vote, chance in enumerate(np.random.default_rng(seed).random((VOTES, len(no)))):
        drawn[:, vote] = (total[no] <= (chance * total[no, -1])[:, None]).sum(axis=1)
    rows = np.concatenate([yes, np.repeat(no, VOTES)])
    items = np.concatenate([named[yes], drawn.ravel()])
    shares = np.concatenate([np.ones(len(yes)), np.full(len(no) * VOTES, 1 / VOTES)])
    order = np.argsort(rows, kind="stable")
    return rows[order], items[order], shares[order]
