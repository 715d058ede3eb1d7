"""What every broker promises, written once: each broker's tests inherit it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kairos.stream.arrivals import Arrival
from kairos.stream.inlet import Inlet, open_inlet

sys.path.insert(0, str(Path(__file__).parent))
from consumer import LIMITS, Table

CHECKOUT = Path(__file__).parents[2]
SECONDS = 60.0


def body(name: str) -> bytes:
    return json.dumps({"event_id": name, "customer_id": "C1", "type": "call", "occurred_at": "2026-11-23"}).encode()


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:04}" for number in range(count)]


async def until(true: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = SECONDS) -> None:
    """Wait for something to become true; fail after so long."""
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


async def surely(inlet: Inlet, view: str, name: str) -> None:
    """Publish until the broker has confirmed it."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await inlet.publish(view, body(name))
            except Exception:
                await asyncio.sleep(0.1)


class Contract:
    """Lossless, each once, whatever dies. A subclass brings the fixture `url` of a running, empty broker."""

    @pytest.fixture
    def table(self, tmp_path: Path) -> Table:
        return Table(tmp_path / "kept.db")

    @asynccontextmanager
    async def inlet(self, url: str, take: Callable[[Sequence[Arrival]], list[str | None]]) -> AsyncIterator[Inlet]:
        async def taken(arrivals: Sequence[Arrival]) -> list[str | None]:
            return take(arrivals)

        async with open_inlet(url, taken, limits=LIMITS) as opened:
            yield opened

    @asynccontextmanager
    async def process(self, url: str, path: Path, *words: str) -> AsyncIterator[subprocess.Popen[str]]:
        """A consumer of its own, killed in the end unless it ended by itself."""
        command = [sys.executable, str(Path(__file__).parent / "consumer.py"), url, str(path), *words]
        child = subprocess.Popen(
            command, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stdout=subprocess.PIPE, text=True
        )
        try:
            await asyncio.to_thread(child.stdout.readline)  # type: ignore[union-attr]
            yield child
        finally:
            child.kill()
            child.wait()
            child.stdout.close()  # type: ignore[union-attr]

    def test_everything_published_arrives_once_with_its_view(self, url: str, table: Table) -> None:
        async def run() -> None:
            async with self.inlet(url, table.take) as inlet:
                for name in names("E", 150):
                    await surely(inlet, "events", name)
                await surely(inlet, "claims", "L1")
                await surely(inlet, "events", "E0000")
                await until(lambda: len(table.ids()) == 151)
                await until(self._nothing_waits(inlet))
                text = inlet.metrics.text().decode()
                assert 'kairos_stream_arrivals_total{result="kept",view="claims"} 1.0' in text

        asyncio.run(run())
        assert table.ids() == {*names("E", 150), "L1"}
        assert table.db.execute("select view from kept where id = 'L1'").fetchall() == [("claims",)]

    def test_what_was_published_while_nobody_listened_is_not_lost(self, url: str, table: Table) -> None:
        async def run() -> None:
            async with self.inlet(url, table.take):
                pass  # makes what must be there
            async with self.inlet(url, self._refuse) as inlet:
                for name in names("E", 50):
                    await surely(inlet, "events", name)
            async with self.inlet(url, table.take):
                await until(lambda: len(table.ids()) == 50)

        asyncio.run(run())

    def test_a_desk_that_fails_gets_everything_again(self, url: str, table: Table) -> None:
        failures = iter([True] * 3)

        def take(arrivals: Sequence[Arrival]) -> list[str | None]:
            if next(failures, False):
                raise OSError("the disk is full")
            return table.take(arrivals)

        async def run() -> None:
            async with self.inlet(url, take) as inlet:
                for name in names("E", 120):
                    await surely(inlet, "events", name)
                await until(lambda: len(table.ids()) == 120)
                await until(lambda: inlet.healthy)

        asyncio.run(run())

    def test_a_message_that_is_no_fact_goes_to_the_dead_letters_and_the_others_go_on(
        self, url: str, table: Table
    ) -> None:
        buried: list[tuple[bytes, str, str]] = []

        async def run() -> None:
            async with self.inlet(url, table.take) as inlet:
                bury = inlet.bury

                async def noted(arrival: Arrival, reason: str) -> None:
                    await bury(arrival, reason)
                    buried.append((arrival.body, arrival.view, reason))

                inlet.bury = noted  # type: ignore[method-assign]
                for name in names("E", 20):
                    await surely(inlet, "events", name)
                    if name == "E0010":
                        await inlet.publish("events", b"\xff{ no JSON")
                await until(lambda: len(table.ids()) == 20 and len(buried) == 1)
                await until(self._nothing_waits(inlet))

        asyncio.run(run())
        assert buried == [(b"\xff{ no JSON", "events", "not an event")]

    def test_a_consumer_killed_before_it_acknowledged_loses_nothing_and_doubles_nothing(
        self, url: str, table: Table, tmp_path: Path
    ) -> None:
        async def run() -> None:
            async with self.inlet(url, table.take):
                pass
            async with self.process(url, tmp_path / "kept.db", "die") as child, self.publisher(url) as outlet:
                for name in names("E", 300):
                    await surely(outlet, "events", name)
                await until(lambda: child.poll() is not None)
            assert 0 < len(table.ids()) <= 300
            async with self.inlet(url, table.take) as inlet:
                await until(lambda: len(table.ids()) == 300)
                await until(self._nothing_waits(inlet))

        asyncio.run(run())
        assert table.ids() == set(names("E", 300))

    def test_a_consumer_that_is_asked_to_stop_under_load_strands_nothing(
        self, url: str, table: Table, tmp_path: Path
    ) -> None:
        async def run() -> None:
            async with self.publisher(url) as outlet:
                for half in ("A", "B"):
                    async with self.process(url, tmp_path / "kept.db") as child:
                        for name in names(half, 300):
                            await surely(outlet, "events", name)
                            if name.endswith("0200"):
                                child.send_signal(signal.SIGTERM)
                        await until(lambda: child.poll() is not None)
                    assert child.returncode == 0
            async with self.inlet(url, table.take) as inlet:
                await until(lambda: len(table.ids()) == 600)
                await until(self._nothing_waits(inlet))

        asyncio.run(run())

    @asynccontextmanager
    async def publisher(self, url: str) -> AsyncIterator[Inlet]:
        """Only publishes: connected without consuming."""
        inlet = open_inlet(url, self._never, limits=LIMITS)
        await inlet.broker.connect()
        await self.ready_to_publish(inlet)
        try:
            yield inlet
        finally:
            await inlet.broker.stop()

    async def ready_to_publish(self, inlet: Inlet) -> None:
        """What a broker needs before it can publish without consuming."""

    @staticmethod
    async def _never(arrivals: Sequence[Arrival]) -> list[str | None]:
        raise AssertionError("a publisher consumes nothing")

    @staticmethod
    def _refuse(arrivals: Sequence[Arrival]) -> list[str | None]:
        raise OSError("not now")

    @staticmethod
    def _nothing_waits(inlet: Inlet) -> Callable[[], Awaitable[bool]]:
        async def empty() -> bool:
            return await inlet.lag() == 0

        return empty


class Restarts:
    """Brokers that keep what they confirmed: killed five times under load, they lose and double nothing."""

    def test_a_broker_killed_five_times_under_load_loses_nothing(self, server, table: Table) -> None:
        wanted: set[str] = set()

        async def load(inlet: Inlet, stop: asyncio.Event) -> None:
            number = 0
            while not stop.is_set():
                name = f"E{number:05}"
                await surely(inlet, "events", name)
                wanted.add(name)
                number += 1

        async def run() -> None:
            async with self.inlet(server.url, table.take) as inlet:
                stop = asyncio.Event()
                publishing = asyncio.create_task(load(inlet, stop))
                for _ in range(5):
                    await asyncio.sleep(0.5)
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                await asyncio.sleep(0.5)
                stop.set()
                await publishing
                await until(lambda: table.ids() == wanted)

        asyncio.run(run())
        assert len(wanted) > 20
