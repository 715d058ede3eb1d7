"""NATS JetStream: one stream for all facts, one durable consumer that pulls in batches."""

from __future__ import annotations

from typing import Any, ClassVar

import structlog
from faststream import AckPolicy, FastStream
from faststream.nats import JStream, NatsBroker, PullSub
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, StreamConfig

from kairos.jetstream import ensure_streams
from kairos.stream.arrivals import DEAD, GROUP, PREFIX, Arrival, Limits, Take, view_of
from kairos.stream.inlet import MESSAGE, Inlet, unread
from kairos.stream.metrics import Metrics

log = structlog.get_logger(__name__)
STREAM, DEAD_STREAM = "KAIROS_FACTS", "KAIROS_DEAD"


class NatsInlet(Inlet):
    """Messages stay in the stream until they are acknowledged; what nobody acknowledged comes again after `ack_wait`."""

    schemes: ClassVar = ("nats", "tls")

    def __init__(self, url: str, take: Take, limits: Limits, metrics: Metrics) -> None:
        super().__init__(url, take, limits, metrics)
        self.broker = NatsBroker(
            url, logger=None, graceful_timeout=15.0, max_reconnect_attempts=-1, reconnect_time_wait=1,
            error_cb=_noted, description="facts as they happen",
        )  # fmt: skip
        self.app = FastStream(self.broker)
        self._client: Any = None
        self._pulled = self.broker.subscriber(
            f"{PREFIX}.>",
            stream=JStream(STREAM, declare=False),
            durable=GROUP,
            pull_sub=PullSub(batch_size=limits.batch, timeout=limits.linger, batch=True),
            config=ConsumerConfig(ack_wait=limits.ack_wait, max_deliver=-1, max_ack_pending=2 * limits.batch),
            ack_policy=AckPolicy.MANUAL,
            decoder=unread,
            title=PREFIX,
            description="rows of the canonical views; the last word of the subject names the view",
            no_reply=True,
        )
        self._pulled(self._consume)

    async def start(self) -> None:
        """Connect, make the streams, begin to consume."""
        self._client = await self.broker.connect()
        streams = (
            StreamConfig(STREAM, subjects=[f"{PREFIX}.>"], max_age=self.limits.kept),
            StreamConfig(DEAD_STREAM, subjects=["kairos.dead.>"], max_age=90 * 86_400),
        )
        await ensure_streams(self._client.jetstream(), streams)
        await self.broker.start()
        _say_timeouts_alike(self._pulled.subscription)

    async def lag(self) -> int:
        """Messages not delivered yet and those not acknowledged yet."""
        state = await self._client.jetstream().consumer_info(STREAM, GROUP)
        return int(state.num_pending or 0) + int(state.num_ack_pending or 0)

    async def publish(self, view: str, body: bytes) -> None:
        """Put a fact into the stream."""
        await self.broker.publish(body, f"{PREFIX}.{view}", stream=STREAM, timeout=5.0)

    async def bury(self, arrival: Arrival, reason: str) -> None:
        """Put a message into the stream of dead letters."""
        headers = {"kairos-reason": _header(reason), "kairos-view": _header(arrival.view)}
        await self.broker.publish(arrival.body, DEAD, headers=headers, stream=DEAD_STREAM, timeout=5.0)

    async def _consume(self, body: Any, message: Any = MESSAGE) -> None:
        raw = message.raw_message
        arrivals = [Arrival(view_of(each.subject), each.data, each.metadata.timestamp) for each in raw]
        if await self.settle(arrivals):
            await message.ack()
        else:
            await message.nack()


def _say_timeouts_alike(subscription: Any) -> None:
    """Where a wait ends at once nats-py (2.16) raises the plain TimeoutError, for which FastStream (0.7) drops the batch it has
    in hand: the messages would come again only after `ack_wait`."""
    fetch = subscription.fetch

    async def fetched(*args: Any, **kwargs: Any) -> Any:
        try:
            return await fetch(*args, **kwargs)
        except TimeoutError as error:
            raise error if isinstance(error, NatsTimeoutError) else NatsTimeoutError from error

    subscription.fetch = fetched


def _header(words: str) -> str:
    """A header is one line."""
    return " ".join(words.split())[:500]


async def _noted(error: Exception) -> None:
    """Reconnecting goes on by itself."""
    log.warning("broker_trouble", error=type(error).__name__)
