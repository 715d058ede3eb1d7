"""The offers that were made, and what the ledger knows to have come of each: what the recommender learns from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 50_000
OPTED_OUT = "opted_out"
"""The event of whoever wants no more of such messages after one with an offer."""


def offers_made(ledger: Ledger, now: datetime) -> pa.Table:
    """One row a message with offers that arrived, handed over by `now`: message_id, customer_id, offered_at, offers (JSON)."""
    return _table(ledger, "offers_made", ("message_id", "customer_id", "offered_at", "offers"), now=seconds(now))


def answers_to_offers(ledger: Ledger, now: datetime) -> pa.Table:
    """What came of them by `now`: message_id, event, answered_at. Goals reached, answers on calls, and opt-outs.

    An opt-out is told of the last such message before it.
    """
    names = ("message_id", "event", "answered_at")
    return _table(ledger, "answers_to_offers", names, now=seconds(now), stopped=OPTED_OUT)


def _table(ledger: Ledger, statement: str, names: tuple[str, ...], **values: object) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema([(name, pa.int64() if name.endswith("_at") else pa.string()) for name in names])
    batches = []
    for rows in ledger.store.batches(statement, ROWS, **values):
        columns = zip(zip(*rows, strict=True), schema.types, strict=True)
        batches.append(pa.record_batch([pa.array(column, kind) for column, kind in columns], schema))
    table = pa.Table.from_batches(batches, schema)
    at = next(position for position, name in enumerate(names) if name.endswith("_at"))
    return table.set_column(at, names[at], table[names[at]].cast(pa.timestamp("s", "UTC")))
