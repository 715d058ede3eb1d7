"""Whether a model still fits the facts: what it was fitted on, beside what there is now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from recommender.errors import StaleModelError
from recommender.interactions import fingerprint, sizes

if TYPE_CHECKING:
    import duckdb

OLDEST = timedelta(days=180)
"""After half a year a model is refused, whatever the facts."""
DRIFT = {"customers": 0.5, "products": 0.25, "interactions": 0.5}
"""By which share of what it was fitted on each count may have changed."""
SMALL = 20
"""Counts within so many of one another are alike: a few products more do not make a model stale."""


def check_fresh(db: duckdb.DuckDBPyConnection, described: Mapping[str, Any], now: datetime) -> None:
    """Raise `StaleModelError` where the model `described` (`Recommender.describe`) is too old for the whole facts."""
    reasons = staleness(db, described, now)
    if reasons:
        raise StaleModelError(str(described["version"]), reasons)


def staleness(db: duckdb.DuckDBPyConnection, described: Mapping[str, Any], now: datetime) -> list[str]:
    """Why a model fitted on `described["fingerprint"]` no longer fits the whole facts; empty: it does.

    The same hash is the same facts, whatever their age; it is only reckoned where the counts or the age say otherwise.
    """
    reasons = differences(described, sizes(db, now), now)
    return reasons if reasons and fingerprint(db, now).hash != described["fingerprint"]["hash"] else []


def differences(described: Mapping[str, Any], found: Mapping[str, int], now: datetime) -> list[str]:
    """What speaks against a model in facts of these sizes. Facts as of before the fit are not stale: a backtest looks back."""
    fitted, reasons = described["fingerprint"], []
    age = now - datetime.fromisoformat(described["now"])
    if age > OLDEST:
        reasons.append(f"fitted {age.days} days ago, at most {OLDEST.days} are served")
    if age < timedelta(0):
        return reasons
    for name, share in DRIFT.items():
        before, after = int(fitted[name]), found[name]
        if abs(after - before) > max(share * before, SMALL):
            reasons.append(f"fitted on {before:,} {name}, there are {after:,}")
    return reasons
