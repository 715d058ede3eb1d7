"""What customers write back: a stop, a confirmation, something for a person, or nothing to do with us. Exact words only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds
from campaigns.optin import settle
from campaigns.pseudonyms import hashed, salt_check
from channels.contract import MEDIA
from channels.optouts import read_answer

Meaning = Literal["opt_out", "confirm", "help", "person", "nothing"]


@dataclass(frozen=True)
class Reply:
    """A message from an address (a phone number in E.164, or an e-mail address). `answer_id`: the provider's id of it.

    `meaning`: what the provider took it for and has acted on already, whatever the words.
    """

    answer_id: str
    medium: str
    address: str
    words: str
    at: datetime
    meaning: Meaning | None = None


def take_reply(ledger: Ledger, reply: Reply, salt: str) -> Meaning:
    """Act on a reply, once however often it comes; what it was taken to mean.

    A stop counts for everybody the address belongs to. Where nobody is known under it, the address itself is never
    contacted again. A confirmation counts only where exactly one question is open at the address; where several are, a
    person has to ask. A yes nobody asked for is nothing: no word brings anybody back.
    """
    store, at = ledger.store, seconds(reply.at)
    with store.transaction():
        known = store.one("answered", answer_id=reply.answer_id)
        if known:
            meaning: Meaning = known[0]
            return meaning
        customers = [row[0] for row in store.all("customers_at", address=reply.address)]
        meaning = _act(ledger, reply, customers, salt)
        kept = {
            "answer_id": reply.answer_id,
            "medium": reply.medium,
            "words": reply.words,
            "meaning": meaning,
            "at": at,
        }
        store.many("keep_answer", [{**kept, "customer_id": customer} for customer in customers])
    return meaning


def _act(ledger: Ledger, reply: Reply, customers: list[str], salt: str) -> Meaning:
    meaning: Meaning = reply.meaning or read_answer(reply.words)
    if meaning == "confirm":
        meaning = _confirm(ledger, reply)
    if meaning == "opt_out":
        _stop(ledger, reply, customers, salt)
    if meaning == "person":
        _hand_to_person(ledger, reply, customers)
    return meaning


def _confirm(ledger: Ledger, reply: Reply) -> Meaning:
    values = {"address": reply.address, "medium": reply.medium, "now": seconds(reply.at)}
    asked = ledger.store.rows("requests_asked_at", **values)
    if len(asked) == 1 and settle(ledger, asked[0], reply.at, f"answer {reply.answer_id}") == "confirmed":
        return "confirm"
    return "person" if asked else "nothing"


def _stop(ledger: Ledger, reply: Reply, customers: list[str], salt: str) -> None:
    at, source = seconds(reply.at), f"answer {reply.answer_id}"
    same = {"purpose": "*", "medium": reply.medium, "at": at, "source": source}
    ledger.store.many("opt_out", [{**same, "customer_id": customer} for customer in customers])
    if not customers:
        kind = MEDIA[reply.medium].address
        value = reply.address.lower()
        row = {
            "hash": hashed(salt, value),
            "kind": kind,
            "salt_check": salt_check(salt),
            "now": at,
            "reason": "opt_out",
        }
        ledger.store.many("never_contact", [row])


def _hand_to_person(ledger: Ledger, reply: Reply, customers: list[str]) -> None:
    detail = json.dumps({"words": reply.words, "wants_person": True}, ensure_ascii=False)
    same = {"event_id": f"answer:{reply.answer_id}", "medium": reply.medium, "at": seconds(reply.at), "detail": detail}
    ledger.store.many("want_person", [{**same, "customer_id": customer} for customer in customers])
