"""Handing a batch over side by side: so many at once, so many a second, and none started that could end too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from channels.contract import Message, Profile, Refused, Result, RetryLater, not_tried

HandOne = Callable[[Message], Awaitable[Result]]


@dataclass
class Pace:
    """Limits of one channel. `timeout` is the longest one request may take, in seconds."""

    profile: Profile
    concurrency: int
    timeout: float
    stopped: Callable[[str], bool] = lambda _campaign: False
    """Has somebody stopped this campaign, or everything?"""
    _turn: float = field(default=0.0, init=False)
    _gate: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def each(self, messages: Sequence[Message], hand_one: HandOne) -> list[Result]:
        """Hand each message over; results in order. After a refusal that halts, what it halts is not tried any more."""
        slots = asyncio.Semaphore(self.concurrency)
        last_start = asyncio.get_running_loop().time() + self.profile.within_seconds - self.timeout
        halted: dict[str, Refused] = {}

        async def one(message: Message) -> Result:
            async with slots:
                await self._wait()
                if self.stopped(message.campaign):
                    return not_tried()
                if refusal := halted.get("*") or halted.get(message.campaign):
                    return RetryLater(timedelta(minutes=10), refusal.code, f"not tried: {refusal.reason}")
                if asyncio.get_running_loop().time() > last_start:
                    return RetryLater(
                        timedelta(seconds=1), "no_time", "the batch took too long, this one was not started"
                    )
                result = await hand_one(message)
            if isinstance(result, Refused) and result.halt != "message":
                halted["*" if result.halt == "channel" else message.campaign] = result
            return result

        return list(await asyncio.gather(*(one(message) for message in messages)))

    async def _wait(self) -> None:
        if not self.profile.per_second:
            return
        async with self._gate:
            loop = asyncio.get_running_loop()
            start = max(self._turn, loop.time())
            self._turn = start + 1 / self.profile.per_second
            await asyncio.sleep(max(0.0, start - loop.time()))
