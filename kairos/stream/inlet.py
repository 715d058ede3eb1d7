"""The way in: one broker, chosen by the scheme of its URL, whose messages are acknowledged only once they are written down."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

import structlog
from faststream import Context

from kairos.errors import KairosError
from kairos.stream import brokers
from kairos.stream.arrivals import Arrival, Limits, Take
from kairos.stream.metrics import Metrics

if TYPE_CHECKING:
    from faststream import FastStream

log = structlog.get_logger(__name__)
MESSAGE: Any = Context("message")
"""The message being handled, as a handler's default argument."""


PATIENCE = 5.0
"""Seconds a broker has to say how much waits."""


class Inlet(ABC):
    """Base of all brokers. One file each; what it promises is written in `tests/stream/contract.py`."""

    schemes: ClassVar[tuple[str, ...]]
    extra: ClassVar[str] = ""
    """What to install for it, as in `kairos[kafka]`; nothing where empty."""

    broker: Any
    app: FastStream

    def __init__(self, url: str, take: Take, limits: Limits, metrics: Metrics) -> None:
        self.url, self.limits, self.metrics = url, limits, metrics
        self._take, self._failures = take, 0
        self._written = self._reached = True

    @property
    def healthy(self) -> bool:
        """Whether what arrived last could be written down, and the broker answered when it was last asked."""
        return self._written and self._reached

    @abstractmethod
    async def start(self) -> None:
        """Connect, make what must be there, begin to consume."""

    async def stop(self) -> None:
        """Finish what is in hand, acknowledge it, and let go."""
        await self.broker.stop()

    @abstractmethod
    async def lag(self) -> int:
        """Messages that wait at the broker, those in hand included."""

    @abstractmethod
    async def publish(self, view: str, body: bytes) -> None:
        """Put a fact where facts arrive; on return the broker has it for good."""

    @abstractmethod
    async def bury(self, arrival: Arrival, reason: str) -> None:
        """Put a message where a person finds it, with the reason; on return the broker has it for good."""

    async def tell_lag(self) -> None:
        """Keep the lag metric up to date; a broker that cannot say is not reached."""
        try:
            async with asyncio.timeout(PATIENCE):
                self.metrics.lag_messages.set(await self.lag())
            self._reached = True
        except Exception as error:
            self._reached = False
            log.warning("lag_unknown", error=type(error).__name__)

    async def settle(self, arrivals: Sequence[Arrival]) -> bool:
        """Have arrivals written down and the unusable ones buried: True = acknowledge them all, False = bring them again.

        After a failure it first waits, longer each time, so that bringing them again is no hot loop.
        """
        try:
            with self.metrics.taking(arrivals) as outcome:
                outcome.reasons = await self._take(arrivals)
                for arrival, reason in zip(arrivals, outcome.reasons, strict=True):
                    if reason is not None:
                        await self.bury(arrival, reason)
        except Exception as error:
            self._failures += 1
            self._written = False
            pause = self.limits.pause(self._failures)
            log.warning("arrivals_not_written", error=type(error).__name__, messages=len(arrivals), pause=pause)
            await asyncio.sleep(pause)
            return False
        self._failures, self._written = 0, True
        return True

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def instant(seconds: float) -> datetime:
    """Seconds since 1970 as brokers give them."""
    return datetime.fromtimestamp(seconds, UTC)


async def unread(message: Any) -> bytes:
    """A decoder that decodes nothing: bodies are read at the desk, whatever they hold."""
    return b""


def open_inlet(url: str, take: Take, *, limits: Limits | None = None, metrics: Metrics | None = None) -> Inlet:
    """The inlet for a URL, not started yet. Raises KairosError for a scheme nobody serves, or where its client is missing."""
    scheme = urlsplit(url).scheme
    name = brokers.SCHEMES.get(scheme)
    if name is None:
        raise KairosError(f"no broker is known for {scheme or url!r}; write one of {', '.join(brokers.SCHEMES)}://...")
    try:
        module = import_module(f"{brokers.__name__}.{name}")
    except ImportError as error:
        raise KairosError(f"the client for {scheme}:// is not installed; install kairos[{name}] ({error})") from error
    found = next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Inlet) and value.__module__ == module.__name__
    )
    made: Inlet = found(url, take, limits or Limits(), metrics or Metrics())
    return made
