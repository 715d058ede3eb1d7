"""The spine: facts in, reserved messages out. `run`, `stream` and `backtest` are callers of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import perf_counter

from campaigns.agenda import Part
from campaigns.answers import ANSWERS
from campaigns.arbitration import Round, rounds
from campaigns.arms import by_arm
from campaigns.compose import compose
from campaigns.decide import Decisions, Sitting
from campaigns.deciding import apart
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import Answers, History
from campaigns.members import remember
from campaigns.news import News
from campaigns.outcomes import record_outcomes
from campaigns.policy import PURPOSES
from campaigns.reserve import Written, reserve, written
from campaigns.scene import Scene
from campaigns.settle import settle
from campaigns.stakes import competes
from campaigns.standing import with_standing
from campaigns.windows import home_zone
from campaigns.withdraw import withdraw
from triggers.narrow import Narrowing

Progress = Callable[[str, int, int], None]
"""Told of (what is being done, how much is done, of how much)."""
SHELF = 100_000
"""Customers decided together: large enough to spread the cost of a query, small enough for flat memory."""
SHELVES = 8
"""To pick a shelf's facts takes a look at all facts: of very many customers each shelf holds an eighth."""


@dataclass
class Turn:
    """What one turn did: seconds a stage, moments seen and admitted a campaign."""

    seconds: dict[str, float] = field(default_factory=dict)
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
) -> Turn:
    """Admit every moment there is, then decide whatever wants a decision: the new, the held, and what a dead process left.

    `among` says that the facts are those of these customers only: nobody else is decided. Outcomes are then left to the
    next full turn, and so is what `news`, the only thing that has changed since the last look, has no part in. Every
    step may be repeated, none is skipped: admission is one unique key, a batch is one transaction. `shelf` is how many
    customers are decided together; `goals` narrows the outcomes written down to these events.
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
                    decided += _decide_all(scene, contest, ledger, turn, shelf, narrowing, progress)
                else:
                    decided += _decide_among(scene, contest, ledger, turn, among)
            if not decided:
                break
    if among is None:
        with turn.stage("outcomes"):
            for campaign in (each for each in running if goals is None or (each.goal and each.goal.event in goals)):
                record_outcomes(campaign, scene.facts, ledger)
    return turn


def _decide_all(
    scene: Scene, contest: Round, ledger: Ledger, turn: Turn, shelf: int, narrowing: Narrowing, progress: Progress
) -> int:
    """Decide everybody's moments shelf by shelf, each on the facts of its customers alone; the number of moments."""
    decided = 0
    for group in _groups(scene, contest.campaigns):
        names, few = [campaign.name for campaign in group], replace(contest, campaigns=group)
        total, done = ledger.count_awake(names, scene.now), 0
        for customers in ledger.awake(names, scene.now, max(shelf, -(-total // SHELVES))):
            progress("customers", done, total)
            with turn.stage("narrow"):
                own = replace(scene, facts=narrowing.to(customers))
            for start in range(0, len(customers), shelf):
                decided += _decide_among(own, few, ledger, turn, customers[start : start + shelf])
            done += len(customers)
        progress("customers", done, total)
    return decided


def _groups(scene: Scene, running: Sequence[Campaign]) -> list[list[Campaign]]:
    """The campaigns decided together: all; one after the other where they share a channel's budget, for everybody each."""
    return [[each] for each in running] if scene.rules.policy.budgets else [list(running)]


@apart
def _decide_among(scene: Scene, contest: Round, ledger: Ledger, turn: Turn, among: Collection[str]) -> int:
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
        with turn.stage("decide"):
            decided = list(sitting.decide(wave))
        rows = [_composed(scene, campaign, sitting, decisions, turn, contest) for campaign, decisions in decided]
        with turn.stage("reserve"):
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


def _composed(
    scene: Scene, campaign: Campaign, sitting: Sitting, decisions: Decisions, turn: Turn, contest: Round
) -> Written:
    """Compose what is decided of one campaign; the rows to write."""
    with turn.stage("compose"):
        messages = compose(scene, decisions, campaign)
    with turn.stage("reserve"):
        messages, took = settle(scene, decisions, messages, campaign, sitting.paid)
        rows = written(decisions, messages, campaign, scene.rules, scene.now, took)
        sitting.reserved(campaign, decisions, messages.row, took)
    if competes(campaign, scene.rules.policy):
        contest.note(decisions, messages.row)
    return rows


def _local(scene: Scene) -> datetime:
    """Now, in the insurer's zone."""
    return scene.now.astimezone(home_zone(scene.rules.timezone))
