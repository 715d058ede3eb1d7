"""What of a visible row may already be known at `now`: states and dates reached later are taken back.

A claim read today says how it ended. Asked as of last month, it must say no more than was known then.
"""

from __future__ import annotations

from datetime import UTC, datetime

from triggers.sqltext import instant

NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def values_as_said(view: str) -> dict[str, str]:
    """As `known_values`, with nothing taken back: a state that lies ahead stays, for a later look to find it reached."""
    return known_values(view, NEVER)


def known_values(view: str, now: datetime) -> dict[str, str]:
    """Column name to the SQL of its value as known at `now`, for the columns of `view` that can run ahead of it."""
    at = instant(now)
    if view == "customers":
        return {"deceased_on": f"CASE WHEN deceased_on <= CAST({at} AS DATE) THEN deceased_on END"}
    if view == "complaints":
        return {"closed_at": f"CASE WHEN closed_at <= {at} THEN closed_at END"}
    return _known_claim(at) if view == "claims" else {}


def _known_claim(at: str) -> dict[str, str]:
    later = f"coalesce(updated_at, reported_at) > {at}"
    return {
        "status": f"CASE WHEN {later} THEN 'reported' ELSE status END",
        "updated_at": f"CASE WHEN {later} THEN reported_at ELSE coalesce(updated_at, reported_at) END",
        "closed_at": f"CASE WHEN closed_at <= {at} THEN closed_at END",
        "amount": f"CASE WHEN {later} THEN NULL ELSE amount END",
        "missing_documents": f"CASE WHEN {later} THEN NULL ELSE missing_documents END",
    }
