"""Redis Streams under the contract of all brokers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import Contract, Restarts
from servers import Redis

pytestmark = pytest.mark.skipif(Redis.program() is None, reason="redis-server is not installed (scripts/setup-servers)")


class TestRedis(Contract, Restarts):
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[Redis]:
        server = Redis(tmp_path / "redis")
        server.start()
        yield server
        server.kill()

    @pytest.fixture
    def url(self, server: Redis) -> str:
        return server.url

    async def ready_to_publish(self, inlet) -> None:
        inlet._client = await inlet.broker.connect()
