"""What passes from a broker to the desk that writes it down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

PREFIX = "kairos.facts"
"""Facts arrive under this name and the canonical view they are for: `kairos.facts.events`."""
DEAD = "kairos.dead.facts"
"""Where messages go that can never be facts, with the reason."""
GROUP = "kairos-facts"
"""The consumer group, durable consumer or queue of Kairos at the broker."""


@dataclass(frozen=True)
class Arrival:
    """A message as it arrived: the view it is for, its body, and when it was published where the broker says so."""

    view: str
    body: bytes
    published_at: datetime | None = None


Take = Callable[[Sequence[Arrival]], Awaitable[Sequence[str | None]]]
"""Write arrivals down durably in one transaction: per arrival None where it is kept, else why it can never be used.

Raising means that nothing was written, and that all of them are to be brought again later.
"""


@dataclass(frozen=True)
class Limits:
    """How much is in hand at once, and times in seconds.

    `linger`: how long a batch waits for more; `ack_wait`: after which the broker brings a message again that nobody
    acknowledged; pauses double from the first to the longest while nothing can be written; `kept`: how long a broker
    that keeps what was read keeps it.
    """

    batch: int = 2000
    linger: float = 0.2
    ack_wait: float = 8.0
    first_pause: float = 0.5
    longest_pause: float = 10.0
    kept: float = 7 * 86_400

    def pause(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return float(min(self.longest_pause, self.first_pause * 2 ** (failures - 1)))


def view_of(channel: str) -> str:
    """The view a channel's name ends with."""
    return channel.rpartition(".")[2]
