"""What comes back from calls: delivered or not, answers, requests for a person, refusals for good."""

from __future__ import annotations

import json

from campaigns.consents import Statement, tell
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds
from campaigns.ledger.outbox import Outbox
from channels.contract import Receipt
from channels.tasks import CallResult

STATUSES = {"answered": "delivered", "bad_number": "failed"}
"""Outcomes of a call that say what became of the message; after any other one the platform may still try again."""


ANSWERS = ("call_answered", "survey_answered", "person_requested")
"""Outcomes that are an answer of the customer to a message."""


def record_call(ledger: Ledger, result: CallResult) -> bool:
    """Write a call's result down; the same result may come any number of times. False where the message is not ours."""
    found = ledger.store.one("customer_of_message", message_id=result.job_id)
    if found is None:
        return False
    customer_id, medium = found
    if status := STATUSES.get(result.outcome):
        receipt = Receipt(result.job_id, result.provider_call_id or result.result_id, status, result.outcome)  # type: ignore[arg-type]
        Outbox(ledger).receive(receipt, result.occurred_at)
    if result.do_not_call:
        tell(ledger, [_refusal(result, customer_id, medium)])
    told = result.model_dump(
        mode="json", include={"score", "wants_person", "tags", "attempt", "duration_seconds", "transcript_url"}
    )
    with ledger.store.transaction():
        for event in _events(result):
            values = {
                "message_id": result.job_id,
                "event_id": f"{result.result_id}:{event}",
                "event": event,
                "at": seconds(result.occurred_at),
                "detail": json.dumps(told, ensure_ascii=False),
            }
            ledger.store.run("answer", values)
    return True


def _refusal(result: CallResult, customer_id: str, medium: str) -> Statement:
    """A refusal on a call: it lasts for the policy's term, and the recording is its evidence."""
    evidence = result.recording_url or result.transcript_url or f"call {result.provider_call_id or result.result_id}"
    return Statement(
        f"call {result.result_id}", customer_id, "*", medium, False, result.occurred_at,
        evidence=evidence, kind="call_refusal", source="call",
    )  # fmt: skip


def _events(result: CallResult) -> list[str]:
    """The result as event types, those of the insurer's own events where there is one."""
    events = [f"call_{result.outcome}"]
    if result.score is not None:
        events.append("survey_answered")
    if result.wants_person:
        events.append("person_requested")
    return events
