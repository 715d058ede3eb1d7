"""How much would go out on a day, against budgets and caps: the triggers run over the facts, nothing decided or kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from campaigns.problems import Problem
from kairos.inspection import runnable
from kairos.workspace import CampaignFile, Workspace

if TYPE_CHECKING:
    from campaigns.definition import Campaign
    from campaigns.policy import Cap
    from triggers.facts import Facts

DAY = timedelta(days=1)


def estimate(place: Workspace, now: datetime) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Per campaign the moments of the day up to `now` and what is overdue beside them; what exceeds a budget or a cap.

    An upper bound: gates refuse some, and what the ledger has seen already does not come again.
    """
    with place.facts(now) as facts:
        good, _ = runnable(place, facts.columns)
        running = [campaign for campaign in good if campaign.enabled]
        facts.db.execute("create temp table volume (campaign varchar, customer_id varchar, due_at timestamptz)")
        lines = [_count(facts, campaign, now) for campaign in running]
        files = {file.campaign.name: file for file in place.campaigns()[0]}
        problems = _over_budget(files, lines)
        for number, cap in enumerate(place.policy().caps):
            problems += _over_cap(place, facts, running, number, cap)
    return lines, sorted(problems)


def _count(facts: Facts, campaign: Campaign, now: datetime) -> dict[str, Any]:
    from triggers.moments import moments

    for batch in moments(campaign.trigger, facts):
        facts.db.register("found", batch)
        facts.db.execute("insert into volume select $name, customer_id, due_at from found", {"name": campaign.name})
        facts.db.unregister("found")
    sql = """select count(*) filter (where due_at > $since), count(*), count(distinct customer_id)
               from volume where campaign = $name"""
    asked = {"name": campaign.name, "since": now - DAY}
    today, found, customers = facts.db.execute(sql, asked).fetchall()[0]
    return {"campaign": campaign.name, "day": today, "overdue": found - today, "customers": customers}


def _over_budget(files: dict[str, CampaignFile], lines: Sequence[dict[str, Any]]) -> list[Problem]:
    """Campaigns with more moments of the day than their `budget` lets through."""
    problems = []
    for line in lines:
        file = files[line["campaign"]]
        budget = file.campaign.budget
        most = budget.volume if budget else None
        if most is not None and line["day"] > most:
            message = f"{line['day']:,} moments on this day, the budget lets {most:,} messages go"
            hint = "raise `budget`, narrow `where:`, or accept that the rest waits"
            problems.append(file.document.problem(("budget",), message, hint))
    return problems


def _over_cap(place: Workspace, facts: Facts, running: Sequence[Campaign], number: int, cap: Cap) -> list[Problem]:
    """Customers with more moments on this day alone than a cap lets through in its whole period."""
    bound = [each for each in running if each.purpose in cap.purposes and _may_use(each, cap)]
    sql = """select count(*) from (select customer_id from volume where list_contains($names, campaign)
              group by customer_id having count(*) > $most)"""
    names = [campaign.name for campaign in bound]
    over = facts.db.execute(sql, {"names": names, "most": cap.max}).fetchall()[0][0]
    if not over:
        return []
    message = f"{over:,} customers have more moments than the {cap.max} this cap lets through in {cap.per}"
    hint = f"campaigns concerned: {', '.join(names)}; tell them apart in `where:`, or let them wait (`cap: hold`)"
    return [place.document.problem(("caps", number), message, hint)]


def _may_use(campaign: Campaign, cap: Cap) -> bool:
    used = {medium for step in campaign.sends for medium in step.send.channels}
    return not cap.channels or used <= set(cap.channels)
