"""The outbox: reserved messages, who has them in hand, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from campaigns.ledger.ledger import Ledger, instant, seconds
from campaigns.ledger.store import whole
from campaigns.policy import ContactPolicy
from channels.contract import STOPPED, Accepted, Finding, Message, Receipt, Result, RetryLater, Unknown
from channels.protocol import State, forward_rank


class Outbox:
    """The ledger seen by whoever hands messages over. Every method is one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self.store = ledger.store

    @whole
    def clear(self, now: datetime, policy: ContactPolicy) -> dict[str, int]:
        """Take out what must not go any more: stopped by the customer since it was reserved, or too late."""
        calls = policy.do_not_call
        values = {
            "now": seconds(now),
            "contract_stops": int(not policy.consent.contract_after_opt_out),
            "without_consent": json.dumps(policy.consent.without_consent),
            "call_channels": json.dumps(calls.channels),
            # what is older the gate has seen, with the term of the customer's region, when the message was reserved
            "calls_refused_since": seconds(max(since for _, since in calls.since(now))),
        }
        with self.store.transaction():
            stopped = self.store.run("stop_opted_out", values)
            expired = self.store.run("expire", {"now": seconds(now)})
        return {"opted_out": stopped, "expired": expired}

    def missed(self, now: datetime) -> list[dict[str, Any]]:
        """Messages whose local window has closed but which still make sense in the next one."""
        return self.store.rows("missed_windows", now=seconds(now))

    @whole
    def replan(self, windows: Sequence[tuple[datetime, datetime, str]]) -> int:
        """Move messages to (opens, closes, message_id)."""
        with self.store.transaction():
            return self.store.many("replan", [(seconds(opens), seconds(closes), mid) for opens, closes, mid in windows])

    @whole
    def lease(
        self, medium: str, token: str, now: datetime, clock: datetime, limit: int, halted: Sequence[str] = ()
    ) -> list[tuple[Message, int]]:
        """Messages due now, now in this sender's hand, with the number of attempts. The intent is durable on return."""
        with self.store.transaction():
            values = {
                "medium": medium,
                "token": token,
                "now": seconds(now),
                "clock": seconds(clock),
                "limit": limit,
                "halted": json.dumps(halted),
            }
            rows = self.store.rows("lease", **values)
        return [(_message(row), int(row["attempts"])) for row in rows]

    @whole
    def settle(
        self, results: Sequence[tuple[Message, int, Result]], token: str, clock: datetime, most_attempts: int
    ) -> None:
        """Write down what became of messages this sender had in hand, and opt-outs the provider told us of."""
        states, attempts, evidence = [], [], []
        for message, tries, result in results:
            outcome, state, retry_at = _state_after(result, tries, clock, most_attempts)
            code, detail = getattr(result, "code", ""), getattr(result, "detail", "")
            if isinstance(result, Accepted):
                evidence.append(_evidence(message.message_id, result.provider_id, result.status, code))
            else:
                states.append((state, code, retry_at, message.message_id, token))
            attempts.append((message.message_id, token, seconds(clock), outcome, code, detail))
        with self.store.transaction():
            self.store.many("attempt", attempts)
            self.store.many("forward", evidence)
            self.store.many("settle", states)
            for message, _, result in results:
                if getattr(result, "opt_out", False):
                    self._opt_out(
                        message.customer_id, message.medium, clock, f"provider code {getattr(result, 'code', '')}"
                    )

    def tokens(self) -> list[str]:
        """Senders that have messages in hand."""
        return [row[0] for row in self.store.all("tokens_handed")]

    @whole
    def orphan(self, token: str) -> int:
        """A dead sender's messages become unknown; the number of them."""
        with self.store.transaction():
            return self.store.run("orphan", {"token": token})

    def unknown(self, medium: str, settled: datetime, after: str, limit: int) -> list[tuple[Message, str]]:
        """Messages nobody knows about, handed over before `settled`, each with the token it was last in hand under."""
        values = {"medium": medium, "settled": seconds(settled), "after": after, "limit": limit}
        return [(_message(row), row["token"]) for row in self.store.rows("unknown", **values)]

    @whole
    def reconcile(self, findings: Sequence[tuple[Message, str, Finding]], clock: datetime) -> dict[str, int]:
        """Write down what the provider said. That it has a message is true whoever asked; that it never saw it only
        counts while nobody has had the message in hand since (the token)."""
        counts = {"found": 0, "absent": 0, "undecidable": 0}
        absent, attempts = [], []
        with self.store.transaction():
            for message, token, finding in findings:
                if isinstance(finding, Unknown):
                    counts["undecidable"] += 1
                elif isinstance(finding, Accepted):
                    evidence = _evidence(message.message_id, finding.provider_id, finding.status, finding.code)
                    counts["found"] += self.store.run("forward", evidence)
                    attempts.append((message.message_id, token, seconds(clock), "found", finding.code, "reconciled"))
                else:
                    absent.append((message.message_id, token))
                    attempts.append((message.message_id, token, seconds(clock), "absent", "", "reconciled"))
            counts["absent"] = self.store.many("absent", absent)
            self.store.many("attempt", attempts)
        return counts

    @whole
    def give_up(self, medium: str, window: datetime) -> int:
        """After the reconcile window: marketing is given up, the rest goes back to be sent again."""
        with self.store.transaction():
            return self.store.run("give_up", {"medium": medium, "window": seconds(window)})

    @whole
    def receive(self, receipt: Receipt, clock: datetime) -> bool:
        """A receipt, whatever its order or number, moves a message only forward; False where it changed nothing."""
        values = {"message_id": receipt.message_id, "provider_id": receipt.provider_id, "code": receipt.code}
        with self.store.transaction():
            self.store.run("receipt", {**values, "status": receipt.status, "at": seconds(clock)})
            moved = self.store.run(
                "forward", _evidence(receipt.message_id, receipt.provider_id, receipt.status, receipt.code)
            )
            if (
                receipt.refusal
                and receipt.refusal.opt_out
                and (row := self.store.one("customer_of_message", message_id=receipt.message_id))
            ):
                self._opt_out(row[0], row[1], clock, f"provider code {receipt.code}")
        return moved > 0

    def waiting(self) -> dict[str, Any]:
        """How many messages wait, and when the first of them may go."""
        count, first = self.store.all("waiting")[0]
        return {"messages": count, "first": instant(first).isoformat() if first is not None else None}

    def claimed(self, provider_ids: Sequence[str]) -> set[str]:
        """Which of these provider ids belong to messages of ours already."""
        rows = self.store.all("claimed", provider_ids=json.dumps(list(provider_ids)))
        return {row[0] for row in rows}

    def _opt_out(self, customer_id: str, medium: str, clock: datetime, source: str) -> None:
        values = {"customer_id": customer_id, "purpose": "*", "medium": medium, "at": seconds(clock), "source": source}
        self.store.run("opt_out", values)


def _evidence(message_id: str, provider_id: str, status: str, code: str) -> dict[str, Any]:
    """Parameters of `forward`: that the provider has the message is true whoever brings it, whenever and however often."""
    rank = forward_rank[State(status)]
    return {"message_id": message_id, "provider_id": provider_id, "state": status, "code": code, "rank": rank}


def _state_after(result: Result, tries: int, clock: datetime, most: int) -> tuple[str, str, int | None]:
    """Outcome of the attempt, state of the message, and when to try again."""
    if isinstance(result, Accepted):
        return result.status, result.status, None
    if isinstance(result, RetryLater):
        if result.code == STOPPED:
            return STOPPED, "reserved", seconds(clock + result.after)
        if tries >= most:
            return "given_up", "failed", None
        return "retry", "reserved", seconds(clock + max(result.after, timedelta(seconds=1)))
    if isinstance(result, Unknown):
        return "unknown", "unknown", None
    return "refused", "failed", None


def _message(row: dict[str, Any]) -> Message:
    return Message(
        message_id=row["message_id"],
        campaign=row["campaign"],
        purpose=row["purpose"],
        medium=row["medium"],
        customer_id=row["customer_id"],
        address=row["address"],
        locale=row["locale"],
        parts=json.loads(row["parts"]),
        not_before=instant(row["not_before"]),
        expires_at=instant(min(row["not_after"], row["expires_at"])),
        # business time may run ahead of the provider's clock (`--as-of`): the earlier of the two is safe to search from
        reserved_at=instant(min(row["reserved_at"], row["handed_at"])),
        timezone=row["timezone"] or "UTC",
        variables={"template": row["template"]},
        due_at=instant(row["due_at"]) if row["due_at"] is not None else None,
        priority=row["priority"],
    )
