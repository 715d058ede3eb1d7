"""Handing a batch over: limits hold, and nothing starts too late. And the package stays light."""

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from channels.contract import Accepted, Message, Profile, Refused, Result, RetryLater
from channels.pace import Pace

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def batch(size: int, campaign: str = "a") -> list[Message]:
    return [
        Message(f"{campaign}-{n}", campaign, "service", "sms", "C1", "+1", "en", {}, NOON, NOON, NOON)
        for n in range(size)
    ]


async def accept(message: Message) -> Result:
    return Accepted(message.message_id)


def test_no_more_than_so_many_a_second() -> None:
    start = time.monotonic()
    results = asyncio.run(Pace(Profile(per_second=100.0), 50, 1.0).each(batch(21), accept))
    assert time.monotonic() - start >= 0.19
    assert results == [Accepted(f"a-{n}") for n in range(21)]


def test_no_more_than_so_many_at_once() -> None:
    running = most = 0

    async def slowly(message: Message) -> Result:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return Accepted(message.message_id)

    asyncio.run(Pace(Profile(), 3, 1.0).each(batch(12), slowly))
    assert most == 3


def test_nothing_starts_that_could_end_after_the_lease() -> None:
    async def slowly(message: Message) -> Result:
        await asyncio.sleep(0.1)
        return Accepted(message.message_id)

    first, second = asyncio.run(Pace(Profile(within_seconds=1.05), 1, 1.0).each(batch(2), slowly))
    assert isinstance(first, Accepted)
    assert second == RetryLater(timedelta(seconds=1), "no_time", "the batch took too long, this one was not started")


def test_a_refusal_that_stops_a_campaign_stops_only_that_campaign() -> None:
    async def refuse(message: Message) -> Result:
        return Refused("stop_campaign", "30007", halt="campaign") if message.campaign == "a" else Accepted("b")

    results = asyncio.run(Pace(Profile(), 1, 1.0).each([*batch(2), *batch(1, "b")], refuse))
    assert [type(result) for result in results] == [Refused, RetryLater, Accepted]


def test_the_package_and_its_list_of_adapters_load_no_heavy_library() -> None:
    script = (
        "import sys, channels, channels.segments, channels.protocol, channels.profiles, channels.inspection\n"
        "channels.adapters()\n"
        "heavy = {'twilio', 'requests', 'google', 'aiohttp', 'faststream', 'nats', 'pandas'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
