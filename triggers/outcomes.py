"""Events that follow from the policies themselves: a term was renewed, a policy was bought.

They let a campaign name `policy_renewed` or `policy_bought` as its goal without the insurer having to send such events.
"""

# ruff: noqa: S608 - names come from triggers.views or are quoted, values are quoted by triggers.sqltext
from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from triggers.checks import RECORDED_AT
from triggers.sqltext import instant

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RENEWED = "policy_renewed"
BOUGHT = "policy_bought"
_OWN = " OR ".join(f"starts_with(event_id, '{prefix}:')" for prefix in ("renewal", "renewed", "purchase"))
"""What the ids of derived events begin with, each kind with its own."""


def derive_events(db: DuckDBPyConnection, policy_columns: dict[str, str], now: datetime) -> int:
    """Add the derived rows to `events` but those whose event_id a source has already; returns how many."""
    recorded = "{0}.recorded_at" if RECORDED_AT in policy_columns else "CAST(NULL AS TIMESTAMPTZ)"
    selects = (_renewals(recorded, now), _marked_renewed(recorded, now), _purchases(recorded, now))
    before = _size(db)
    db.execute(f"CREATE TEMP TABLE told AS SELECT event_id FROM events WHERE {_OWN}")
    for select in selects:
        db.execute(
            f"INSERT INTO events BY NAME SELECT d.* FROM ({select}) d ANTI JOIN told ON told.event_id = d.event_id"
        )
    db.execute("DROP TABLE told")
    return _size(db) - before


def _renewals(recorded: str, now: datetime) -> str:
    """The renewed term's customer, the moment its successor was recorded or else begins."""
    occurred, happened = _first(recorded.format("n"), "CAST(n.effective_date AS TIMESTAMPTZ)", now)
    return (
        f"SELECT 'renewal:' || n.policy_id AS event_id, o.customer_id, '{RENEWED}' AS type, {occurred} AS occurred_at, "
        f"o.policy_id AS subject_id FROM policies n JOIN policies o ON o.policy_id = n.renews_policy_id "
        f"WHERE n.policy_id <> o.policy_id AND {happened}"
    )


def _marked_renewed(recorded: str, now: datetime) -> str:
    """Terms marked renewed whose successor is not in the data: by their expiry at the latest, and by `now`."""
    occurred = f"least(coalesce({recorded.format('o')}, CAST(o.expiry_date AS TIMESTAMPTZ)), {instant(now)})"
    return (
        f"SELECT 'renewed:' || o.policy_id AS event_id, o.customer_id, '{RENEWED}' AS type, {occurred} AS occurred_at, "
        f"o.policy_id AS subject_id FROM policies o ANTI JOIN (SELECT subject_id FROM events WHERE type = '{RENEWED}' "
        f"AND subject_id IS NOT NULL) e ON e.subject_id = o.policy_id WHERE o.status = 'renewed'"
    )


def _purchases(recorded: str, now: datetime) -> str:
    """New business, not renewals. A later correction of the record does not make it a later purchase: cover had begun."""
    occurred, happened = _first(recorded.format("p"), "CAST(p.effective_date AS TIMESTAMPTZ)", now)
    return (
        f"SELECT 'purchase:' || p.policy_id AS event_id, p.customer_id, '{BOUGHT}' AS type, {occurred} AS occurred_at, "
        f"p.policy_id AS subject_id FROM policies p WHERE p.renews_policy_id IS NULL AND {happened}"
    )


def _first(recorded: str, begun: str, now: datetime) -> tuple[str, str]:
    """The earlier of two instants, of which either may be NULL; and whether it has come.

    Asked one after the other: to reckon the midnight of a date takes long, and most records are older than `now`.
    """
    return f"least({recorded}, {begun})", f"({recorded} <= {instant(now)} OR {begun} <= {instant(now)})"


def _size(db: DuckDBPyConnection) -> int:
    return int(db.execute("SELECT count(*) FROM events").fetchall()[0][0])
