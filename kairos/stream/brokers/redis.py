"""Redis Streams: a stream a view, one consumer group, and a second reader that frees what a dead consumer left.

Redis gives a group's message to one consumer and never again: whoever dies with messages in hand strands them. The
claiming reader takes over what nobody has acknowledged for `ack_wait`.
"""

from __future__ import annotations

import os
import socket
from typing import Any, ClassVar

from faststream import AckPolicy, FastStream
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import RedisBatchStreamMessage

from kairos.stream.arrivals import DEAD, GROUP, PREFIX, Arrival, Limits, Take, view_of
from kairos.stream.inlet import MESSAGE, Inlet, instant, unread
from kairos.stream.metrics import Metrics
from triggers.arrivals import VERSIONS

BODY, VIEW, REASON = "body", "view", "reason"


class RedisInlet(Inlet):
    """Entries have one field, `body`. The broker's own durability is Redis': set appendfsync to what a loss may cost."""

    schemes: ClassVar = ("redis", "rediss")
    extra: ClassVar = "redis"

    def __init__(self, url: str, take: Take, limits: Limits, metrics: Metrics) -> None:
        super().__init__(url, take, limits, metrics)
        self.broker = RedisBroker(
            url,
            logger=None,  # type: ignore[arg-type]
            graceful_timeout=15.0,
            description="facts as they happen",
        )
        self.app = FastStream(self.broker)
        self._client: Any = None
        self._me = f"{socket.gethostname()}-{os.getpid()}"
        for view in VERSIONS:
            self._subscribe(view, f"{PREFIX}.{view}")

    def _subscribe(self, view: str, stream: str) -> None:
        """Two readers of one stream: what is new, and what others left behind."""
        idle, linger = int(self.limits.ack_wait * 1000), max(10, int(self.limits.linger * 1000))
        own: dict[str, Any] = {"group": GROUP, "batch": True}
        readers = (
            StreamSub(stream, linger, consumer=self._me, last_id=">", max_records=self.limits.batch, **own),
            StreamSub(stream, 500, consumer=f"{self._me}-claims", min_idle_time=idle, **own),
        )
        for reader in readers:
            self.broker.subscriber(
                stream=reader,
                ack_policy=AckPolicy.MANUAL,
                parser=self._unread,
                decoder=unread,
                title=stream if reader.min_idle_time is None else f"{stream}, left behind",
                description=f"rows of the view {view}, in the field `{BODY}`",
                no_reply=True,
            )(self._consume)

    async def start(self) -> None:
        """Connect, make the groups from the beginning of their streams, begin to consume."""
        from redis.exceptions import ResponseError

        self._client = await self.broker.connect()
        for view in VERSIONS:
            try:
                await self._client.xgroup_create(f"{PREFIX}.{view}", GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        await self.broker.start()

    async def lag(self) -> int:
        """Entries not acknowledged: those that were are gone."""
        return sum([int(await self._client.xlen(f"{PREFIX}.{view}")) for view in VERSIONS])

    async def publish(self, view: str, body: bytes) -> None:
        """Add a fact to its stream."""
        await self._client.xadd(f"{PREFIX}.{view}", {BODY: body})

    async def bury(self, arrival: Arrival, reason: str) -> None:
        """Add a message to the stream of dead letters."""
        await self._client.xadd(DEAD, {BODY: arrival.body, VIEW: arrival.view, REASON: reason})

    async def _unread(self, message: Any) -> RedisBatchStreamMessage:
        """The batch as it is; bodies are read at the desk, whatever they hold."""
        return RedisBatchStreamMessage(raw_message=message, body=b"", consumer=self._client, group=GROUP)

    async def _consume(self, body: Any, message: Any = MESSAGE) -> None:
        raw = message.raw_message
        entries = zip(raw["message_ids"], raw["data"], strict=True)
        arrivals = [
            Arrival(view_of(raw["channel"]), _body(data), instant(_milliseconds(name) / 1000)) for name, data in entries
        ]
        while not await self.settle(arrivals):
            pass  # it has waited; nobody else is given them while this consumer lives
        await self._client.xack(raw["channel"], GROUP, *raw["message_ids"])
        await self._client.xdel(raw["channel"], *raw["message_ids"])


def _body(data: Any) -> bytes:
    """The field of the body; whatever else an entry holds is no fact, and the desk says so."""
    found = data.get(BODY.encode(), data.get(BODY))
    return found if isinstance(found, bytes) else b"" if found is None else str(found).encode()


def _milliseconds(entry: Any) -> int:
    """When an entry was added, as its id says."""
    text = entry.decode() if isinstance(entry, bytes) else str(entry)
    return int(text.partition("-")[0])
