"""Kafka: a topic a view, one consumer group, offsets committed only after the batch was written down."""

from __future__ import annotations

from typing import Any, ClassVar

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker

from kairos.stream.arrivals import DEAD, GROUP, PREFIX, Arrival, Limits, Take, view_of
from kairos.stream.inlet import MESSAGE, Inlet, instant, unread
from kairos.stream.metrics import Metrics
from triggers.arrivals import VERSIONS

TOPICS = tuple(f"{PREFIX}.{view}" for view in VERSIONS)


class KafkaInlet(Inlet):
    """A batch that could not be written is read again from its first offset."""

    schemes: ClassVar = ("kafka",)
    extra: ClassVar = "kafka"

    def __init__(self, url: str, take: Take, limits: Limits, metrics: Metrics) -> None:
        super().__init__(url, take, limits, metrics)
        servers = url.partition("://")[2].strip("/").split(",")
        self.broker = KafkaBroker(
            servers, logger=None, graceful_timeout=15.0, acks="all", enable_idempotence=True,
            request_timeout_ms=10_000, description="facts as they happen",
        )  # fmt: skip
        self.app = FastStream(self.broker)
        self._subscriber = self.broker.subscriber(
            *TOPICS,
            group_id=GROUP,
            batch=True,
            max_records=limits.batch,
            batch_timeout_ms=max(1, int(limits.linger * 1000)),
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            decoder=unread,
            title=PREFIX,
            description="rows of the canonical views, a topic each",
            no_reply=True,
        )
        self._subscriber(self._consume)

    async def start(self) -> None:
        """Connect, join the group, begin to consume."""
        await self.broker.start()

    async def lag(self) -> int:
        """Messages after the last one acknowledged."""
        consumer = self._subscriber.consumer
        parts = consumer.assignment() if consumer else ()
        ends = await consumer.end_offsets(parts) if parts else {}
        behind = [end - (await consumer.committed(part) or 0) for part, end in ends.items()]
        return int(sum(behind))

    async def publish(self, view: str, body: bytes) -> None:
        """Put a fact into its topic."""
        await self.broker.publish(body, f"{PREFIX}.{view}")

    async def bury(self, arrival: Arrival, reason: str) -> None:
        """Put a message into the topic of dead letters."""
        await self.broker.publish(arrival.body, DEAD, headers={"kairos-reason": reason, "kairos-view": arrival.view})

    async def _consume(self, body: Any, message: Any = MESSAGE) -> None:
        raw = message.raw_message
        arrivals = [Arrival(view_of(each.topic), each.value or b"", instant(each.timestamp / 1000)) for each in raw]
        if await self.settle(arrivals):
            await message.ack()
        else:
            await message.nack()
