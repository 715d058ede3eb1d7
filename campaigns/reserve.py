"""Decisions, traces and messages of a wave written down together: one transaction, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.gate import Verdict
from campaigns.gates import gates
from campaigns.gates.holdout import Holdout
from campaigns.ledger.ledger import Ledger, instant, seconds
from campaigns.messages import Messages
from campaigns.scene import Rules
from campaigns.windows import home_zone

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Move = tuple[str, str, int | None, int | None, int]
"""Status, step, when it wants a decision, when that step was due (None: as it was), the moment."""
Written = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows by the statement of the ledger that takes them."""


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
    messages: Messages,
    campaign: Campaign,
    rules: Rules,
    now: datetime,
    spending: Iterable[tuple[str, str, str, int, float]] = (),
) -> Written:
    """The rows of one campaign's decisions, with what they take of the days' budgets, by the statement that takes them."""
    import numpy as np

    table, at = decisions.table, seconds(now)
    size, version = len(table), campaign.version
    words = np.array([each.status for each in Verdict], dtype=object)[table["verdict"].to_numpy()]
    rows = zip(
        *(table[name].tolist() for name in ("moment_id", "step")),
        words.tolist(),
        *(table[name].tolist() for name in ("gate", "reason", "medium")),
        [at] * size,
        [version] * size,
        ["[" + trace + "]" for trace in table["trace"].tolist()],
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


def _put_off(table: pd.DataFrame, words: np.ndarray) -> list[tuple[int]]:
    """Moments that came through the draw of the holdout and wait for room: they belong to the treated from now on."""
    if Verdict.HOLD.status not in words:
        return []
    behind = [gate.name for gate in gates() if gate.order > Holdout.order]
    return [
        (moment_id,)
        for moment_id in table["moment_id"][(words == Verdict.HOLD.status) & table["gate"].isin(behind)].tolist()
    ]


def _moves(table: pd.DataFrame, words: np.ndarray, campaign: Campaign, rules: Rules, now: datetime) -> list[Move]:
    """Where each moment goes next: on to the next step, asleep until it may be asked again, or to its end."""
    import numpy as np

    local = now.astimezone(home_zone(rules.timezone))
    before = table["step"].to_numpy(object)
    steps, (wakes, dues) = before.copy(), np.full((2, len(table)), None, dtype=object)
    held = words == Verdict.HOLD.status
    wakes[held] = np.maximum(_seconds(table["until"])[held], seconds(now) + 1)
    goes_on = np.isin(table["verdict"].to_numpy(), (Verdict.PASS, Verdict.SKIP))
    for step in campaign.sends:
        following = campaign.after(step.send.key, local, rules.workdays)
        if following:
            moved = goes_on & (before == step.send.key)
            steps[moved], wakes[moved], dues[moved] = following[0], seconds(following[1]), seconds(following[1])
    status = np.where(table["status"].to_numpy(object) == Verdict.PASS.status, Verdict.PASS.status, words)
    return list(
        zip(status.tolist(), steps.tolist(), wakes.tolist(), dues.tolist(), table["moment_id"].tolist(), strict=True)
    )


def _seconds(instants: pd.Series[pd.Timestamp]) -> np.ndarray:
    """Instants as the ledger keeps them; what is none is long ago."""
    import numpy as np

    return instants.to_numpy("datetime64[us]").view(np.int64) // 1_000_000


def _messages(
    table: pd.DataFrame, messages: Messages, campaign: Campaign, rules: Rules, at: int
) -> list[tuple[object, ...]]:
    import numpy as np

    rows, size = messages.row, len(messages)
    moments, customers, steps, media, addresses, zones = (
        table[name].to_numpy(object)[rows]
        for name in ("moment_id", "customer_id", "step", "medium", "address", "timezone")
    )
    times = [_seconds(table[name])[rows] for name in ("not_before", "not_after", "expires_at")]
    priorities = {step.send.key: step.send.priority or "" for step in campaign.sends}
    columns = (
        messages.message_id,
        moments,
        [campaign.name] * size,
        customers,
        steps,
        media,
        [campaign.purpose] * size,
        messages.locale,
        messages.template,
        addresses,
        messages.parts,
        messages.offers,
        [zone if isinstance(zone, str) else "" for zone in zones.tolist()],
        *times,
        [at] * size,
        _due(steps, media, campaign, rules, times[0]),
        [priorities[step] for step in steps.tolist()],
    )
    return list(zip(*(each.tolist() if isinstance(each, np.ndarray) else each for each in columns), strict=True))


def _due(
    steps: np.ndarray, media: np.ndarray, campaign: Campaign, rules: Rules, not_before: np.ndarray
) -> list[int | None]:
    """By when each agent task is to be done, on the insurer's calendar; None for other messages."""
    spans = {step.send.key: step.send.due for step in campaign.sends if step.send.due}
    if not spans:
        return [None] * len(steps)
    zone = home_zone(rules.timezone)
    return [
        seconds(spans[step].after(instant(start).astimezone(zone), rules.workdays))
        if medium == "agent_task" and step in spans
        else None
        for step, medium, start in zip(steps.tolist(), media.tolist(), not_before.tolist(), strict=True)
    ]
