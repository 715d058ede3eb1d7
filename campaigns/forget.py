"""Erasing a customer: words, addresses, traces and names go, the counts stay, and nobody contacts them again.

One transaction: a process that dies leaves the customer as they were, or erased. Done again, it finds nothing and changes
nothing. Files of the archive are written anew after it, found by what the ledger keeps of archived moments under the
customer's pseudonym: a process that dies between leaves that to whoever does it again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from campaigns.archived_customer import ArchivedCustomer
from campaigns.audit import record
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds
from campaigns.person import Row, holdings
from campaigns.pseudonyms import ERASED, hashed, pseudonym, salt_check
from channels.contract import MEDIA

ADDRESSES = {"phone": "phone", "email": "email"}
"""Column of customers that holds an address of the customer's own -> the kind of its hash."""


@dataclass(frozen=True)
class Known:
    """What the insurer's tables still say about the customer: addresses and policies, so that all of it is found."""

    phones: Collection[str] = ()
    emails: Collection[str] = ()
    policies: Collection[str] = ()


@dataclass
class Erasure:
    """What became of one customer. `in_hand`: messages with a sender, for which the whole erasure waits; `unreached`: folders
    of the archive that are not where they were, for which it waits too; `archived`: rows that went out of the archive."""

    pseudonym: str
    rows: dict[str, int] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)
    in_hand: int = 0
    unreached: list[str] = field(default_factory=list)
    archived: int = 0

    @property
    def done(self) -> bool:
        """Whether the customer is erased."""
        return not (self.in_hand or self.unreached)

    def as_dict(self) -> dict[str, Any]:
        """The report; nothing in it says who it was."""
        return {
            "pseudonym": self.pseudonym,
            "done": self.done,
            "in_hand": self.in_hand,
            "unreached": self.unreached,
            "archived": self.archived,
            "rows": self.rows,
            "hashes": self.hashes,
        }


def forget(
    ledger: Ledger,
    customer_id: str,
    salt: str,
    now: datetime,
    known: Known | None = None,
    by: str = "",
    home: Path = Path(),
) -> Erasure:
    """Erase everything the ledger holds about a customer but that it happened, and note that nobody contacts them again.

    Nothing is done while a message of theirs is in a sender's hand, or nobody knows what became of it: its answer would
    come to nobody. Afterwards `Store.scour` clears what lies in freed pages. `by`: who does it, for the audit log; `home`:
    what the folders of the archive are relative to.
    """
    names = [customer_id, pseudonym(salt, customer_id)]
    with ledger.store.alone([customer_id]):  # nobody writes a message to whoever is being erased
        erasure = ledger.store.repeat(lambda: _forget(ledger, customer_id, salt, now, known or Known(), (by, home)))
    if erasure.done:
        erasure.archived = ArchivedCustomer.of(ledger, names, home).drop(ledger)
    return erasure


def _forget(
    ledger: Ledger, customer_id: str, salt: str, now: datetime, known: Known, who_and_where: tuple[str, Path]
) -> Erasure:
    by, home = who_and_where
    erasure = Erasure(pseudonym(salt, customer_id))
    ledger.store.in_line("archive")  # nothing of theirs moves meanwhile
    archived = ArchivedCustomer.of(ledger, [customer_id, erasure.pseudonym], home)
    erasure.in_hand = int((ledger.store.one("in_hand", customer=customer_id) or (0,))[0])
    erasure.unreached = archived.missing()
    if erasure.done:
        held = holdings(ledger, customer_id, known.policies)
        erasure.rows = {table: len(rows) for table, rows in held.items() if rows}
        messages = [*held["messages"], *archived.rows().get("messages", [])]
        erasure.hashes, new = _never_again(ledger, customer_id, salt, now, _addresses(messages, known))
        _erase(ledger, customer_id, salt, seconds(now), held)
        _note(ledger, erasure, now, by, changed=bool(erasure.rows or new))
    return erasure


def _note(ledger: Ledger, erasure: Erasure, now: datetime, by: str, *, changed: bool) -> None:
    """That it was done and by whom, without saying to whom; in the same transaction. What changed nothing was a run alone."""
    if changed:
        record(ledger, now, by, "forget", "", {"pseudonym": erasure.pseudonym, "rows": erasure.rows})
    values = {"command": "forget", "as_of": seconds(now), "report": json.dumps(erasure.as_dict())}
    ledger.store.run("record_run", values)


def _addresses(messages: Sequence[Row], known: Known) -> set[tuple[str, str]]:
    """Every (kind, address) of the customer's own that is known."""
    found = {("phone", phone) for phone in known.phones} | {("email", email.lower()) for email in known.emails}
    for message in messages:
        kind = ADDRESSES.get(MEDIA[message["medium"]].address) if message["medium"] in MEDIA else None
        if kind and message["address"]:
            found.add((kind, message["address"].lower()))
    return found


def _never_again(
    ledger: Ledger, customer_id: str, salt: str, now: datetime, addresses: Collection[tuple[str, str]]
) -> tuple[dict[str, int], int]:
    """How many hashes of the id and of every address by kind, and how many of them are new; an id of one erased is nobody's."""
    if customer_id.startswith(ERASED):
        return {}, 0
    values = [("customer", f"customer:{customer_id}"), *sorted(addresses)]
    same = {"salt_check": salt_check(salt), "now": seconds(now), "reason": "erased"}
    new = ledger.store.many(
        "never_contact", [{"hash": hashed(salt, value), "kind": kind, **same} for kind, value in values]
    )
    kinds = [kind for kind, _ in values]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}, new


def _erase(ledger: Ledger, customer_id: str, salt: str, now: int, held: dict[str, list[Row]]) -> None:
    store = ledger.store
    who = {"customer": customer_id, "pseudonym": pseudonym(salt, customer_id), "now": now}

    def other(value: str) -> str:
        return hashed(salt, value)[:32]

    def rows(table: str, **made: Any) -> list[Row]:
        """The rows of a table with what they are named by replaced: `new_name=old_name`."""
        return [{**row, **who, **{name: other(str(row[old])) for name, old in made.items()}} for row in held[table]]

    _withdraw(ledger, held["messages"])
    undecided = [row for row in rows("moments") if row["status"] in ("pending", "held")]
    store.many("undecided", undecided)
    store.many("erase_decisions", rows("moments"))
    store.many("erase_outcomes", rows("outcomes", pseudonymous_event="event_id"))
    messages = rows("messages", pseudonymous_message="message_id")
    store.many("erase_archived_messages", rows("archived_messages", pseudonymous_message="message_id"))
    for name in ("erase_attempts", "erase_receipts", "erase_messages"):
        store.many(name, messages)
    store.many(
        "erase_moments",
        [{**row, "subject": _subject(row, other), "occasion": other(row["occasion"])} for row in rows("moments")],
    )
    store.many("erase_memberships", rows("memberships", pseudonymous_subject="subject"))
    store.many("erase_consent_statements", rows("consent_statements", pseudonymous_statement="statement_id"))
    store.many("erase_consent_requests", rows("consent_requests", pseudonymous_request="request_id"))
    store.many("erase_answers", rows("answers", pseudonymous_answer="answer_id"))
    store.run("erase_opt_outs", who)
    store.run("erase_assignments", who)
    store.many("erase_arrival", [(row["seq"],) for row in held["inbox"]])


def _withdraw(ledger: Ledger, messages: Sequence[Row]) -> None:
    """What waits in the outbox does not go."""
    waiting = [row["message_id"] for row in messages if row["state"] == "reserved"]
    ledger.store.many("withdraw", [(message_id, "erased") for message_id in waiting])
    ledger.store.many("withdraw_moment", [(message_id,) for message_id in waiting])


def _subject(row: Row, other: Any) -> str:
    """What sort of thing it was about is kept, which one is not."""
    sort, colon, name = row["subject"].partition(":")
    return f"{sort}:{other(name)}" if colon else sort
