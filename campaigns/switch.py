"""Looks at the kill switch several times a second while messages leave, so that a batch in hand stops between two of them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType

from campaigns.errors import LedgerError
from campaigns.ledger import Ledger
from campaigns.register import ALL

EVERY = 0.2
"""Seconds between two looks."""


class Watch:
    """A thread with a ledger of its own; `stopped` may be asked from any thread and costs nothing.

    Where the switch cannot be read, everything counts as stopped: a sender that does not know does not send.
    """

    def __init__(self, opened: Callable[[], Ledger]) -> None:
        self._opened = opened
        self._halted: frozenset[str] = frozenset()
        self._failure: Exception | None = None
        self._over = Event()
        self._looked = Event()
        self._thread = Thread(target=self._look_on, name="switch", daemon=True)

    def stopped(self, campaign: str) -> bool:
        """Whether nothing more of this campaign may leave."""
        halted = self._halted
        return ALL in halted or campaign in halted

    def _look_on(self) -> None:
        try:
            with self._opened() as ledger:
                while not self._over.is_set():
                    self._halted = frozenset(name for name, _, _ in ledger.store.all("halts"))
                    self._looked.set()
                    self._over.wait(EVERY)
        except Exception as error:  # whatever it is: who cannot look does not send, and the sender is told at the end
            self._halted, self._failure = frozenset({ALL}), error
        finally:
            self._looked.set()

    def __enter__(self) -> Watch:
        self._thread.start()
        self._looked.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._failure is not None and error is None:
            raise LedgerError(f"nothing was sent any more, for the kill switch could not be read: {self._failure}")
