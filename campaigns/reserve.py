"""Decisions, traces and messages of a wave written down together: one transaction, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.compose import Reservation
from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.gate import Verdict
from campaigns.gates import gates
from campaigns.gates.holdout import Holdout
from campaigns.ledger.ledger import Ledger, instant, seconds
from campaigns.scene import Rules
from campaigns.windows import home_zone

if TYPE_CHECKING:
    import pandas as pd

Move = tuple[str, str, int | None, int | None, int]
"""Status, step, when it wants a decision, when that step was due (None: as it was), the moment."""
Written = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows by the statement of the ledger that takes them."""
_JSON = json.JSONEncoder(ensure_ascii=False)


_ORDER = ("case", "decide", "move", "put_off", "reserve", "spend")
_SHARED = ("case", "spend")
"""What others write too is written in one order: nobody waits in a circle."""


def reserve(ledger: Ledger, written: Sequence[Written]) -> None:
    """Write what was decided of some campaigns. A repeat changes nothing: what is decided wants no decision."""
    rows = {name: [row for each in written for row in each[name]] for name in _ORDER}
    for name in _SHARED:
        rows[name].sort()
    ledger.store.repeat(lambda: [ledger.store.many(name, rows[name]) for name in _ORDER])


def written(
    decisions: Decisions,
    messages: list[Reservation],
    campaign: Campaign,
    rules: Rules,
    now: datetime,
    spending: Iterable[tuple[str, str, str, int, float]] = (),
) -> Written:
    """The rows of one campaign's decisions, with what they take of the days' budgets, by the statement that takes them."""
    table, at = decisions.table, seconds(now)
    size, version = len(table), campaign.version
    words = [Verdict(value).status for value in table["verdict"]]
    rows = zip(
        table["moment_id"].tolist(),
        table["step"],
        words,
        table["gate"],
        table["reason"],
        table["medium"],
        [at] * size,
        [version] * size,
        ("[" + trace + "]" for trace in table["trace"]),
        strict=True,
    )
    return {
        "case": list(decisions.cases.items()),
        "decide": list(rows),
        "move": _moves(table, words, campaign, rules, now),
        "put_off": _put_off(table, words),
        "reserve": _messages(table, messages, campaign, rules, at),
        "spend": list(spending),
    }


def _put_off(table: pd.DataFrame, words: list[str]) -> list[tuple[int]]:
    """Moments that came through the draw of the holdout and wait for room: they belong to the treated from now on."""
    behind = {gate.name for gate in gates() if gate.order > Holdout.order}
    rows = zip(table["moment_id"].tolist(), words, table["gate"], strict=True)
    return [(moment_id,) for moment_id, word, gate in rows if word == "held" and gate in behind]


def _moves(table: pd.DataFrame, words: list[str], campaign: Campaign, rules: Rules, now: datetime) -> list[Move]:
    """Where each moment goes next: on to the next step, asleep until it may be asked again, or to its end."""
    local = now.astimezone(home_zone(rules.timezone))
    following = {step.send.key: campaign.after(step.send.key, local, rules.workdays) for step in campaign.sends}
    goes_on = (Verdict.PASS.status, Verdict.SKIP.status)
    untils = (table["until"].astype("int64") // 1_000_000).tolist()
    moves: list[Move] = []
    columns = zip(table["moment_id"].tolist(), table["step"], table["status"], words, untils, strict=True)
    for moment_id, step, before, word, until in columns:
        status = "sent" if before == "sent" else word
        following_step = following.get(step)
        if word in goes_on and following_step:
            due = seconds(following_step[1])
            moves.append((status, following_step[0], due, due, moment_id))
        else:
            moves.append((status, step, max(until, seconds(now) + 1) if word == "held" else None, None, moment_id))
    return moves


def _messages(
    table: pd.DataFrame, messages: list[Reservation], campaign: Campaign, rules: Rules, at: int
) -> list[tuple[object, ...]]:
    chosen = table.iloc[[message.row for message in messages]]
    times = [(chosen[name].astype("int64") // 1_000_000).tolist() for name in ("not_before", "not_after", "expires_at")]
    zones = chosen["timezone"].astype(object).where(chosen["timezone"].notna(), "").tolist()
    size = len(messages)
    return list(
        zip(
            (message.message_id for message in messages),
            chosen["moment_id"].tolist(),
            [campaign.name] * size,
            chosen["customer_id"],
            chosen["step"],
            chosen["medium"],
            [campaign.purpose] * size,
            (message.locale for message in messages),
            (message.template for message in messages),
            chosen["address"],
            (_JSON.encode(message.parts) for message in messages),
            (_JSON.encode(message.offers) if message.offers else "[]" for message in messages),
            zones,
            *times,
            [at] * size,
            _due(chosen, campaign, rules, times[0]),
            [campaign.send_step(step)[1].send.priority or "" for step in chosen["step"]],
            strict=True,
        )
    )


def _due(chosen: pd.DataFrame, campaign: Campaign, rules: Rules, not_before: list[int]) -> list[int | None]:
    """By when each agent task is to be done, on the insurer's calendar; None for other messages."""
    spans = {step.send.key: step.send.due for step in campaign.sends if step.send.due}
    if not spans:
        return [None] * len(chosen)
    zone = home_zone(rules.timezone)
    return [
        seconds(spans[step].after(instant(start).astimezone(zone), rules.workdays))
        if medium == "agent_task" and step in spans
        else None
        for step, medium, start in zip(chosen["step"], chosen["medium"], not_before, strict=True)
    ]
