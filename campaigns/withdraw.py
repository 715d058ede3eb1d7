"""Messages that wait for their hour are looked at again: what has become wrong meanwhile does not go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from campaigns.agenda import case_of
from campaigns.definition import Campaign
from campaigns.docket import BATCH, Docket, beside, gather
from campaigns.gate import Case, Gate, Verdict
from campaigns.gates import gates
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import PENDING_COLUMNS, pending_table, seconds
from campaigns.recall import recall
from campaigns.scene import Scene
from campaigns.standing import with_standing

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROWS = 20_000
Row = dict[str, Any]


def withdraw(scene: Scene, campaigns: Sequence[Campaign], ledger: Ledger, among: Collection[str] | None = None) -> int:
    """Ask the gates that must still hold (`Gate.stands`) of reserved messages; how many were withdrawn.

    `among` narrows to these customers. A message somebody has in hand already is left alone.
    """
    known, gone = {campaign.name: campaign for campaign in campaigns}, 0
    for rows in _reserved(scene, ledger, among):
        rows.sort(key=_group)
        groups = [made for key, group in groupby(rows, key=_group) if (made := _waiting(known, *key, list(group)))]
        if groups:
            gone += ledger.withdraw(_look_again(scene, ledger, groups))
    return gone


@dataclass(frozen=True)
class _Waiting:
    """Reserved messages of one campaign, step and channel."""

    campaign: Campaign
    step: str
    medium: str
    rows: list[Row]


def _waiting(known: Mapping[str, Campaign], name: str, step: str, medium: str, rows: list[Row]) -> _Waiting | None:
    """The messages with their campaign; None where it, its step or the channel of the step is gone."""
    if name not in known or step not in {send.send.key for send in known[name].sends}:
        return None
    campaign = known[name].reaching(step, medium)
    return _Waiting(campaign, step, medium, rows) if medium in campaign.send_step(step)[1].send.channels else None


def _group(row: Row) -> tuple[str, str, str]:
    return row["campaign"], row["step"], row["medium"]


def _reserved(scene: Scene, ledger: Ledger, among: Collection[str] | None) -> Any:
    """Reserved messages in batches; those of a few customers are one batch."""
    now = seconds(scene.now)
    if among is not None:
        ledger.want(among)
        yield ledger.store.rows("reserved_of_wanted", now=now)
        return
    after = ""
    while rows := ledger.store.rows("reserved", now=now, after=after, limit=ROWS):
        after = rows[-1]["message_id"]
        yield rows


def _look_again(scene: Scene, ledger: Ledger, groups: Sequence[_Waiting]) -> list[tuple[str, str]]:
    """Message ids of what may go no more, with the reason."""
    import numpy as np
    import pyarrow as pa

    batches = [with_standing(scene, group.campaign, _batch(group.rows), ledger).select(list(BATCH)) for group in groups]
    batch = pa.concat_tables(batches)
    history = ledger.history(batch["customer_id"], scene.now, scene.now)
    told = recall(scene, history, batch["customer_id"])
    docket = Docket({number: replace(_case(scene, group), nothing_told=told) for number, group in enumerate(groups)})
    batch = batch.append_column(
        "case_number", pa.array(np.repeat(range(len(groups)), [len(group.rows) for group in groups]))
    )
    asking = [gate for gate in gates() if gate.stands]
    found = gather(scene.db, docket, batch, asking)
    reasons = _reasons(docket, asking, beside(batch, found))
    ids = [row["message_id"] for group in groups for row in group.rows]
    return [(ids[place], reason) for place, reason in sorted(reasons.items())]


def _case(scene: Scene, group: _Waiting) -> Case:
    index, send = group.campaign.send_step(group.step)
    return case_of(scene, group.campaign, index, send, send.send.channels.index(group.medium))


def _reasons(docket: Docket, asking: Sequence[Gate], table: pd.DataFrame) -> dict[int, str]:
    """The first reason for which a gate does not pass a row, by its position."""
    table["step_removed"] = False
    reasons: dict[int, str] = {}
    for gate in asking:
        few = docket.only(gate)
        asked = table["case_number"].isin(list(few.cases)).to_numpy().nonzero()[0]
        if not len(asked):
            continue
        judgement = gate.judge(table.iloc[asked], few)
        for place in (judgement.verdict != Verdict.PASS).nonzero()[0].tolist():
            reasons.setdefault(int(asked[place]), f"{gate.name}.{judgement.reason[place]}")
    return reasons


def _batch(rows: list[Row]) -> pa.Table:
    """The moments of the messages as a batch; one of which something went before counts as begun."""
    shown = [{**row, "status": "sent" if row["follows"] else "pending"} for row in rows]
    return pending_table([tuple(row[name] for name in PENDING_COLUMNS) for row in shown])
