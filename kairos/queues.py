"""Task queues: calls and follow-ups go out, call results come back. FastStream on NATS JetStream.

Tasks are kept under one subject each, so that putting one twice keeps one, and so that a lost answer can be asked for.
A result is acknowledged only after it was recorded; one that cannot be recorded comes again later, one that cannot even
be read goes to a stream of its own, where a person finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from channels.adapter import MaybePublishedError, NotPublishedError
from channels.queue import PREFIX
from channels.tasks import RESULTS, AgentTask, CallResult, CallTask
from kairos.jetstream import ensure_streams

if TYPE_CHECKING:
    from faststream import FastStream
    from faststream.nats import NatsBroker, NatsMessage

log = structlog.get_logger(__name__)

Record = Callable[[CallResult], Awaitable[None]]
"""Write a call's result down, durably, once per `result_id`; raising means: bring it again later."""

TASKS_STREAM, RESULTS_STREAM, DEAD_STREAM = "KAIROS_TASKS", "KAIROS_RESULTS", "KAIROS_DEAD"
DEAD = "kairos.dead.ai_outbound"
RESULTS_CONSUMER = "kairos-results"
ALREADY_THERE = 10071
"""JetStream's error code where a subject that should be empty (`Nats-Expected-Last-Subject-Sequence: 0`) is not."""


class NotRecordedError(Exception):
    """A result could not be written down; the message is the kind of error it failed with."""


@dataclass(frozen=True)
class QueueLimits:
    """Times in seconds. Tasks are kept longer than any message stays undecided, results until a person has looked."""

    timeout: float = 5.0
    tasks_kept: float = 30 * 86_400
    results_kept: float = 90 * 86_400
    ack_wait: float = 60.0
    first_pause: float = 1.0
    longest_pause: float = 600.0
    most_deliveries: int = 20

    def pause(self, deliveries: int) -> float:
        """How long to wait before the next delivery, doubling each time."""
        return float(min(self.longest_pause, self.first_pause * 2 ** (deliveries - 1)))


class Queues:
    """The queues of one workspace at one NATS address. `record` None: tasks only, nothing is consumed."""

    def __init__(self, url: str, record: Record | None = None, *, limits: QueueLimits | None = None) -> None:
        from faststream import FastStream
        from faststream.nats import NatsBroker

        self.limits = limits or QueueLimits()
        self.broker: NatsBroker = NatsBroker(
            url,
            connect_timeout=int(self.limits.timeout) or 1,
            graceful_timeout=15.0,
            logger=None,
            middlewares=(_settling(self),) if record else (),
            description="the insurer's task queue",
        )
        self._client: Any = None
        self.app: FastStream = FastStream(self.broker)
        _publishers(self.broker)
        if record is not None:
            _results(self.broker, record, self.limits)

    async def start(self) -> None:
        """Connect, make the streams, begin to consume. Raises what the NATS client raises where no server answers."""
        self._client = await self.broker.connect()
        await self._make_streams()
        await self.broker.start()

    async def stop(self) -> None:
        """Finish what is in hand and let go."""
        await self.broker.stop()

    async def __aenter__(self) -> Queues:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def publish(self, subject: str, payload: bytes, message_id: str) -> None:
        """Keep `payload` under `subject` unless something is there; on return it is on disk.

        Raises NotPublishedError where the server certainly has not got it, MaybePublishedError where nobody can say.
        """
        from nats.errors import Error
        from nats.js.errors import APIError, NoStreamResponseError

        if not self._connected():
            raise NotPublishedError("there is no connection to the task queue")
        # refuses a second copy for as long as the first is kept; Nats-Msg-Id alone does so for two minutes
        headers = {
            "Nats-Msg-Id": message_id,
            "Nats-Expected-Last-Subject-Sequence": "0",
            "content-type": "application/json",
        }
        try:
            await self.broker.publish(
                payload, subject, headers=headers, stream=TASKS_STREAM, timeout=self.limits.timeout
            )
        except NoStreamResponseError:
            raise NotPublishedError("the task queue has no stream for tasks") from None
        except APIError as error:
            if error.err_code != ALREADY_THERE:
                raise NotPublishedError(f"the task queue refused the task: {error.err_code}") from None
        except (Error, TimeoutError, OSError) as error:
            raise MaybePublishedError(f"no answer from the task queue: {type(error).__name__}") from None

    async def lookup(self, subject: str) -> bool:
        """Is there a task under `subject`? Raises MaybePublishedError where nobody can say."""
        from nats.errors import Error
        from nats.js.errors import NotFoundError

        if not self._connected():
            raise MaybePublishedError("there is no connection to the task queue")
        try:
            await self.jetstream().get_last_msg(TASKS_STREAM, subject)
        except NotFoundError:
            return False
        except (Error, TimeoutError, OSError) as error:
            raise MaybePublishedError(f"the task queue cannot say: {type(error).__name__}") from None
        return True

    async def postpone(self, message: NatsMessage, error: NotRecordedError) -> None:
        """Have a result that could not be recorded brought again, later each time, and at last bury it."""
        deliveries = message.raw_message.metadata.num_delivered
        log.warning("call_result_not_recorded", error=str(error), deliveries=deliveries)
        if deliveries >= self.limits.most_deliveries:
            return await self.bury(message, str(error))
        await message.nack(delay=self.limits.pause(deliveries))

    async def bury(self, message: NatsMessage, reason: str) -> None:
        """Put a result nobody can use where a person finds it, and only then take it out of the queue."""
        log.error("call_result_set_aside", reason=reason, subject=DEAD)
        headers = {"kairos-reason": reason}
        await self.broker.publish(message.body, DEAD, headers=headers, stream=DEAD_STREAM, timeout=self.limits.timeout)
        await message.reject()

    def jetstream(self) -> Any:
        """The client's JetStream, for whoever looks after the streams."""
        return self._client.jetstream()

    async def drain(self, longest: float) -> None:
        """Stay until every result that waits has been recorded, `longest` seconds at most; what is postponed does not wait."""
        deadline = asyncio.get_running_loop().time() + longest
        while asyncio.get_running_loop().time() < deadline:
            state = await self.jetstream().consumer_info(RESULTS_STREAM, RESULTS_CONSUMER)
            if not state.num_pending and not state.num_ack_pending:
                return
            await asyncio.sleep(0.05)

    def _connected(self) -> bool:
        return self._client is not None and bool(self._client.is_connected)

    async def _make_streams(self) -> None:
        from nats.js.api import StreamConfig

        limits = self.limits
        streams = (
            StreamConfig(TASKS_STREAM, subjects=[f"{PREFIX}.>"], max_age=limits.tasks_kept),
            StreamConfig(RESULTS_STREAM, subjects=["kairos.results.>"], max_age=limits.results_kept),
            StreamConfig(DEAD_STREAM, subjects=["kairos.dead.>"], max_age=limits.results_kept),
        )
        await ensure_streams(self.jetstream(), streams)


def _publishers(broker: NatsBroker) -> None:
    """The tasks, so that they are in the document partners read."""
    tasks: tuple[tuple[str, type[CallTask | AgentTask]], ...] = (("ai_outbound", CallTask), ("agent_task", AgentTask))
    for medium, schema in tasks:
        description = (
            f"one subject a task: {PREFIX}.{medium}.<message id>; a task may come again, its dedup_key never changes"
        )
        broker.publisher(f"{PREFIX}.{medium}.*", title=f"{PREFIX}.{medium}", description=description, schema=schema)


def _settling(queues: Queues) -> Any:
    """Says when a result is done with. FastStream's own policies lose a failing message or bring it again at once."""
    from faststream import BaseMiddleware

    class Settling(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            try:
                done = await call_next(msg)
            except NotRecordedError as error:
                return await queues.postpone(msg, error)
            except Exception as error:  # it was not even read: neither JSON nor a CallResult
                return await queues.bury(msg, type(error).__name__)
            await msg.ack()
            return done

    return Settling


def _results(broker: NatsBroker, record: Record, limits: QueueLimits) -> None:
    from faststream import AckPolicy
    from faststream.nats import JStream, PullSub
    from nats.js.api import ConsumerConfig

    @broker.subscriber(
        RESULTS,
        stream=JStream(RESULTS_STREAM, declare=False),
        durable=RESULTS_CONSUMER,
        pull_sub=PullSub(batch_size=100, timeout=1.0),
        config=ConsumerConfig(ack_wait=limits.ack_wait, max_deliver=-1),
        ack_policy=AckPolicy.MANUAL,
        title=RESULTS,
        description="what came of a call; publish one for each attempt",
        no_reply=True,
    )
    async def take(result: CallResult) -> None:
        try:
            await record(result)
        except Exception as error:
            raise NotRecordedError(type(error).__name__) from error


def document() -> dict[str, Any]:
    """The AsyncAPI document of the queues, for whoever carries out the tasks. Needs no server."""
    from faststream.specification import AsyncAPI

    async def unused(result: CallResult) -> None:
        raise RuntimeError(f"a document consumes nothing, not even {result.result_id}")

    queues = Queues("nats://127.0.0.1:4222", unused)
    words = "Tasks for calls and agents, and what came of the calls."
    specification = AsyncAPI(
        queues.broker, title="Kairos task queues", version="1.0.0", description=words
    ).to_specification()
    described: dict[str, Any] = specification.to_jsonable()
    return described
