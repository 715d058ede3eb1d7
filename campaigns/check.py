"""Laws the ledger must obey at all times, each a query that finds what breaks it."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.audit import faults as audit_faults
from campaigns.ledger import Ledger

LAWS: dict[str, tuple[str, str]] = {
    "conservation": (
        "every moment has one of the seven statuses",
        "select count(*), min(moment_id) from moments where status not in "
        "('sent', 'pending', 'held_out', 'held', 'refused', 'expired', 'retracted')",
    ),
    "identity": (
        "one moment per campaign, customer, subject and occasion",
        "select count(*), min(first) from (select min(moment_id) as first from moments "
        "group by campaign, customer_id, subject, occasion having count(*) > 1) twice",
    ),
    "decided": (
        "a moment that is not pending has a decision",
        "select count(*), min(m.moment_id) from moments m where status <> 'pending' and not exists "
        "(select 1 from decisions d where d.moment_id = m.moment_id)",
    ),
    "pending_wakes": (
        "a moment that is pending or held will be looked at again",
        "select count(*), min(moment_id) from moments where status in ('pending', 'held') and wake_at is null",
    ),
    "send_has_message": (
        "a decision to send has its message",
        "select count(*), min(d.moment_id) from decisions d where d.verdict = 'sent' and not exists "
        "(select 1 from fates g where g.moment_id = d.moment_id and g.step = d.step)",
    ),
    "message_has_decision": (
        "a message has its decision to send",
        "select count(*), min(g.message_id) from fates g where not exists "
        "(select 1 from decisions d where d.moment_id = g.moment_id and d.step = g.step and d.verdict = 'sent')",
    ),
    "one_message": (
        "one message per moment, step and channel, and one channel per step",
        "select count(*), min(first) from (select min(message_id) as first from fates "
        "group by moment_id, step having count(*) > 1) twice",
    ),
    "held_out_silent": (
        "nobody held out got a message",
        "select count(*), min(m.moment_id) from moments m join fates g using (moment_id) where m.status = 'held_out'",
    ),
    "traced": (
        "every decision has a trace that names known cases",
        "select count(*), min(d.moment_id) from decisions d, json_each(d.trace) t "
        "where not exists (select 1 from cases c where c.case_id = json_extract(t.value, '$[0]'))",
    ),
    "window": (
        "a message is planned before it expires",
        "select count(*), min(message_id) from messages where not_before >= not_after or not_before >= expires_at",
    ),
    "in_hand": (
        "a message in hand has a sender, a reserved one was not accepted",
        "select count(*), min(message_id) from messages where (state = 'handed' and token is null) "
        "or (state = 'reserved' and provider_id is not null)",
    ),
    "accepted_once": (
        "no message was accepted twice",
        "select count(*), min(message_id) from (select message_id from attempts "
        "where outcome in ('accepted', 'delivered', 'found') group by message_id having count(*) > 1) twice",
    ),
    "archived": (
        "what was archived is over, and none of it is in the outbox as well",
        "select count(*), min(m.moment_id) from moments m where m.archived_in is not null and (m.wake_at is not null "
        "or not exists (select 1 from archives a where a.archive_id = m.archived_in) "
        "or exists (select 1 from messages g where g.moment_id = m.moment_id))",
    ),
}

AUDIT = ("audit", "no entry of the audit log was changed, removed or moved")


@dataclass(frozen=True)
class Finding:
    """One law: how many rows break it, and the first of them."""

    law: str
    means: str
    broken: int
    first: str

    @property
    def holds(self) -> bool:
        """Whether the law holds."""
        return self.broken == 0


def check(ledger: Ledger) -> list[Finding]:
    """Try every law, the file's own integrity first."""
    integrity = ledger.store.integrity()
    findings = [
        Finding("integrity", "the database is sound", int(integrity != "ok"), "" if integrity == "ok" else integrity)
    ]
    for law, (means, sql) in LAWS.items():
        broken, first = ledger.store.query(sql)[0]
        findings.append(Finding(law, means, int(broken), "" if first is None else str(first)))
    broken_entries = audit_faults(ledger)
    return [*findings, Finding(*AUDIT, len(broken_entries), next(iter(broken_entries), ""))]
