"""Events a second through the stream, and how long each takes from publishing to the durable reservation.

    python benchmarks/stream.py [--size EVENTS] [--customers N] [--rate EVENTS_A_SECOND] [--folder DIR]

What is measured, and what the figures leave out, is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.common import KAIROS, BenchmarkError, conclude, kairos, say, show

QUICK = 40_000
CUSTOMERS = 20_000
DOUBLED = 100
"""One event in so many is published twice."""
PUBLISHER = Path(__file__).with_name("stream_publisher.py")
FLOOR = Path(__file__).with_name("stream_floor.py")
CAMPAIGN = """name: bench-call
title: {zh-CN: 来电, en: Call}
purpose: contract
trigger: {kind: event, type: bench_call, max_age: 1d, late: fire}
hours: {from: "00:00", to: "23:59"}
steps:
  - send: {template: dormancy_care, channels: [sms]}
"""


def workspace(folder: Path, customers: int) -> None:
    """The demo insurer with its campaigns, and one more that answers every fifth event."""
    say(f"generating {customers:,} customers")
    kairos("init", folder, "--demo", "--customers", str(customers), "--json")
    (folder / "campaigns" / "bench-call.yaml").write_text(CAMPAIGN, encoding="utf-8")
    settings = (folder / "kairos.yaml").read_text(encoding="utf-8")
    every_hour = settings.replace('hours: {from: "09:00", to: "20:00"}', 'hours: {from: "00:00", to: "23:59"}')
    (folder / "kairos.yaml").write_text(every_hour, encoding="utf-8")
    kairos("recommend", "fit", "-w", folder, "--json")
    kairos("run", "-w", folder, "--json")
    kairos("send", "-w", folder, "--json")  # what waits would be looked at again whenever its customer does something


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """The stream, and its broker's address, once it takes facts."""
    command = [sys.executable, *KAIROS, "stream", "-w", str(folder), "--json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = child.stderr.readline()  # type: ignore[union-attr]
    if not said.startswith("Taking facts from"):
        raise BenchmarkError(said + child.stderr.read())  # type: ignore[union-attr]
    return child, said.split()[3]


def publish(url: str, folder: Path, size: int, rate: int) -> dict[str, Any]:
    """Publish from a process of its own; what it says of itself, with when each event was confirmed."""
    words = [sys.executable, str(PUBLISHER), url, str(folder), str(size), str(rate), str(DOUBLED)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def connected(url: str) -> None:
    """Make the streams, as `kairos stream` does when it starts for the first time."""
    import asyncio

    from kairos.stream.inlet import open_inlet

    async def never(_arrivals: object) -> list[str | None]:
        raise OSError("nothing is taken yet")

    async def run() -> None:
        async with open_inlet(url, never):
            pass

    asyncio.run(run())


def reserved(folder: Path) -> dict[str, int]:
    """Messages by the event they are about."""
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        rows = db.execute(
            "select m.event_id, count(g.message_id) from moments m left join messages g using (moment_id) "
            "where m.campaign = 'bench-call' group by 1"
        ).fetchall()
    return dict(rows)


def counted(folder: Path) -> int:
    """Messages of the campaign so far."""
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        return int(db.execute("select count(*) from messages where campaign = 'bench-call'").fetchone()[0])


def watched(folder: Path, wanted: int, stop_after: float) -> list[tuple[float, int]]:
    """(time, messages of the campaign so far) until all are there."""
    seen, deadline = [], time.time() + stop_after
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        while time.time() < deadline:
            count = db.execute("select count(*) from messages where campaign = 'bench-call'").fetchone()[0]
            seen.append((time.time(), count))
            if count >= wanted:
                break
            time.sleep(0.01)
    return seen


def waits(published: list[float], seen: list[tuple[float, int]]) -> list[float]:
    """Seconds from each event's publishing to the look at which its message was there, in order: events are decided in order."""
    found, place = [], 0
    for number, at in enumerate(sorted(published), start=1):
        while place < len(seen) and seen[place][1] < number:
            place += 1
        if place < len(seen):
            found.append(seen[place][0] - at)
    return sorted(found)


def main(arguments: list[str]) -> None:
    """Measure throughput with everything published at once, latency at a rate below it, and the floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=QUICK, help="events")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="customers of the insurer")
    parser.add_argument("--rate", type=int, default=500, help="events a second while latency is measured")
    parser.add_argument("--folder", type=Path, help="keep the workspace here")
    asked = parser.parse_args(arguments)
    with TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary) / "workspace"
        if not (folder / "kairos.yaml").exists():
            workspace(folder, asked.customers)
        figures, ratios = measure(folder, asked)
    conclude("stream", figures, ratios)


def measure(folder: Path, asked: argparse.Namespace) -> tuple[dict[str, Any], dict[str, float]]:
    """A backlog worked off, events at a steady rate, then the floor: the same backlog into a bare table."""
    from threading import Thread

    from kairos.nats_server import start as serve

    base = counted(folder)
    say(f"publishing {asked.size:,} events, each on disk before it is confirmed")
    with serve(folder / ".kairos" / "nats") as server:
        connected(server.url)
        burst = publish(server.url, folder, asked.size, 0)
        child, url = start(folder)
        began = time.time()
        looks = watched(folder, base + asked.size // 5, 600)
    sustained = asked.size / (looks[-1][0] - began)
    say(f"{asked.rate * 10:,} events at {asked.rate:,} a second")
    paced_looks: list[tuple[float, int]] = []
    before = base + asked.size // 5
    watcher = Thread(target=lambda: paced_looks.extend(watched(folder, before + asked.rate * 10 // 5, 120)))
    watcher.start()
    paced = publish(url, folder, asked.rate * 10, asked.rate)
    watcher.join()
    took = waits(paced["telling"], [(at, count - before) for at, count in paced_looks])
    child.send_signal(signal.SIGTERM)
    totals = json.loads(child.communicate(timeout=120)[0])
    wanted = {*burst["events"], *paced["events"]}
    found = {event: count for event, count in reserved(folder).items() if event in wanted}
    floor = json.loads(
        subprocess.run(
            [sys.executable, str(FLOOR), str(folder), str(asked.size)], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
    )
    figures = {
        "events": asked.size, "customers": asked.customers, "events_per_s": sustained, "published_per_s": burst["per_second"],
        "p50_ms": 1000 * took[len(took) // 2], "p99_ms": 1000 * took[len(took) * 99 // 100], "rate": asked.rate,
        "messages": len(found), "lost": len(wanted - found.keys()), "doubled": sum(count > 1 for count in found.values()),
        "without_message": sum(count == 0 for count in found.values()),
        "published_twice": burst["twice"] + paced["twice"], "rows_taken": totals["rows"], "floor_events_per_s": floor["events_per_s"],
    }  # fmt: skip
    show("Stream", ("figure", "value"), list(figures.items()))
    return figures, {"over_floor": sustained / floor["events_per_s"]}


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main(sys.argv[1:])
