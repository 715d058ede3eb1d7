"""RabbitMQ: a durable topic exchange, one durable queue, the view as routing key.

There is no batch at this broker: messages come one by one, up to the prefetch count, and are written down in groups,
whatever has come while the group before was being written.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue

from kairos.stream.arrivals import DEAD, GROUP, PREFIX, Arrival, Limits, Take, view_of
from kairos.stream.inlet import MESSAGE, Inlet, unread
from kairos.stream.metrics import Metrics

EXCHANGE = RabbitExchange(PREFIX, type=ExchangeType.TOPIC, durable=True)
QUEUE = RabbitQueue(GROUP, durable=True, routing_key="#")
DEAD_QUEUE = RabbitQueue(DEAD, durable=True)


class RabbitInlet(Inlet):
    """What was not acknowledged when a connection ends comes again at once."""

    schemes: ClassVar = ("amqp", "amqps")
    extra: ClassVar = "rabbit"

    def __init__(self, url: str, take: Take, limits: Limits, metrics: Metrics) -> None:
        super().__init__(url, take, limits, metrics)
        self.broker = RabbitBroker(
            url, logger=None, graceful_timeout=15.0, default_channel=Channel(prefetch_count=limits.batch),
            reconnect_interval=0.5, description="facts as they happen",
        )  # fmt: skip
        self.app = FastStream(self.broker)
        self._group = Group(self.settle, limits.batch)
        self.broker.subscriber(
            QUEUE,
            EXCHANGE,
            ack_policy=AckPolicy.MANUAL,
            decoder=unread,
            title=PREFIX,
            description="rows of the canonical views; the routing key is the view",
            no_reply=True,
        )(self._consume)

    async def start(self) -> None:
        """Connect, declare exchange and queues, begin to consume."""
        await self.broker.connect()
        await self.broker.declare_queue(DEAD_QUEUE)
        await self.broker.start()

    async def lag(self) -> int:
        """Messages ready in the queue, and those in hand."""
        connection = await self.broker.connect()
        async with connection.channel() as channel:
            queue = await channel.declare_queue(GROUP, passive=True)
            return int(queue.declaration_result.message_count or 0) + self._group.size

    async def publish(self, view: str, body: bytes) -> None:
        """Put a fact into the exchange; the broker has confirmed it on return."""
        await self.broker.publish(body, view, EXCHANGE, persist=True, timeout=10.0)

    async def bury(self, arrival: Arrival, reason: str) -> None:
        """Put a message into the queue of dead letters."""
        headers = {"kairos-reason": reason, "kairos-view": arrival.view}
        await self.broker.publish(arrival.body, DEAD, headers=headers, persist=True, timeout=10.0)

    async def _consume(self, body: Any, message: Any = MESSAGE) -> None:
        raw = message.raw_message
        arrival = Arrival(view_of(raw.routing_key or ""), raw.body, raw.timestamp)
        if await self._group.join(arrival):
            await message.ack()
        else:
            await message.nack()


class Group:
    """Arrivals that come one by one, settled together; each waits for the group it is in."""

    def __init__(self, settle: Any, most: int) -> None:
        self._settle, self._most = settle, most
        self._waiting: list[tuple[Arrival, asyncio.Future[bool]]] = []
        self._worker: asyncio.Task[None] | None = None
        self.size = 0

    async def join(self, arrival: Arrival) -> bool:
        """Whether the arrival was settled, once its group was."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, done))
        self.size += 1
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        try:
            return await done
        finally:
            self.size -= 1

    async def _work(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            settled = await self._settle([arrival for arrival, _ in group])
            for _, done in group:
                if not done.done():
                    done.set_result(settled)
