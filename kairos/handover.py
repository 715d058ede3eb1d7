"""Hand the outbox over: channels opened, the loop run, what became of it counted."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from campaigns.answers import record_call
from campaigns.dispatch import Desk, Handover, dispatch
from campaigns.ledger import Ledger
from campaigns.ledger.outbox import Outbox
from campaigns.register import Register
from campaigns.senders import sender_for
from campaigns.switch import Watch
from channels.adapter import AdapterSettings, ChannelError, Ports
from kairos.errors import KairosError
from kairos.service import served
from kairos.workspace import Workspace

if TYPE_CHECKING:
    from channels.contract import Channel
    from channels.tasks import CallResult
    from kairos.queues import Queues

Progress = Callable[[str, int, int], None]
RESULTS_SECONDS = 10.0
"""How long a hand-over stays to record the call results that wait in the queue."""


async def hand_over(
    place: Workspace, now: datetime, clock: Callable[[], datetime], *, progress: Progress
) -> dict[str, Any]:
    """Hand over what is due at `now`; the report that `kairos send --json` prints."""
    adapters = place.adapters()
    with place.ledger() as ledger, sender_for(ledger, place.state / "senders") as sender, Watch(place.ledger) as watch:
        async with _channels(place, adapters, ledger, now, watch) as channels:
            desk = Desk(
                ledger,
                channels,
                served(place, ledger),
                place.policy(),
                place.settings.delivery,
                place.settings.timezone,
                now,
                clock,
                sender,
                place.calendar,
            )
            done = await dispatch(desk, progress)
            report = _report(place, adapters, done, now) | {"waiting": Outbox(ledger).waiting()}
            report |= {"stopped": Register(ledger).halts()}
            ledger.record_run("send", now, report)
    return report


@asynccontextmanager
async def _channels(
    place: Workspace, adapters: Mapping[str, AdapterSettings], ledger: Ledger, now: datetime, watch: Watch
) -> AsyncIterator[dict[str, Channel]]:
    """Every channel open, equal settings sharing one; closed at the end, whatever happens."""
    async with AsyncExitStack() as stack:
        publish = lookup = None
        if any(adapter.adapter == "queue" for adapter in adapters.values()):
            queues = await stack.enter_async_context(_queues(place, ledger))
            publish, lookup = queues.publish, queues.lookup
        ports = Ports(
            now=lambda: now,
            folder=place.folder,
            timezone=ZoneInfo(place.settings.timezone),
            publish=publish,
            lookup=lookup,
            claimed=Outbox(ledger).claimed,
            stopped=watch.stopped,
        )
        opened: dict[str, Channel] = {}
        channels: dict[str, Channel] = {}
        for medium, adapter in adapters.items():
            same = adapter.model_dump_json()
            if same not in opened:
                try:
                    opened[same] = adapter.open(os.environ, ports)
                except ChannelError as error:
                    raise KairosError(f"channel {medium}: {error}") from error
                stack.push_async_callback(opened[same].close)
            channels[medium] = opened[same]
        yield channels


@asynccontextmanager
async def _queues(place: Workspace, ledger: Ledger) -> AsyncIterator[Queues]:
    """The task queues, on the workspace's own server where the settings name none; results that wait are recorded meanwhile."""
    from kairos.nats_server import ServerError, start
    from kairos.queues import Queues

    async def record(result: CallResult) -> None:
        if not record_call(ledger, result):
            raise LookupError(f"no message {result.job_id}")

    with ExitStack() as stack:
        url = place.settings.queue
        if not url:
            try:
                url = stack.enter_context(start(place.state / "nats")).url
            except ServerError as error:
                raise KairosError(str(error)) from error
        async with Queues(url, record) as queues:
            yield queues
            await queues.drain(RESULTS_SECONDS)


def _report(place: Workspace, adapters: Mapping[str, AdapterSettings], done: Handover, now: datetime) -> dict[str, Any]:
    outcomes = [
        {"channel": medium, "outcome": outcome, "messages": count}
        for (medium, outcome), count in sorted(done.outcomes.items())
    ]
    folders = sorted(
        {str(place.folder / folder) for adapter in adapters.values() if (folder := getattr(adapter, "folder", ""))}
    )
    return {
        "as_of": now.isoformat(),
        "outcomes": outcomes,
        "cleared": done.cleared,
        "reconciled": dict(done.reconciled),
        "replanned": done.replanned,
        "halted": done.halted,
        "folders": folders,
    }
