"""The least a durable stream can cost: the same broker, a consumer that only writes each event into a table once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.stream import connected
from kairos.nats_server import start
from kairos.stream.arrivals import Limits
from kairos.stream.inlet import open_inlet

PUBLISHER = Path(__file__).with_name("stream_publisher.py")


def measure(folder: str, size: int, place: Path) -> float:
    """Events a second, from when it begins to take a backlog to the last one written."""
    db = sqlite3.connect(place / "floor.db", isolation_level=None, check_same_thread=False)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table kept (id text primary key)")

    def write(bodies: list[bytes]) -> None:
        db.execute("begin immediate")
        db.executemany(
            "insert into kept values (?) on conflict do nothing", [(json.loads(body)["event_id"],) for body in bodies]
        )
        db.execute("commit")

    async def take(arrivals):
        await asyncio.to_thread(write, [each.body for each in arrivals])
        return [None] * len(arrivals)

    async def consume(url: str) -> float:
        began = time.time()
        async with open_inlet(url, take, limits=Limits()):
            while db.execute("select count(*) from kept").fetchone()[0] < size:
                await asyncio.sleep(0.005)
        return size / (time.time() - began)

    with start(place / "nats") as server:
        connected(server.url)
        words = [sys.executable, str(PUBLISHER), server.url, folder, str(size), "0", "100"]
        subprocess.run(words, stdout=subprocess.PIPE, check=True)
        return asyncio.run(consume(server.url))


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        found = measure(sys.argv[1], int(sys.argv[2]), Path(temporary))
    print(json.dumps({"events_per_s": found}))
