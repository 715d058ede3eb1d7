"""NATS JetStream under the contract of all brokers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import Contract, Restarts
from servers import Nats


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
