"""The stream put together: the inlet writes the inbox, a thread decides what it leads to, a page tells how it goes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from campaigns import inbox
from campaigns.live import Live, Step, opened
from campaigns.register import Register
from campaigns.turn import Turn
from kairos.errors import KairosError
from kairos.freshness import fresh, need_model
from kairos.service import in_service
from kairos.stream.arrivals import Limits
from kairos.stream.desk import Desk
from kairos.stream.inlet import Inlet, open_inlet
from kairos.stream.metrics import Metrics
from kairos.workspace import Workspace

if TYPE_CHECKING:
    from campaigns.definition import Campaign
    from campaigns.ledger import Ledger
    from triggers.facts import Facts

log = structlog.get_logger(__name__)
IDLE = 0.5
"""Seconds after which the thread looks by itself, where nobody told it that something has come."""
WAKE = timedelta(seconds=5)
"""How often steps that have come due by themselves are looked for."""
PIECE = 20_000
"""Rows of the inbox decided at once: a look costs half a second whatever it finds, so a backlog is worked off in large ones."""


@dataclass
class Totals:
    """What the stream has done since it began."""

    rows: int = 0
    reserved: int = 0
    withdrawn: int = 0
    sweeps: int = 0


class Watch:
    """The facts kept up to date and the campaigns run on them, all in one thread of its own.

    The facts are opened anew when the day changes, at every sweep where a source or a campaign has changed since, and
    after a failure; what arrived meanwhile is in the inbox.
    """

    def __init__(self, place: Workspace, clock: Callable[[], datetime], metrics: Metrics) -> None:
        self.place, self.clock, self.metrics, self.totals = place, clock, metrics, Totals()
        self._open: ExitStack | None = None
        self._live: Live | None = None
        self._ledger: Ledger | None = None
        self._files: object = None
        self._revision = 0
        self._swept = self._woken = datetime.min.replace(tzinfo=ZoneInfo("UTC"))

    def look(self) -> bool:
        """Do what there is to do; whether there may be more at once."""
        now = self.clock()
        live = self._opened(now)
        start = perf_counter()
        step = live.arrivals(now, PIECE)
        if step.rows:
            self.metrics.decide_seconds.observe(perf_counter() - start)
        self._count(step)
        if now - self._woken >= WAKE:
            self._woken = now
            self._count(live.wake(now))
        if now - self._swept >= self._sweep_every():
            self._sweep(live, now)
        self.metrics.inbox_rows.set(inbox.waiting(live.ledger, live.place)[0])
        return step.rows == PIECE

    def close(self) -> None:
        """Let facts and ledger go."""
        if self._open is not None:
            self._open.close()
        self._open = self._live = None

    def _opened(self, now: datetime) -> Live:
        if self._live is not None and not self._outdated(now):
            if Register(self._live.ledger).revision() != self._revision:  # somebody paused, stopped, approved
                self._live.campaigns = tuple(self._in_service(self._live.ledger, self._live.scene.facts, now))
            return self._live
        self.close()
        with ExitStack() as stack:
            ledger = stack.enter_context(self.place.ledger())
            facts = stack.enter_context(self.place.facts_alone(now))
            campaigns = self._in_service(ledger, facts, now)
            self._live = opened(self.place.scene(facts), campaigns, ledger, now)
            self._open = stack.pop_all()
        self._files = self.place.fingerprint()
        self._sweep(self._live, now)
        return self._live

    def _in_service(self, ledger: Ledger, facts: Facts, now: datetime) -> list[Campaign]:
        """The campaigns that may run, as people have left them and the model of offers allows."""
        service = in_service(self.place, facts.columns, ledger, now)
        need_model(self.place, service.campaigns)
        service = fresh(self.place, facts, service, now)
        for problem in service.problems:
            log.error("campaign_not_run", problem=str(problem))
        for warning in service.warnings:
            log.warning("campaign_runs", warning=warning)
        self._revision = Register(ledger).revision()
        return service.campaigns

    def _outdated(self, now: datetime) -> bool:
        """Whether the local day has changed; or, when a sweep is due, a file."""
        assert self._live is not None  # noqa: S101 - narrows the type
        zone = ZoneInfo(self.place.settings.timezone)
        if now.astimezone(zone).date() != self._live.scene.now.astimezone(zone).date():
            return True
        return now - self._swept >= self._sweep_every() and self.place.fingerprint() != self._files

    def _sweep_every(self) -> timedelta:
        return self.place.settings.stream.sweep.timedelta

    def _sweep(self, live: Live, now: datetime) -> None:
        turn: Turn = live.sweep(now)
        kept = self.place.settings.stream.keep.before(now)
        inbox.forget(live.ledger, kept)
        self._swept = self._woken = now
        self.totals.sweeps += 1
        self._count(Step(reserved=turn.reserved, withdrawn=turn.withdrawn))

    def _count(self, step: Step) -> None:
        totals, metrics = self.totals, self.metrics
        totals.rows += step.rows
        totals.reserved += step.reserved
        totals.withdrawn += step.withdrawn
        metrics.reserved.inc(step.reserved)
        metrics.withdrawn.inc(step.withdrawn)
        for (view, reason), count in step.set_aside.items():
            metrics.set_aside.labels(view, reason).inc(count)
            log.warning("facts_set_aside", view=view, reason=reason, rows=count)


async def run_stream(
    place: Workspace, clock: Callable[[], datetime], *, http: str = "", ready: Callable[[str], None] = lambda _url: None
) -> Totals:
    """Take facts and act on them until SIGTERM or SIGINT; what was taken has been decided on return.

    `ready` is told the broker's address once facts are taken. Raises KairosError where the broker cannot be reached.
    """
    _log_no_values()
    metrics, stop, news = Metrics(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watch = Watch(place, clock, metrics)
    with ThreadPoolExecutor(1, "decide") as thread, Desk(place.ledger_place, clock, news.set) as desk:
        await loop.run_in_executor(thread, watch.look)
        try:
            async with _inlet(place, desk, metrics) as inlet, _served(inlet, http):
                ready(inlet.url)
                deciding = asyncio.create_task(_decide(watch, thread, news, stop))
                telling = asyncio.create_task(_tell_lag(inlet, stop))
                await stop.wait()
            news.set()
            await asyncio.gather(deciding, telling)
        finally:
            await loop.run_in_executor(thread, watch.close)
    return watch.totals


def _log_no_values() -> None:
    """Failures are logged with the lines that led to them, without the values there: customers' data, a database's password."""
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


async def _decide(watch: Watch, thread: ThreadPoolExecutor, news: asyncio.Event, stop: asyncio.Event) -> None:
    """Look whenever something has come, and now and then; after the end once more, for what came last."""
    loop, failures = asyncio.get_running_loop(), 0
    last = False
    while not last:
        last = stop.is_set()
        news.clear()
        try:
            while await loop.run_in_executor(thread, watch.look):
                pass
            failures = 0
        except Exception as error:
            failures += 1
            log.exception("deciding_failed", error=str(error), failures=failures)
            await loop.run_in_executor(thread, watch.close)
            if last:
                raise
            await asyncio.sleep(Limits().pause(failures))
        if not last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), IDLE)


async def _tell_lag(inlet: Inlet, stop: asyncio.Event) -> None:
    """Ask the broker now and then how much waits."""
    while not stop.is_set():
        await inlet.tell_lag()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 5.0)


@asynccontextmanager
async def _inlet(place: Workspace, desk: Desk, metrics: Metrics) -> AsyncIterator[Inlet]:
    """The broker named in the settings, else a server of the workspace's own."""
    from kairos.nats_server import ServerError, start

    with ExitStack() as stack:
        url = place.settings.stream.broker
        if not url:
            try:
                url = stack.enter_context(start(place.state / "nats")).url
            except ServerError as error:
                raise KairosError(str(error)) from error
        limits = Limits(batch=place.settings.stream.batch)
        inlet = open_inlet(url, desk.take, limits=limits, metrics=metrics)
        try:
            await inlet.start()
        except Exception as error:
            await inlet.stop()
            raise KairosError(f"the broker at {_shown(url)} cannot be used: {type(error).__name__}: {error}") from error
        try:
            yield inlet
        finally:
            await inlet.stop()


def _shown(url: str) -> str:
    """The address without a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


@asynccontextmanager
async def _served(inlet: Inlet, http: str) -> AsyncIterator[None]:
    """The status pages at `host:port`; none where that is empty."""
    if not http:
        yield
        return
    from kairos.listening import served
    from kairos.stream.http import Status

    async with served(Status(inlet), http):
        yield
