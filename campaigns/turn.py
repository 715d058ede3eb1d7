"""The spine: facts in, reserved messages out. `run`, `stream` and `backtest` are callers of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

from campaigns.arbitration import Round, rounds
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.members import remember
from campaigns.news import News
from campaigns.outcomes import record_outcomes
from campaigns.policy import PURPOSES
from campaigns.scene import Scene
from campaigns.shelf import decide_shelf
from campaigns.withdraw import withdraw
from triggers.narrow import Narrowing

if TYPE_CHECKING:
    from campaigns.crew import Crew

Progress = Callable[[str, int, int], None]
"""Told of (what is being done, how much is done, of how much)."""
SHELF = 100_000
"""Customers decided together: large enough to spread the cost of a query, small enough for flat memory."""
SHELVES = 8
"""To pick a shelf's facts takes a look at all facts: of very many customers each shelf holds an eighth."""


@dataclass
class Turn:
    """What one turn did: seconds a stage, moments seen and admitted a campaign.

    `beside`: seconds a stage of workers, which work at the same time; `cpu_seconds`: what they computed.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    found: dict[str, int] = field(default_factory=dict)
    admitted: dict[str, int] = field(default_factory=dict)
    reserved: int = 0
    withdrawn: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start

    def join(self, other: Turn) -> None:
        """Add what a worker did of this turn."""
        for name, seconds in other.seconds.items():
            self.beside[name] = self.beside.get(name, 0.0) + seconds
        self.cpu_seconds += other.cpu_seconds
        self.reserved += other.reserved


def in_order(campaigns: Sequence[Campaign]) -> list[Campaign]:
    """The campaigns that run, what customers must know before what we would sell; by name within a purpose."""
    return sorted((c for c in campaigns if c.enabled), key=lambda c: (PURPOSES.index(c.purpose), c.name))


def take_turn(
    scene: Scene,
    campaigns: Sequence[Campaign],
    ledger: Ledger,
    *,
    among: Collection[str] | None = None,
    news: News | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
    shelf: int = SHELF,
    goals: Collection[str] | None = None,
    crew: Crew | None = None,
) -> Turn:
    """Admit every moment there is, then decide whatever wants a decision: the new, the held, and what a dead process left.

    `among` says that the facts are those of these customers only: nobody else is decided. Outcomes are then left to the
    next full turn, and so is what `news`, the only thing that has changed since the last look, has no part in. Every
    step may be repeated, none is skipped: admission is one unique key, a batch is one transaction. `shelf` is how many
    customers are decided together; `goals` narrows the outcomes written down to these events; a `crew` decides where there
    is much to do.
    """
    turn, running = Turn(), in_order(campaigns)
    asked = [campaign for campaign in running if news is None or news.begins(campaign)]
    for number, campaign in enumerate(asked):
        progress("moments", number, len(asked))
        _admit(scene, campaign, ledger, turn, among)
    progress("moments", len(asked), len(asked))
    with turn.stage("withdraw"):
        touched = [campaign for campaign in campaigns if news is None or news.ends(campaign)]  # also what is paused
        turn.withdrawn = withdraw(scene, touched, ledger, among) if touched else 0
    with closing(Narrowing(scene.facts, scene.now)) as narrowing:
        for _ in range(max((len(campaign.sends) for campaign in running), default=0)):
            decided = 0  # a step left out, or one that follows without a wait, leads on to the next at once
            for contest in rounds(scene, running, ledger, among):
                if among is None:
                    decided += _decide_all(scene, contest, ledger, turn, shelf, narrowing, progress, crew)
                else:
                    decided += decide_shelf(scene, contest, ledger, turn, among)
            if not decided:
                break
    if among is None:
        with turn.stage("outcomes"):
            for campaign in (each for each in running if goals is None or (each.goal and each.goal.event in goals)):
                record_outcomes(campaign, scene.facts, ledger)
    return turn


def _decide_all(
    scene: Scene,
    contest: Round,
    ledger: Ledger,
    turn: Turn,
    shelf: int,
    narrowing: Narrowing,
    progress: Progress,
    crew: Crew | None,
) -> int:
    """Decide everybody's moments shelf by shelf, each on the facts of its customers alone; the number of moments."""
    decided = 0
    for group in _groups(scene, contest.campaigns):
        names, few = [campaign.name for campaign in group], replace(contest, campaigns=group)
        total, done = ledger.count_awake(names, scene.now), 0
        if crew is not None and crew.takes(scene, total):
            decided += crew.decide(scene, few, ledger, turn, progress)
            continue
        for customers in ledger.awake(names, scene.now, max(shelf, -(-total // SHELVES))):
            progress("customers", done, total)
            with turn.stage("narrow"):
                own = replace(scene, facts=narrowing.to(customers))
            for start in range(0, len(customers), shelf):
                decided += decide_shelf(own, few, ledger, turn, customers[start : start + shelf])
            done += len(customers)
        progress("customers", done, total)
    return decided


def _groups(scene: Scene, running: Sequence[Campaign]) -> list[list[Campaign]]:
    """The campaigns decided together: all; one after the other where they share a channel's budget, for everybody each."""
    return [[each] for each in running] if scene.rules.policy.budgets else [list(running)]


def _admit(scene: Scene, campaign: Campaign, ledger: Ledger, turn: Turn, among: Collection[str] | None) -> None:
    """Find a campaign's moments and let them in; the unique key decides which are new."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from triggers.moments import moments

    with turn.stage("trigger"):
        remember(scene, campaign, ledger, among)
    batches = iter(moments(campaign.trigger, scene.facts))
    while True:
        with turn.stage("trigger"):
            batch = next(batches, None)
        if batch is None:
            break
        with turn.stage("admit"):
            if among is not None:  # beside these customers the facts hold scraps of others, who own what these claim on
                batch = batch.filter(pc.is_in(batch["customer_id"], pa.array(sorted(among), pa.string())))
            turn.found[campaign.name] = turn.found.get(campaign.name, 0) + batch.num_rows
            admitted = ledger.admit(campaign, batch, scene.now)
            turn.admitted[campaign.name] = turn.admitted.get(campaign.name, 0) + admitted
