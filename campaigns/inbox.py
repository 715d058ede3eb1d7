"""The inbox: facts that arrived by themselves, kept before anybody is told they were taken, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds
from triggers.arrivals import Arrived, UnusableError, known_since, read_arrival

PIECE = 20_000
"""Rows read at once: what catching up holds in memory."""
EVER = 2**62


@dataclass(frozen=True)
class Batch:
    """Rows in the order in which they came, by view, and the place of the last one."""

    rows: dict[str, list[dict[str, Any]]]
    last: int
    size: int


def take(ledger: Ledger, bodies: Sequence[tuple[str, bytes]], now: datetime) -> list[str | None]:
    """Keep messages (view, body), in one transaction; per message None, or why it can never be a fact.

    One that is there already is left as it is, so that a message may come any number of times.
    """
    kept: list[Arrived] = []
    answers: list[str | None] = []
    for view, body in bodies:
        try:
            kept += read_arrival(view, body)
            answers.append(None)
        except UnusableError as error:
            answers.append(str(error))
    keep(ledger, kept, now)
    return answers


def keep(ledger: Ledger, arrived: Sequence[Arrived], now: datetime) -> int:
    """Keep records; the number of those that were new."""
    at = seconds(now)
    rows = [(each.view, each.key, json.dumps(known_since(each.row, now), ensure_ascii=False), at) for each in arrived]
    return ledger.store.repeat(lambda: ledger.store.many("arrive", rows))


def after(ledger: Ledger, place: int, by: datetime | None = None, limit: int = PIECE) -> Batch:
    """The rows that came after this place, and by this instant where one is given.

    Whoever follows the inbox gives none: what is there has arrived, however the clocks stand, and nothing is passed over.
    """
    found = ledger.store.all("arrived", after=place, now=seconds(by) if by else EVER, limit=limit)
    rows: dict[str, list[dict[str, Any]]] = {}
    for _, view, body, _ in found:
        rows.setdefault(view, []).append(json.loads(body))
    return Batch(rows, found[-1][0] if found else place, len(found))


def all_by(ledger: Ledger, by: datetime | None) -> Iterator[Batch]:
    """Everything that came, by this instant where one is given, piece by piece."""
    place = 0
    while (batch := after(ledger, place, by)).size:
        place = batch.last
        yield batch


def last(ledger: Ledger) -> int:
    """The place of the newest row."""
    row = ledger.store.one("last_arrival")
    return int(row[0]) if row else 0


def forget(ledger: Ledger, before: datetime) -> int:
    """Drop what arrived before this instant: the insurer's own tables hold it by now. Returns how many."""
    with ledger.store.transaction():
        return ledger.store.run("forget_arrivals", {"before": seconds(before)})


def waiting(ledger: Ledger, place: int) -> tuple[int, datetime | None]:
    """How many rows came after this place, and when the first of them did."""
    row = ledger.store.one("arrivals_waiting", after=place)
    count, first = row if row else (0, None)
    return int(count), instant(first) if first is not None else None
