"""One size of the scan: made-up tables in DuckDB, each kind's query and the SQL by hand in turn. Prints one JSON line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from pydantic import TypeAdapter

from benchmarks.scan_sql import BY_HAND, TABLES
from triggers import memberships
from triggers.facts import Facts, _columns
from triggers.kinds import AnyTrigger
from triggers.moments import moments
from triggers.rejects import Report
from triggers.views import VIEWS
from triggers.workdays import calendar_of

NOW = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
TRIGGERS: dict[str, dict[str, Any]] = {
    "date": {
        "of": "policies.expiry_date",
        "offset": "-60d",
        "where": "line = 'motor' and status = 'active'",
        "max_age": "20d",
    },
    "date, yearly": {"of": "customers.birth_date", "yearly": True, "late": "skip"},
    "event": {"type": "call", "after": "1d", "unless": "policy_bought", "max_age": "3d"},
    "missing": {"after": {"event": "quote_started"}, "for": "24h", "expected": "policy_bought", "max_age": "3d"},
    "dormancy": {"for": "180d", "max_age": "14d"},
    "region": {"severity": "severe", "max_age": "2d"},
    "count": {"type": "call", "at_least": 2, "within": "20d", "max_age": "7d"},
    "segment": {"where": "tier = 'gold'", "max_age": "7d"},
    "score": {"of": "policies.lapse_risk", "above": 0.8, "max_age": "7d"},
}


def opened(size: int) -> Facts:
    """Tables of this many policies, two customers to three of them, an event for each two."""
    db = duckdb.connect(":memory:")
    db.execute(
        "SET GLOBAL TimeZone = 'Asia/Shanghai'; SET memory_limit = '8GB'; SET threads = 2; SET enable_progress_bar = false"
    )
    for view in VIEWS.values():
        columns = ", ".join(f'"{name}" {kind}' for name, kind in view.types.items())
        db.execute(f"CREATE TABLE {view.name} ({columns})")
    memberships.create(db)
    calendar_of("").lay_out(db)
    for sql in TABLES:
        db.execute(sql, {"n": size} if "$n" in sql else None)
    return Facts(db, NOW, _columns(db), Report({}))


def engine(facts: Facts, name: str) -> Callable[[], list[Any]]:
    """The kind's own query, read in batches."""
    trigger = TypeAdapter(AnyTrigger).validate_python({"kind": name.split(",", maxsplit=1)[0], **TRIGGERS[name]})
    return lambda: list(moments(trigger, facts))


def by_hand(facts: Facts, name: str) -> Callable[[], list[Any]]:
    """The SQL, read in batches."""
    return lambda: list(facts.db.sql(BY_HAND[name]).to_arrow_reader(100_000))


def digest(batches: list[Any]) -> str:
    """Who, what and when, in order."""
    import hashlib

    found = hashlib.sha256()
    for batch in batches:
        for name in ("customer_id", "subject", "occasion", "due_at"):
            found.update(repr(batch[name].to_pylist()).encode())
    return found.hexdigest()


def timed(run: Callable[[], list[Any]]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def main(size: int, repeats: int) -> None:
    facts, found = opened(size), {}
    for name in TRIGGERS:
        ours, theirs = engine(facts, name), by_hand(facts, name)
        mine, yours = ours(), theirs()
        pairs = [(timed(ours), timed(theirs)) for _ in range(repeats)]
        found[name] = {
            "moments": sum(batch.num_rows for batch in mine),
            "engine": median(pair[0] for pair in pairs),
            "sql": median(pair[1] for pair in pairs),
            "ratio": median(mine_ / yours_ for mine_, yours_ in pairs),
            "engine_hash": digest(mine),
            "sql_hash": digest(yours),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
