"""Publishes events to NATS: `stream_publisher.py URL WORKSPACE EVENTS RATE DOUBLED`; a JSON line says what and when."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime

import nats


async def publish(url: str, folder: str, size: int, rate: int, doubled: int) -> None:
    """Every fifth event is one a campaign answers; the others are visits. Confirmed in windows of 500."""
    with closing(
        sqlite3.connect(f"{folder}/ledger.db")
    ) as db:  # customers who can be reached: the nightly run wrote to them
        rows = db.execute("select distinct customer_id from messages where medium = 'sms' order by 1").fetchall()
    client = await nats.connect(url)
    stream, run = client.jetstream(), uuid.uuid4().hex[:8]
    events, telling, twice, waiting, first = [], [], 0, [], time.time()
    for number in range(size):
        if rate:
            ahead = first + number / rate - time.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
        told = number % 5 == 0
        row = {
            "event_id": f"{run}-{number}", "customer_id": rows[number % len(rows)][0], "type": "bench_call" if told else "web_visit",
            "occurred_at": datetime.now(UTC).isoformat(), "channel": "web", "properties": json.dumps({"page": number}),
        }  # fmt: skip
        body = json.dumps(row).encode()
        if told:
            events.append(row["event_id"])
            telling.append(time.time())
        for _ in range(2 if number % doubled == 0 else 1):
            waiting.append(asyncio.ensure_future(stream.publish("kairos.facts.events", body)))
        twice += number % doubled == 0
        if len(waiting) >= 500:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    seconds = time.time() - first
    await client.close()
    print(
        json.dumps({"first": first, "events": events, "telling": telling, "twice": twice, "per_second": size / seconds})
    )


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])))
