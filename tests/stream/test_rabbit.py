"""RabbitMQ under the contract of all brokers: one server for all tests, emptied before each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from contract import Contract, Restarts
from servers import Rabbit

pytestmark = pytest.mark.skipif(
    Rabbit.program() is None, reason="rabbitmq-server is not installed (scripts/setup-servers)"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    server = Rabbit(tmp_path_factory.mktemp("rabbit"))
    server.start()
    yield server
    server.kill()


class TestRabbit(Contract, Restarts):
    @pytest.fixture
    def server(self, running: Rabbit) -> Rabbit:
        asyncio.run(self._empty(running.url))
        return running

    @pytest.fixture
    def url(self, server: Rabbit) -> str:
        return server.url

    @staticmethod
    async def _empty(url: str) -> None:
        import aio_pika

        from kairos.stream.arrivals import DEAD, GROUP

        async with await aio_pika.connect(url) as connection, connection.channel() as channel:
            for name in (GROUP, DEAD):
                await channel.queue_delete(name)
