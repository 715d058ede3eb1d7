"""A process that consumes: `python consumer.py URL FILE [die]`. It writes arrivals into a SQLite table with a unique key.

With `die` it kills itself after the first batch was written and before anything is acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from kairos.stream.arrivals import Arrival, Limits
from kairos.stream.inlet import open_inlet

LIMITS = Limits(batch=100, ack_wait=2.0, first_pause=0.1, longest_pause=0.5)


class Table:
    """The desk of these tests: bodies by their id, each once, and how often one came."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("create table if not exists kept (id text primary key, view text)")
        self.db.execute("create table if not exists seen (id text)")

    def take(self, arrivals: Sequence[Arrival]) -> list[str | None]:
        reasons: list[str | None] = []
        self.db.execute("begin immediate")
        for arrival in arrivals:
            try:
                name = json.loads(arrival.body)["event_id"]
            except (ValueError, KeyError, TypeError):
                reasons.append("not an event")
                continue
            self.db.execute("insert into seen values (?)", (name,))
            self.db.execute("insert into kept values (?, ?) on conflict do nothing", (name, arrival.view))
            reasons.append(None)
        self.db.execute("commit")
        return reasons

    def ids(self) -> set[str]:
        return {row[0] for row in self.db.execute("select id from kept")}


async def consume(url: str, path: Path, die: bool) -> None:
    table, stop = Table(path), asyncio.Event()

    async def take(arrivals: Sequence[Arrival]) -> list[str | None]:
        reasons = table.take(arrivals)
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        return reasons

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_inlet(url, take, limits=LIMITS):
        print("consuming", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(consume(sys.argv[1], Path(sys.argv[2]), "die" in sys.argv[3:]))
