"""The spine: facts in, reserved messages out. `run`, and later `stream` and `backtest`, are callers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from campaigns.compose import Recommender, Words, compose
from campaigns.decide import Rules, decide
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.outcomes import record_outcomes
from campaigns.policy import PURPOSES
from campaigns.reserve import reserve

if TYPE_CHECKING:
    from triggers.facts import Facts

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
    campaigns: Sequence[Campaign],
    facts: Facts,
    ledger: Ledger,
    words: Words,
    recommender: Recommender | None,
    rules: Rules,
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
        _admit(campaign, facts, ledger, turn)
    for campaign in running:
        _decide(campaign, facts, ledger, words, recommender, rules, turn, progress, rows)
    with turn.stage("outcomes"):
        for campaign in running:
            record_outcomes(campaign, facts, ledger)
    return turn


def _admit(campaign: Campaign, facts: Facts, ledger: Ledger, turn: Turn) -> None:
    from triggers.moments import moments

    batches = iter(moments(campaign.trigger, facts))
    while True:
        with turn.stage("trigger"):
            batch = next(batches, None)
        if batch is None:
            break
        with turn.stage("admit"):
            turn.found[campaign.name] = turn.found.get(campaign.name, 0) + batch.num_rows
            admitted = ledger.admit(campaign, batch, facts.now)
            turn.admitted[campaign.name] = turn.admitted.get(campaign.name, 0) + admitted


def _decide(
    campaign: Campaign,
    facts: Facts,
    ledger: Ledger,
    words: Words,
    recommender: Recommender | None,
    rules: Rules,
    turn: Turn,
    progress: Progress,
    rows: int,
) -> None:
    now = facts.now
    total, done = ledger.count_pending(campaign.name, now), 0
    longest = max((cap.period for cap in rules.policy.caps), default=timedelta())
    for batch in ledger.pending(campaign.name, now, rows):
        progress(campaign.name, done, total)
        with turn.stage("history"):
            history = ledger.history(batch["customer_id"], now - longest)
        with turn.stage("decide"):
            decisions = decide(facts.db, batch, campaign, history, rules, now)
        with turn.stage("compose"):
            messages = compose(facts.db, facts.columns, decisions, campaign, words, recommender, rules, now)
        with turn.stage("reserve"):
            reserve(ledger, decisions, messages, campaign, now)
        turn.reserved += len(messages)
        done += batch.num_rows
    progress(campaign.name, done, total)
