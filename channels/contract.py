"""What a channel is: it takes messages, says what became of each, and can be asked again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol


@dataclass(frozen=True)
class Medium:
    """A way to reach a customer as campaigns name it; which adapter serves it is the workspace's choice.

    `address` is the column of `customers` that holds where to reach them, `parts` the blocks a template must have.
    """

    name: str
    address: str
    parts: tuple[str, ...]
    cap_group: str = "message"


MEDIA: dict[str, Medium] = {
    medium.name: medium
    for medium in (
        Medium("sms", "phone", ("sms",)),
        Medium("push", "push_token", ("push_title", "push")),
        Medium("email", "email", ("email_subject", "email")),
        Medium("ai_outbound", "phone", ("call",), cap_group="call"),
        Medium("agent_task", "agent_id", ("task_title", "task"), cap_group="task"),
    )
}


@dataclass(frozen=True)
class Message:
    """One message as the outbox holds it. `message_id` is the same for ever: adapters use it as idempotency key.

    Its `repr` leaves out address and words, so that neither gets into a log or a traceback.
    """

    message_id: str
    campaign: str
    purpose: str
    medium: str
    customer_id: str
    address: str = field(repr=False)
    locale: str
    parts: Mapping[str, str] = field(repr=False)
    not_before: datetime
    expires_at: datetime
    reserved_at: datetime
    timezone: str = "UTC"
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    due_at: datetime | None = None
    priority: str = ""


@dataclass(frozen=True)
class Accepted:
    """The provider has the message. `status` is the furthest state known: accepted, delivered or failed."""

    provider_id: str
    status: Literal["accepted", "delivered", "failed"] = "accepted"
    code: str = ""


@dataclass(frozen=True)
class RetryLater:
    """The provider certainly did not take it; try again after this time.

    `alert`: nobody knows what the code means, a person should look before the message expires.
    """

    after: timedelta
    code: str = ""
    detail: str = ""
    alert: bool = False


STOPPED = "stopped"
"""Code of a `RetryLater` for a message that was not tried because somebody stopped its campaign: no attempt of its own."""


def not_tried() -> RetryLater:
    """The answer for a message whose campaign was stopped while it was in hand."""
    return RetryLater(timedelta(seconds=1), STOPPED, "not tried: sending was stopped")


@dataclass(frozen=True)
class Refused:
    """The provider certainly did not take it and never will.

    `opt_out`: the recipient has told the provider to stop. `bad_address`: the address does not exist.
    `halt`: how much more would be refused as well, and must stop: this message, its campaign, or the whole channel.
    """

    reason: str
    code: str = ""
    detail: str = ""
    opt_out: bool = False
    bad_address: bool = False
    halt: Literal["message", "campaign", "channel"] = "message"


@dataclass(frozen=True)
class Unknown:
    """Nobody can say whether the provider took it: the answer was lost. Never resend on this alone; reconcile."""

    detail: str = ""


@dataclass(frozen=True)
class Absent:
    """Asked again, the provider says it never got the message: sending it is safe."""


@dataclass(frozen=True)
class Receipt:
    """What a provider reported later about one message. `refusal` says what a failure's code means for the others."""

    message_id: str
    provider_id: str
    status: Literal["accepted", "delivered", "failed"]
    code: str = ""
    refusal: Refused | None = None


Result = Accepted | RetryLater | Refused | Unknown
Finding = Accepted | Absent | Unknown


@dataclass(frozen=True)
class Profile:
    """What a gateway takes. Lint, the `gateway` gate and the final check of the words all read it.

    `alphabet` "sms" counts GSM-7/UCS-2 segments, "utf-8" counts characters. `max_segments`/`max_characters` 0 = no
    limit. `opt_out_marker`: the words the gateway prescribes; where empty and `replies` holds, the customary ones of
    the language. `hours`: local hours in which the gateway accepts anything. `promotes_insurance`: may marketing of
    insurance go through; `carries_insurance`: may anything about insurance. `batch`: how many messages `hand` likes at
    once. `looks_up`: can `reconcile` say Absent with certainty. `within_seconds`: no request of one `hand` is under way
    longer than this after its start; a lease on the messages must be longer. `prefixes`: for addresses that start so,
    the profile of that name holds instead. `source`: where all this is written.
    """

    alphabet: Literal["sms", "utf-8"] = "utf-8"
    max_segments: int = 0
    max_characters: int = 0
    signature: Literal["none", "required", "added_by_gateway"] = "none"
    opt_out_marker: str = ""
    links: bool = True
    promotes_insurance: bool = True
    carries_insurance: bool = True
    hours: tuple[str, str] | None = None
    receipts: bool = False
    replies: bool = False
    per_second: float = 0.0
    batch: int = 100
    looks_up: bool = True
    within_seconds: float = 60.0
    prefixes: tuple[tuple[str, str], ...] = ()
    source: str = ""


class Channel(Protocol):
    """An adapter: one gateway. Made by the adapter's settings; holds connections, never state that must survive."""

    profile: Profile

    async def hand(self, messages: Sequence[Message]) -> list[Result]:
        """Hand messages over, once each; one result per message, in order. Raises nothing for a provider's answer."""
        ...

    async def reconcile(self, messages: Sequence[Message]) -> list[Finding]:
        """Ask the provider what became of messages whose answer was lost; one finding per message, in order."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
