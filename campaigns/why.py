"""Why a customer got a message, or did not: from the ledger where something was decided, from the trigger where nothing was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.definition import Campaign
from campaigns.gates import gates
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds
from campaigns.members import lay_out
from campaigns.trace import explain

if TYPE_CHECKING:
    from triggers.facts import Facts


@dataclass
class Story:
    """What happened, or did not, for one customer and campaign; `moments` are told in full, `nearest` clause by clause."""

    customer_id: str
    campaign: str
    summary: str
    moments: list[dict[str, Any]] = field(default_factory=list)
    nearest: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The story for `--json`."""
        return vars(self)


def why(customer_id: str, campaigns: Sequence[Campaign], facts: Facts, ledger: Ledger, now: datetime) -> list[Story]:
    """One story per campaign, for every customer, also those no trigger has ever matched."""
    cases = {case_id: json.loads(body) for case_id, body in ledger.store.all("cases")}
    return [_story(customer_id, campaign, facts, ledger, now, cases) for campaign in campaigns]


def _story(
    customer_id: str, campaign: Campaign, facts: Facts, ledger: Ledger, now: datetime, cases: dict[str, dict[str, Any]]
) -> Story:
    rows = ledger.store.rows("moments_of_customer", customer=customer_id, campaign=campaign.name, now=seconds(now))
    story = Story(customer_id, campaign.name, "")
    for row in rows:
        if not story.moments or story.moments[-1]["moment_id"] != row["moment_id"]:
            story.moments.append(_moment(row, ledger, now))
        if row["step"] is not None:
            story.moments[-1]["decisions"].append(_decision(row, cases))
    if story.moments:
        story.summary = "; ".join(_told(moment) for moment in story.moments)
    else:
        lay_out(facts, campaign, ledger, [customer_id])
        clauses = campaign.trigger.nearest(facts, customer_id)
        story.nearest = [vars(clause) for clause in clauses]
        failed = [clause.words for clause in clauses if not clause.passed]
        story.summary = failed[0] if failed else "the trigger matches; `kairos run` has not seen it yet"
    return story


def _moment(row: dict[str, Any], ledger: Ledger, now: datetime) -> dict[str, Any]:
    if row["archived_in"] is not None:
        return _archived(row, ledger)
    messages = ledger.store.rows("messages_of_moment", moment_id=row["moment_id"], now=seconds(now))
    for message in messages:
        message["parts"] = json.loads(message["parts"])
        message["address"] = _masked(message["address"])
        for name in ("reserved_at", "not_before", "expires_at", "handed_at"):
            message[name] = instant(message[name]).isoformat() if message[name] is not None else None
    return {**_kept(row), "decisions": [], "messages": messages}


def _archived(row: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Of a moment in the archive: how its messages ended, and in which files words and traces are."""
    archives = {each["archive_id"]: each for each in ledger.store.rows("archives")}
    found = archives[row["archived_in"]]
    messages = ledger.store.rows("archived_messages_of_moment", moment_id=row["moment_id"])
    return {
        **_kept(row),
        "decisions": [],
        "messages": messages,
        "archive": f"{found['folder']}/*/*/{found['name']}.parquet",
    }


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("moment_id", "subject", "occasion", "status", "next_step")}
    times = {
        name: instant(row[name]).isoformat() for name in ("due_at", "admitted_at", "wake_at") if row[name] is not None
    }
    return {**kept, **times}


def _decision(row: dict[str, Any], cases: dict[str, dict[str, Any]]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("step", "verdict", "gate", "reason", "medium", "version")}
    arm = next((cases[case_id].get("arm", "") for case_id, *_ in json.loads(row["trace"])), "")
    told = {"decided_at": instant(row["decided_at"]).isoformat(), "trace": explain(row["trace"], cases)}
    return {**kept, **({"arm": arm} if arm else {}), **told}


def _told(moment: dict[str, Any]) -> str:
    if not moment["decisions"]:
        return f"{moment['subject']} ({moment['occasion']}): admitted, not decided yet"
    last = moment["decisions"][-1]
    told = f"{moment['subject']} ({moment['occasion']}): {moment['status'].replace('_', ' ')}"
    if last["verdict"] == "sent":
        states = ", ".join(
            f"{message['step']} by {message['medium']} {message['state']}" for message in moment["messages"]
        )
        return f"{told}: {states}"
    return f"{told}: {meaning(last['gate'], last['reason'])}"


def meaning(gate_name: str, reason: str) -> str:
    """A reason code in words, with the code."""
    found = next((gate.reasons.get(reason, "") for gate in gates() if gate.name == gate_name), "")
    return f"{found} ({gate_name}.{reason})" if found else f"{gate_name}.{reason}"


def _masked(address: str) -> str:
    from channels.masking import mask

    return mask(address)
