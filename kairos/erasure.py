"""Inquiries and erasures: what the insurer's tables say is needed to find everything, and what Kairos cannot reach is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.archived_customer import ArchivedCustomer
from campaigns.forget import Known, forget
from campaigns.person import export
from campaigns.pseudonyms import hashed
from kairos.service import actor
from kairos.workspace import Workspace

if TYPE_CHECKING:
    from triggers.facts import Facts


def tell_all(place: Workspace, customer_id: str, now: datetime, *, ledger_only: bool) -> dict[str, Any]:
    """Everything the ledger holds about a customer: table -> rows; `archive`: what was archived, `unreached`: folders of the
    archive that are not where they were; `erased` where the id is one of the forgotten."""
    known = {} if ledger_only else _known(place, [customer_id], now)
    mark = hashed(place.policy().salt_of_hashes, f"customer:{customer_id}")
    with place.ledger() as ledger:
        tables = export(ledger, customer_id, known.get(customer_id, Known()).policies)
        archived = ArchivedCustomer.of(ledger, [customer_id], place.folder)
        archive, missing = archived.rows(), archived.missing()
        erased = mark in ledger.do_not_contact()["hash"].to_pylist()
    return {"customer_id": customer_id, "erased": erased, "tables": tables, "archive": archive, "unreached": missing}


def forget_all(place: Workspace, customers: Sequence[str], now: datetime, *, ledger_only: bool) -> dict[str, Any]:
    """Erase customers one by one, each in a transaction of its own, then clear the file of what was deleted."""
    known = {} if ledger_only else _known(place, customers, now)
    salt = place.policy().salt_of_hashes
    with place.ledger() as ledger:
        lines = [
            {
                "customer_id": customer,
                "in_tables": customer in known,
                **forget(ledger, customer, salt, now, known.get(customer), actor(), place.folder).as_dict(),
            }
            for customer in customers
        ]
        scoured = ledger.store.scour()
    done = all(line["done"] for line in lines)
    return {"done": done, "scoured": scoured, "customers": lines, "elsewhere": _elsewhere(place)}


def _known(place: Workspace, customers: Sequence[str], now: datetime) -> dict[str, Known]:
    """Addresses and policies of those the insurer's tables, or facts that arrived, still name."""
    with place.facts(now) as facts:
        return {customer: known for customer in customers if (known := _of(facts, customer)) is not None}


def _of(facts: Facts, customer_id: str) -> Known | None:
    values = {"customer": customer_id}
    row = facts.db.execute("select phone, email from customers where customer_id = $customer", values).fetchone()
    if row is None:
        return None
    policies = facts.db.execute("select policy_id from policies where customer_id = $customer", values).fetchall()
    phone, email = row
    return Known([phone] if phone else [], [email] if email else [], [policy for (policy,) in policies])


def _elsewhere(place: Workspace) -> list[str]:
    """Where words and addresses went that the ledger does not hold: whoever runs it has to look there."""
    adapters = place.adapters()
    folders = {str(place.folder / folder) for each in adapters.values() if (folder := getattr(each, "folder", ""))}
    gateways = {each.adapter for each in adapters.values()} - {"outbox", "queue"}
    queue = (
        ["the task queue, which drops tasks after 30 days"]
        if any(a.adapter == "queue" for a in adapters.values())
        else []
    )
    return [
        *(f"files of messages in {folder}" for folder in sorted(folders)),
        *queue,
        *(f"what the gateway {gateway} keeps" for gateway in sorted(gateways)),
        "backups of the ledger",
    ]
