"""The spine: facts in, reserved messages out. `run`, and later `stream` and `backtest`, are callers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from campaigns.compose import compose
from campaigns.decide import decide
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.outcomes import record_outcomes
from campaigns.policy import PURPOSES
from campaigns.reserve import reserve
from campaigns.scene import Scene

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str, int, int], None]
"""Told of (what is being done, how much is done, of how much)."""
ROWS = 100_000
"""Moments decided in one transaction: large enough to spread the cost of a query, small enough for flat memory."""


@dataclass
class Turn:
    """What one turn did: seconds a stage, moments seen and admitted a campaign."""

    seconds: dict[str, float] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    admitted: dict[str, int] = field(default_factory=dict)
    reserved: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start


def in_order(campaigns: Sequence[Campaign]) -> list[Campaign]:
    """The campaigns that run, what customers must know before what we would sell; by name within a purpose."""
    return sorted((c for c in campaigns if c.enabled), key=lambda c: (PURPOSES.index(c.purpose), c.name))


def take_turn(
    scene: Scene,
    campaigns: Sequence[Campaign],
    ledger: Ledger,
    *,
    progress: Progress = lambda _stage, _done, _total: None,
    rows: int = ROWS,
) -> Turn:
    """Admit every moment there is, then decide whatever wants a decision: the new, the held, and what a dead process left.

    Every step may be repeated, none is skipped: admission is one unique key, a batch is one transaction.
    """
    turn, running = Turn(), in_order(campaigns)
    for number, campaign in enumerate(running):
        progress("moments", number, len(running))
        _admit(scene, campaign, ledger, turn)
    progress("moments", len(running), len(running))
    for campaign in running:
        total, done = ledger.count_pending(campaign.name, scene.now), 0
        for batch in ledger.pending(campaign.name, scene.now, rows):
            progress(campaign.name, done, total)
            turn.reserved += _decide(scene, campaign, ledger, turn, batch)
            done += batch.num_rows
        progress(campaign.name, done, total)
    with turn.stage("outcomes"):
        for campaign in running:
            record_outcomes(campaign, scene.facts, ledger)
    return turn


def _admit(scene: Scene, campaign: Campaign, ledger: Ledger, turn: Turn) -> None:
    """Find a campaign's moments and let them in; the unique key decides which are new."""
    from triggers.moments import moments

    batches = iter(moments(campaign.trigger, scene.facts))
    while True:
        with turn.stage("trigger"):
            batch = next(batches, None)
        if batch is None:
            break
        with turn.stage("admit"):
            turn.found[campaign.name] = turn.found.get(campaign.name, 0) + batch.num_rows
            admitted = ledger.admit(campaign, batch, scene.now)
            turn.admitted[campaign.name] = turn.admitted.get(campaign.name, 0) + admitted


def _decide(scene: Scene, campaign: Campaign, ledger: Ledger, turn: Turn, batch: pa.Table) -> int:
    """Decide, compose and reserve one batch; the number of messages."""
    longest = max((cap.period for cap in scene.rules.policy.caps), default=timedelta())
    with turn.stage("history"):
        history = ledger.history(batch["customer_id"], scene.now - longest)
    with turn.stage("decide"):
        decisions = decide(scene, batch, campaign, history)
    with turn.stage("compose"):
        messages = compose(scene, decisions, campaign)
    with turn.stage("reserve"):
        reserve(ledger, decisions, messages, campaign, scene.now)
    return len(messages)
