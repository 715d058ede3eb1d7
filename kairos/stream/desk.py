"""Where arrivals are written down: the inbox, one transaction a batch, in a thread of its own so that nobody waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from campaigns import inbox
from campaigns.errors import LedgerLostError

if TYPE_CHECKING:
    from campaigns.ledger import Ledger
    from kairos.stream.arrivals import Arrival


class Desk:
    """Takes arrivals into a ledger. `took` is called, in the loop, after each batch that was written."""

    def __init__(
        self, ledger: Path | str, clock: Callable[[], datetime], took: Callable[[], None] = lambda: None
    ) -> None:
        self._place, self._clock, self._took = ledger, clock, took
        self._thread = ThreadPoolExecutor(1, "inbox")
        self._ledger: Ledger | None = None

    async def take(self, arrivals: Sequence[Arrival]) -> Sequence[str | None]:
        """Write arrivals down; per arrival None, or why it can never be a fact. Raises LedgerError where nothing was written."""
        reasons = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, arrivals)
        self._took()
        return reasons

    def _write(self, arrivals: Sequence[Arrival]) -> list[str | None]:
        if self._ledger is None:
            from campaigns.ledger import Ledger

            self._ledger = Ledger(self._place)
        try:
            return inbox.take(self._ledger, [(each.view, each.body) for each in arrivals], self._clock())
        except LedgerLostError:  # the database was started anew, say: the next batch connects again
            self._ledger.close()
            self._ledger = None
            raise

    def close(self) -> None:
        """Finish what is being written and let go."""
        if self._ledger is not None:
            self._thread.submit(self._ledger.close).result()
        self._thread.shutdown()

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
