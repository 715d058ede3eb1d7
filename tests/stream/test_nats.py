"""NATS JetStream under the contract of all brokers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import Contract, Restarts, body, until
from servers import Nats

from kairos.stream.arrivals import GROUP, Limits
from kairos.stream.brokers.nats import STREAM
from kairos.stream.inlet import open_inlet


class TestNats(Contract, Restarts):
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[Nats]:
        server = Nats(tmp_path / "nats")
        server.start()
        yield server
        server.kill()

    @pytest.fixture
    def url(self, server: Nats) -> str:
        return server.url

    async def ready_to_publish(self, inlet) -> None:
        inlet._client = await inlet.broker.connect()

    def test_what_comes_one_by_one_is_taken_at_its_first_delivery(self, url):
        """Whenever a wait ends, no message in hand is dropped, to come again only after `ack_wait`."""
        names = [f"E{number}" for number in range(150)]
        took: list[str] = []

        async def take(arrivals):
            took.extend(json.loads(arrival.body)["event_id"] for arrival in arrivals)
            return [None] * len(arrivals)

        async def story():
            inlet = open_inlet(url, take, limits=Limits(linger=0.03, ack_wait=2.0))
            await inlet.start()
            for number, name in enumerate(names):
                await inlet.publish("events", body(name))
                await asyncio.sleep(0.02 + 0.001 * (number % 17))
            await until(lambda: set(took) == set(names))
            state = await inlet._client.jetstream().consumer_info(STREAM, GROUP)
            await inlet.stop()
            return state.delivered.consumer_seq

        assert asyncio.run(story()) == len(names), "something was delivered again"
        assert took == names
