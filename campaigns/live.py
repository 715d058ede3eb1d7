"""The same turn on what has just arrived: facts are kept up to date, and only whom the news concerns is decided.

Between arrivals time passes: `wake` decides the steps that have come due, `sweep` is a full turn, for dates that came
within reach and delays that ran out. Whatever is in the inbox and not looked at yet is looked at after a restart.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from campaigns import inbox
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds
from campaigns.news import News
from campaigns.scene import Scene
from campaigns.turn import Turn, take_turn
from campaigns.withdraw import withdraw
from triggers.absorb import absorbed, alert_rows
from triggers.narrow import narrowed

if TYPE_CHECKING:
    from triggers.arrivals import Row
    from triggers.facts import Facts

WOKEN = 5_000
"""Customers woken at once."""


@dataclass
class Step:
    """What one look did: rows taken from the inbox, customers looked at, messages reserved and withdrawn, rows set aside."""

    rows: int = 0
    customers: int = 0
    reserved: int = 0
    withdrawn: int = 0
    set_aside: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, turn: Turn) -> None:
        """Count what a turn did."""
        self.reserved += turn.reserved
        self.withdrawn += turn.withdrawn


class Live:
    """Facts as they were opened, with everything that has arrived since laid over them, and the campaigns run on them.

    The facts must hold the inbox up to `place` already (see `opened`).
    """

    def __init__(self, scene: Scene, campaigns: Sequence[Campaign], ledger: Ledger, place: int = 0) -> None:
        self.scene, self.campaigns, self.ledger, self.place = scene, tuple(campaigns), ledger, place
        self._alerts: list[Row] = alert_rows(scene.facts)

    def arrivals(self, now: datetime, limit: int = inbox.PIECE) -> Step:
        """Look at what has arrived since the last look, `limit` rows at most; a `Step` of no rows where nothing has."""
        batch = inbox.after(self.ledger, self.place, limit=limit)
        step = Step(batch.size)
        if not batch.size:
            return step
        self._alerts += batch.rows.get("alerts", ())
        with absorbed(self.scene.facts, batch.rows, now, self._alerts) as (few, concerned):
            step.customers, step.set_aside = len(concerned.customers), concerned.set_aside
            if concerned.customers:
                step.add(self._among(few, concerned.customers, News.of(batch.rows)))
        if concerned.alerts:
            self._alerted(now, step)
        self.place = batch.last
        return step

    def wake(self, now: datetime) -> Step:
        """Decide the steps that have come due by themselves."""
        running = json.dumps([campaign.name for campaign in self.campaigns if campaign.enabled])
        rows = self.ledger.store.all("customers_due", now=seconds(now), campaigns=running, limit=WOKEN)
        step = Step(customers=len(rows))
        if rows:
            customers = frozenset(customer for (customer,) in rows)
            with narrowed(self.scene.facts, customers, now) as few:
                step.add(self._among(few, customers))
        return step

    def sweep(self, now: datetime) -> Turn:
        """A full turn over everybody."""
        return take_turn(self._full(now), self.campaigns, self.ledger)

    def _among(self, few: Facts, customers: frozenset[str], news: News | None = None) -> Turn:
        return take_turn(replace(self.scene, facts=few), self.campaigns, self.ledger, among=customers, news=news)

    def _full(self, now: datetime) -> Scene:
        # in the facts' own database: an engine elsewhere has the tables as they were when it first asked for them
        return replace(self.scene, facts=replace(self.scene.facts, now=now, copy=None, engine=None))

    def _alerted(self, now: datetime, step: Step) -> None:
        """Alerts changed: the campaigns about them run for everybody, and messages that wait are looked at again."""
        full = self._full(now)
        about = [campaign for campaign in self.campaigns if campaign.trigger.kind == "region"]
        if about:
            step.add(take_turn(full, about, self.ledger))
        others = [campaign for campaign in self.campaigns if campaign not in about]
        step.withdrawn += withdraw(full, others, self.ledger)


def opened(scene: Scene, campaigns: Sequence[Campaign], ledger: Ledger, now: datetime) -> Live:
    """Facts just opened, everything that ever arrived laid over them, to be kept up to date from there on."""
    place = _lay_over(scene.facts, ledger, now, None)
    return Live(scene, campaigns, ledger, place)


def catch_up(facts: Facts, ledger: Ledger, now: datetime) -> None:
    """Lay everything that arrived by `now` over freshly opened facts.

    Every command opens the facts so: what the stream has seen, the nightly run sees.
    """
    _lay_over(facts, ledger, now, now)


def _lay_over(facts: Facts, ledger: Ledger, now: datetime, by: datetime | None) -> int:
    place = 0
    alerts: list[Row] = []
    for batch in inbox.all_by(ledger, by):
        alerts = alerts or alert_rows(facts)
        alerts += batch.rows.get("alerts", ())
        with absorbed(facts, batch.rows, now, alerts):
            place = batch.last
    return place
