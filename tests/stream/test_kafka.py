"""Kafka's protocol under the contract of all brokers, spoken by the mock cluster inside librdkafka.

It keeps nothing over a restart, so here it is the consumer that is killed five times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import Contract, names, surely, until


class TestKafka(Contract):
    @pytest.fixture
    def url(self) -> Iterator[str]:
        from confluent_kafka import Producer

        cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused"})
        brokers = cluster.list_topics(timeout=10).brokers
        yield "kafka://" + ",".join(f"{broker.host}:{broker.port}" for broker in brokers.values())
        cluster.flush(5)

    async def ready_to_publish(self, inlet) -> None:
        """The client of the broker connects by itself when it is started."""

    def test_a_consumer_killed_five_times_under_load_loses_nothing(self, url, table, tmp_path: Path) -> None:
        async def run() -> None:
            async with self.inlet(url, table.take):
                pass
            async with self.publisher(url) as outlet:
                for life in "ABCDE":
                    async with self.process(url, tmp_path / "kept.db") as child:
                        for name in names(life, 60):
                            await surely(outlet, "events", name)
                        child.kill()
            async with self.inlet(url, table.take):
                await until(lambda: len(table.ids()) == 300)

        asyncio.run(run())
