"""Double opt-in: a consent asked for grants nothing until the customer confirms it with the token only they were sent.

Asking is a fact like any other: an event of type `consent_requested` (event id `consent:` and the request's, subject the token),
which a campaign answers with the message that holds the token.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from campaigns.consents import Statement
from campaigns.errors import CampaignError
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds
from campaigns.policy import PURPOSES
from channels.contract import MEDIA

EVENT = "consent_requested"
SHORTEST = 22
"""Characters of a token: 22 of a URL-safe alphabet of 64 hold 132 bits."""

Answer = Literal["confirmed", "unknown", "used", "replaced", "expired"]


@dataclass(frozen=True)
class Request:
    """A consent to be asked for. The same `request_id` asks once, however often it comes."""

    request_id: str
    customer_id: str
    purpose: str
    medium: str
    text_version: str

    def __post_init__(self) -> None:
        if self.purpose not in (*PURPOSES, "*") or self.medium not in (*MEDIA, "*"):
            raise CampaignError(
                f"nobody can agree to {self.purpose!r} on {self.medium!r}; purposes are {', '.join(PURPOSES)}, "
                f"channels {', '.join(MEDIA)}, and * is all of them"
            )
        if not self.text_version:
            raise CampaignError("a consent is to a wording; say which version of it")


def ask(ledger: Ledger, request: Request, token: str, now: datetime, expires_at: datetime) -> bool:
    """Note the question and the event that has it asked; False where it was asked before.

    An earlier question for the same consent can no longer be answered. `token` must be drawn by the caller from a source
    nobody can guess; the request keeps its hash. Raises ValueError for a token that is too short.
    """
    if len(token) < SHORTEST:
        raise ValueError(f"a token of {len(token)} characters can be guessed")
    values = {**vars(request), "token_hash": fingerprint(token), "now": seconds(now), "expires_at": seconds(expires_at)}
    with ledger.store.transaction():
        new = ledger.store.run("ask_consent", values) > 0
        if new:
            ledger.store.run("replace_requests", values)
            ledger.store.many("arrive", [_arrival(request, token, now)])
    return new


def confirm(ledger: Ledger, token: str, now: datetime, evidence: str) -> Answer:
    """Take a token back: once, before it expires. The consent and the end of the question are one transaction."""
    with ledger.store.transaction():
        found = ledger.store.rows("request_by_token", token_hash=fingerprint(token))
        return settle(ledger, found[0], now, evidence) if found else "unknown"


def open_question(ledger: Ledger, token: str, now: datetime) -> tuple[Answer | Literal["open"], str, str]:
    """What a token is good for, changing nothing, with purpose and channel of its question ("" where it is unknown)."""
    found = ledger.store.rows("request_by_token", token_hash=fingerprint(token))
    if not found:
        return "unknown", "", ""
    about = (found[0]["purpose"], found[0]["medium"])
    if found[0]["state"] != "requested":
        return ("used" if found[0]["state"] == "confirmed" else "replaced"), *about
    return ("expired" if found[0]["expires_at"] <= seconds(now) else "open"), *about


def settle(ledger: Ledger, request: dict[str, Any], now: datetime, evidence: str) -> Answer:
    """Confirm a request of the ledger, within the transaction of the caller."""
    if request["state"] != "requested":
        return "used" if request["state"] == "confirmed" else "replaced"
    if request["expires_at"] <= seconds(now):
        return "expired"
    request_id = request["request_id"]
    ledger.store.run("confirm_request", {"request_id": request_id, "now": seconds(now), "evidence": evidence})
    said = Statement(
        f"request {request_id}",
        request["customer_id"],
        request["purpose"],
        request["medium"],
        True,
        max(now, instant(request["requested_at"])),
        text_version=request["text_version"],
        evidence=f"request {request_id}, {evidence}",
        source="double_opt_in",
    )
    ledger.store.many("tell", [said.values()])
    return "confirmed"


def fingerprint(token: str) -> str:
    """What the ledger keeps of a token. A token holds more than a hundred bits: no salt is needed to keep it from being guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _arrival(request: Request, token: str, now: datetime) -> tuple[str, str, str, int]:
    """The event, as the inbox keeps facts that arrived."""
    event_id, at = f"consent:{request.request_id}", now.isoformat()
    told = {"purpose": request.purpose, "channel": request.medium, "text_version": request.text_version}
    event = {
        "event_id": event_id,
        "customer_id": request.customer_id,
        "type": EVENT,
        "occurred_at": at,
        "subject_id": token,
        "channel": request.medium,
        "properties": json.dumps(told),
        "recorded_at": at,
    }
    return "events", event_id, json.dumps(event, ensure_ascii=False), seconds(now)
