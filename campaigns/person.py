"""Everything the ledger holds about one customer: what an inquiry gets, and what an erasure goes through."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant
from campaigns.ledger.statements import statements

PREFIX = "export_"
INSTANTS = ("at", "not_before", "not_after")
"""Columns that hold instants, besides those whose name ends in `_at`."""
DOCUMENTS = ("trace", "parts", "offers", "detail", "body")
PIECE = 1_000

Row = dict[str, Any]


def holdings(ledger: Ledger, customer_id: str, policies: Collection[str] = ()) -> dict[str, list[Row]]:
    """Table -> its rows about the customer, as they stand; `policies` are further policies known to be theirs.

    The tables are those with a statement `export_...`; facts that arrived are under `inbox`.
    """
    names = [name for name in statements() if name.startswith(PREFIX)]
    held = {name.removeprefix(PREFIX): ledger.store.rows(name, customer=customer_id) for name in names}
    theirs = {*policies, *(row["policy_id"] for row in held["moments"] if row["policy_id"])}
    return {**held, "inbox": list(_arrivals(ledger, customer_id, theirs))}


def export(ledger: Ledger, customer_id: str, policies: Collection[str] = ()) -> dict[str, list[Row]]:
    """The same for people: instants as ISO text in UTC, documents as what they say, tables without rows left out."""
    held = holdings(ledger, customer_id, policies)
    return {table: [_shown(row) for row in rows] for table, rows in held.items() if rows}


def _shown(row: Row) -> Row:
    return {name: _value(name, value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    if value is not None and (name.endswith("_at") or name in INSTANTS) and isinstance(value, int):
        return instant(value).isoformat()
    if name in DOCUMENTS and isinstance(value, str) and value:
        try:
            return json.loads(value)
        except ValueError:
            return value  # `attempts.detail` is a sentence, that of `outcomes` a document
    return value


def _arrivals(ledger: Ledger, customer_id: str, policies: Collection[str]) -> Iterator[Row]:
    """Facts that arrived about the customer: rows that name them, policies of theirs, and claims on those."""
    known, found = set(policies), {}
    wanted = [customer_id, *sorted(known)]
    for text in wanted:  # grows with the policies met on the way
        for row in _mentions(ledger, text):
            fact = json.loads(row["body"])
            if str(fact.get("customer_id")) == customer_id or _theirs(fact, known):
                found[row["seq"]] = row
                policy = str(fact.get("policy_id") or "")
                if policy and row["view"] == "policies" and policy not in known:
                    known.add(policy)
                    wanted.append(policy)
    yield from (found[seq] for seq in sorted(found))


def _theirs(fact: Row, policies: Collection[str]) -> bool:
    """Whether a fact that names no customer is about one of these policies."""
    return not fact.get("customer_id") and str(fact.get("policy_id")) in policies


def _mentions(ledger: Ledger, text: str) -> Iterator[Row]:
    after, written = 0, json.dumps(text, ensure_ascii=False)[1:-1]  # an id may have come as a number, without quotes
    while rows := ledger.store.rows("mentions", text=written, after=after, limit=PIECE):
        after = rows[-1]["seq"]
        yield from rows
