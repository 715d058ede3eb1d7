"""Messages that wait for their hour are looked at again: what has become wrong meanwhile does not go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from campaigns.decide import BATCH, case_of, gather
from campaigns.definition import Campaign
from campaigns.gate import Verdict
from campaigns.gates import gates
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import PENDING_COLUMNS, pending_table, seconds
from campaigns.recall import recall
from campaigns.scene import Scene
from campaigns.standing import with_standing

if TYPE_CHECKING:
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
        for (name, step, medium), group in groupby(rows, key=_group):
            if name in known and step in {send.send.key for send in known[name].sends}:
                gone += _look_again(scene, known[name].reaching(step, medium), ledger, step, medium, list(group))
    return gone


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


def _look_again(scene: Scene, campaign: Campaign, ledger: Ledger, step: str, medium: str, rows: list[Row]) -> int:
    index, send = campaign.send_step(step)
    if medium not in send.send.channels:
        return 0
    case = case_of(scene, campaign, index, send, send.send.channels.index(medium))
    batch = with_standing(scene, campaign, _batch(rows), ledger)
    history = ledger.history(batch["customer_id"], scene.now, scene.now)
    case = replace(case, nothing_told=recall(scene, history, batch["customer_id"]))
    scene.db.register("batch", batch.select(list(BATCH)))
    asking = [gate for gate in gates() if gate.stands and gate.applies(case)]
    table = gather(scene.db, case, asking)
    table["step_removed"] = False
    reasons: dict[int, str] = {}
    for gate in asking:
        judgement = gate.judge(table, case)
        for place in (judgement.verdict != Verdict.PASS).nonzero()[0].tolist():
            reasons.setdefault(int(table["moment_id"].iloc[place]), f"{gate.name}.{judgement.reason[place]}")
    return ledger.withdraw(
        [(row["message_id"], reasons[row["moment_id"]]) for row in rows if row["moment_id"] in reasons]
    )


def _batch(rows: list[Row]) -> pa.Table:
    """The moments of the messages as a batch; one of which something went before counts as begun."""
    shown = [{**row, "status": "sent" if row["follows"] else "pending"} for row in rows]
    return pending_table([tuple(row[name] for name in PENDING_COLUMNS) for row in shown])
