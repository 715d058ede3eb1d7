"""What may become of a delivery: a pure table of states and events, for the ledger's SQL and for the model checker.

Whoever works on a delivery holds its *token*: every lease raises it by one. What takes a delivery back or gives it up
is *fenced*: it counts only with the token as it was read. Evidence that the provider has the message needs no token:
it is true whoever brings it, whenever and however often.

What the table cannot say, its callers must keep: nothing is posted unless `INTEND` was committed and the lease still
lives (`Profile.within_seconds` < length of the lease); `LEASE_EXPIRE` comes only after that time plus a grace; the
provider is asked only while the delivery is unknown, and the answer is committed with the token read before asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from channels.contract import Absent, Accepted, Finding, Refused, Result, RetryLater, Unknown


class State(StrEnum):
    """Where a delivery stands. Reserved may be under lease; handed = the intent to post is on record."""

    RESERVED = "reserved"
    HANDED = "handed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    RETRACTED = "retracted"
    ACCEPTED = "accepted"
    FAILED = "failed"
    DELIVERED = "delivered"


class Event(StrEnum):
    """What can happen to a delivery."""

    LEASE = "lease"
    INTEND = "intend"
    RETRY = "retry"
    REFUSE = "refuse"
    LOSE = "lose"
    LEASE_EXPIRE = "lease_expire"
    ABSENT = "absent"
    UNDECIDED = "undecided"
    GIVE_UP = "give_up"
    SEND_AGAIN = "send_again"
    EXPIRE = "expire"
    RETRACT = "retract"
    SEEN_ACCEPTED = "seen_accepted"
    SEEN_FAILED = "seen_failed"
    SEEN_DELIVERED = "seen_delivered"


_R, _H, _U = State.RESERVED, State.HANDED, State.UNKNOWN

forward_rank: dict[State, int] = {state: rank for rank, state in enumerate(State)}
"""Evidence moves a delivery only to a higher rank: the end is the maximum, whatever the order or number of receipts."""

EVIDENCE: dict[Event, State] = {
    Event.SEEN_ACCEPTED: State.ACCEPTED,
    Event.SEEN_FAILED: State.FAILED,
    Event.SEEN_DELIVERED: State.DELIVERED,
}
"""Events that show the provider has the message, and the state each shows."""

FENCED = frozenset(
    {Event.INTEND, Event.RETRY, Event.REFUSE, Event.LOSE, Event.LEASE_EXPIRE}
    | {Event.ABSENT, Event.UNDECIDED, Event.GIVE_UP, Event.SEND_AGAIN}
)
"""Events that count only with the delivery's current token."""

TERMINAL = frozenset({State.EXPIRED, State.RETRACTED, State.ACCEPTED, State.FAILED, State.DELIVERED})
"""States in which nothing is left to do; only evidence may still move them forward."""

_ANSWERS: dict[tuple[State, Event], State] = {
    (_H, Event.RETRY): _R,
    (_H, Event.REFUSE): State.FAILED,
    (_H, Event.LOSE): _U,
    (_H, Event.LEASE_EXPIRE): _U,
    # the lease ran out while the answer was under way, and nobody else has leased since: the answer is still the truth
    (_U, Event.RETRY): _R,
    (_U, Event.REFUSE): State.FAILED,
    (_U, Event.LOSE): _U,
    # a receipt was quicker than the answer and says more
    (State.ACCEPTED, Event.LOSE): State.ACCEPTED,
    (State.FAILED, Event.LOSE): State.FAILED,
    (State.DELIVERED, Event.LOSE): State.DELIVERED,
}

_FORWARD = {
    (state, event): max(state, seen, key=forward_rank.__getitem__)
    for event, seen in EVIDENCE.items()
    for state in State
}

TRANSITIONS: dict[tuple[State, Event], State] = {
    (_R, Event.LEASE): _R,
    (_R, Event.INTEND): _H,
    (_R, Event.LEASE_EXPIRE): _R,
    (_R, Event.EXPIRE): State.EXPIRED,
    (_R, Event.RETRACT): State.RETRACTED,
    **_ANSWERS,
    (_U, Event.ABSENT): _R,
    (_U, Event.UNDECIDED): _U,
    (_U, Event.GIVE_UP): State.FAILED,
    (_U, Event.SEND_AGAIN): _R,
    **_FORWARD,
}
"""Every legal move; what is not here is illegal."""


def sources(event: Event) -> tuple[State, ...]:
    """States from which the event is legal and changes something or holds the lease: for `where state in (...)`."""
    return tuple(state for state in State if (state, event) in TRANSITIONS)


class IllegalMoveError(Exception):
    """The event cannot happen in this state: the caller's picture of the delivery is out of date, read it again."""


class StaleTokenError(IllegalMoveError):
    """Somebody else has leased the delivery since: this caller's word about it no longer counts."""


@dataclass(frozen=True)
class Delivery:
    """State, fencing token (number of leases so far) and whether a lease is held."""

    state: State = State.RESERVED
    token: int = 0
    leased: bool = False


def step(delivery: Delivery, event: Event, token: int | None = None) -> Delivery:
    """The delivery after the event; `token` is the caller's. Raises `StaleTokenError` or `IllegalMoveError`."""
    if event in FENCED and token != delivery.token:
        raise StaleTokenError(f"{event} with token {token}, the delivery is at {delivery.token}")
    _check_lease(delivery, event)
    after = TRANSITIONS.get((delivery.state, event))
    if after is None:
        raise IllegalMoveError(f"{event} cannot happen to a delivery that is {delivery.state}")
    if event is Event.LEASE:
        return Delivery(after, delivery.token + 1, leased=True)
    return Delivery(after, delivery.token, leased=after is State.HANDED)


def _check_lease(delivery: Delivery, event: Event) -> None:
    if event in (Event.LEASE, Event.EXPIRE, Event.RETRACT) and delivery.leased:
        raise IllegalMoveError(f"{event} while somebody holds the lease")
    if event in (Event.INTEND, Event.LEASE_EXPIRE) and not delivery.leased:
        raise IllegalMoveError(f"{event} without a lease")


def answer(result: Result | Finding) -> Event:
    """The event a channel's result or finding is. `Unknown` from a reconcile is `UNDECIDED`, see `finding`."""
    match result:
        case Accepted(status=status):
            return receipt(status)
        case RetryLater():
            return Event.RETRY
        case Refused():
            return Event.REFUSE
        case Unknown():
            return Event.LOSE
        case Absent():
            return Event.ABSENT


def finding(found: Finding) -> Event:
    """The event a reconcile's finding is."""
    return Event.UNDECIDED if isinstance(found, Unknown) else answer(found)


def receipt(status: str) -> Event:
    """The event a receipt's status is. Raises ValueError for a status that is none."""
    return Event(f"seen_{status}")


def window_closed(purpose: str) -> Event:
    """What to do when the time to find out is over: marketing at most once, everything else at least once."""
    return Event.GIVE_UP if purpose == "marketing" else Event.SEND_AGAIN
