"""The moments of some customers decided, composed and reserved: what a turn, or each of its workers, does again and again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from campaigns.agenda import Part
from campaigns.answers import ANSWERS
from campaigns.arbitration import Round
from campaigns.arms import by_arm
from campaigns.compose import compose
from campaigns.decide import Decisions, Sitting
from campaigns.deciding import apart, till
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import Answers, History
from campaigns.messages import Messages
from campaigns.reserve import Written, reserve, written
from campaigns.scene import Scene
from campaigns.settle import settle
from campaigns.stakes import competes
from campaigns.standing import with_standing
from campaigns.windows import home_zone

if TYPE_CHECKING:
    from campaigns.turn import Turn


@apart
def decide_shelf(scene: Scene, contest: Round, ledger: Ledger, turn: Turn, among: Collection[str]) -> int:
    """Decide the moments of these customers; the number of moments."""
    with turn.stage("history"):
        waiting = ledger.pending_of(among, scene.now)
        parts = [
            Part(own, part)
            for campaign in contest.campaigns
            if campaign.name in waiting and (batch := contest.admitted(waiting[campaign.name])).num_rows
            for own, part in by_arm(scene, campaign, batch, ledger)
        ]
        if not parts:
            return 0
        history = _history(scene, ledger, parts)
    with turn.stage("decide"):
        stood = [replace(part, batch=with_standing(scene, part.campaign, part.batch, ledger)) for part in parts]
        sitting = Sitting(scene, stood, history, contest.stakes)
    for wave in sitting.agenda.waves():
        with till(scene, ledger, turn, sitting, budgeted=wave.budgeted):
            with turn.stage("decide"):
                decided = list(sitting.decide(wave.places))
            with turn.stage("compose"):
                composed = compose(scene, decided)
            with turn.stage("reserve"):
                each = zip(decided, composed, strict=True)
                rows = [_settled(scene, *one, messages, sitting, contest) for one, messages in each]
                reserve(ledger, rows)
        turn.reserved += sum(len(each["reserve"]) for each in rows)
    return len(sitting.agenda)


def _history(scene: Scene, ledger: Ledger, parts: Sequence[Part]) -> History:
    """What the ledger remembers of the customers of some parts."""
    import pyarrow as pa

    customers = pa.chunked_array([chunk for part in parts for chunk in part.batch["customer_id"].chunks])
    branching = sorted({part.campaign.name for part in parts if part.campaign.branches})
    return ledger.history(
        customers, _local(scene), scene.rules.policy.counted_since(scene.now), Answers(branching, ANSWERS)
    )


def _settled(
    scene: Scene, campaign: Campaign, decisions: Decisions, messages: Messages, sitting: Sitting, contest: Round
) -> Written:
    """Pay for the messages of one campaign; the rows to write."""
    messages, took = settle(scene, decisions, messages, campaign, sitting.paid)
    rows = written(decisions, messages, campaign, scene.rules, scene.now, took)
    sitting.reserved(campaign, decisions, messages.row, took)
    if competes(campaign, scene.rules.policy):
        contest.note(decisions, messages.row)
    return rows


def _local(scene: Scene) -> datetime:
    """Now, in the insurer's zone."""
    return scene.now.astimezone(home_zone(scene.rules.timezone))
