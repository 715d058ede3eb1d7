"""What is done about a call: one thread with a ledger of its own, so that nobody who is served waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeVar

from campaigns.errors import LedgerError
from campaigns.ledger.outbox import Outbox
from campaigns.optin import Answer, confirm, open_question
from campaigns.replies import Meaning, Reply, take_reply
from triggers.phones import e164

if TYPE_CHECKING:
    from campaigns.ledger import Ledger
    from channels.contract import Receipt
    from channels.twilio_callbacks import InboundSms
    from kairos.workspace import Workspace

T = TypeVar("T")
Question = tuple[Answer | Literal["open"], str, str]


class Desk:
    """Every method raises LedgerError where nothing was written down."""

    def __init__(self, place: Workspace, clock: Callable[[], datetime]) -> None:
        self.place, self.clock = place, clock
        self._salt, self._region = place.policy().salt_of_hashes, place.settings.phone_region
        self._thread = ThreadPoolExecutor(1, "callbacks")
        self._ledger: Ledger | None = None

    async def receive(self, receipt: Receipt) -> bool:
        """Write a receipt down; False where it changed nothing."""
        return await self._do(lambda ledger: Outbox(ledger).receive(receipt, self.clock()))

    async def reply(self, sms: InboundSms) -> Meaning:
        """Act on what somebody wrote, once however often it comes."""
        number = e164(sms.sender, self._region)
        if number is None:  # a short code, or a name: nobody we write to
            return "nothing"
        said = Reply(sms.provider_id, "sms", number, sms.words, self.clock(), sms.meaning)
        return await self._do(lambda ledger: take_reply(ledger, said, self._salt))

    async def question(self, token: str) -> Question:
        """What a token is good for; changes nothing."""
        return await self._do(lambda ledger: open_question(ledger, token, self.clock()))

    async def confirm(self, token: str) -> Answer:
        """Take a token back."""
        evidence = f"confirmation page of Kairos, {self.clock():%Y-%m-%d %H:%M:%S} UTC"
        return await self._do(lambda ledger: confirm(ledger, token, self.clock(), evidence))

    async def _do(self, work: Callable[[Ledger], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._with_ledger, work)

    def _with_ledger(self, work: Callable[[Ledger], T]) -> T:
        if self._ledger is None:
            self._ledger = self.place.ledger()
        try:
            return work(self._ledger)
        except LedgerError:  # the database was started anew, say: the next call connects again
            self._ledger.close()
            self._ledger = None
            raise

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ledger is not None:
            self._thread.submit(self._ledger.close).result()
        self._thread.shutdown()
