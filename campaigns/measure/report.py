"""The report on one campaign: health, verdict, effect with interval, cost, funnel, days and segments, each with its query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds
from campaigns.measure.days import by_day
from campaigns.measure.health import checks, unreachable
from campaigns.measure.ranking import ranking
from campaigns.measure.trial import BOTH, HELD_OUT, Trial, meant, measured
from campaigns.report import Funnel, funnels
from recommender.effect.effect import Effect, told
from recommender.effect.estimate import Estimate, estimate
from recommender.effect.groups import Columns, Groups, add_up
from recommender.effect.plan import Plan
from recommender.effect.sums import Sums

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

COLUMNS = Columns("group", "reached", per="moments", cost="cost")
_SUMS = """sum(moments) as moments, sum(reached) as reached, sum(reached * reached) as reached_squared,
       sum(reached * moments) as reached_by_moments, sum(moments * moments) as moments_squared, sum(cost) as cost"""
STAGES = ("moments", "messaged", "delivered", "failed", "reached", "window_closed")


def campaign_report(
    ledger: Ledger,
    trial: Trial,
    db: duckdb.DuckDBPyConnection,
    plan: Plan,
    as_of: datetime,
    *,
    segment: str | None = None,
    cuped: bool = False,
    ranked: bool = False,
) -> dict[str, Any]:
    """As plain values. `segment`: a column of the view `customers` of `db`; `cuped`: adjust by events of the year before;
    `ranked`: try the ranking of the view `uplift` of `db`.

    The rate is goals reached a moment whose window is closed, by the delta method: customers were drawn, not moments.
    """
    table = measured(ledger, trial)
    columns = replace(COLUMNS, segment="segment" if segment else None, covariates=("before",) if cuped else ())
    groups = _groups(db, table, columns, segment, cuped)
    shares = meant(ledger, trial.campaign)
    whole = _complete(groups, shares, columns)
    found = _compared(whole, columns, plan, shares, unreachable(ledger, trial))
    funnel = _funnel(ledger, trial)
    health = checks(ledger, trial, found.ratio if found else None, _in_both(table), funnel, seconds(as_of))
    return {
        "campaign": trial.campaign.name,
        "title": dict(trial.campaign.title),
        "goal": trial.goal,
        "window_days": round(trial.window / 86_400, 2),
        "holdout": trial.campaign.holdout,
        "known_until": instant(trial.until).isoformat() if trial.until else None,
        "health": [each.as_dict() for each in health],
        **_effects(found, table, trial),
        "funnel": funnel,
        "moments": funnels(ledger).get(trial.campaign.name, Funnel(trial.campaign.name)).as_dict(),
        "days": by_day(db, plan, found.control, trial.window, as_of.tzinfo or ZoneInfo("UTC")) if found else [],
        "ranking": ranking(db, trial.campaign) if ranked else None,
        "counted_twice": _twice(ledger, trial),
        "queries": _queries(ledger, trial, groups),
    }


def _groups(
    db: duckdb.DuckDBPyConnection, table: pa.Table, columns: Columns, segment: str | None, cuped: bool
) -> Groups:
    """The customers as the view `measured`, those counted added up by group and segment."""
    from recommender.effect.groups import quoted

    db.register("measured_rows", table)
    own = f", cast(c.{quoted(segment)} as varchar) as segment" if segment else ""
    joined = "left join customers c using (customer_id)" if segment else ""
    before = (
        ", (select count(*) from events e where e.customer_id = m.customer_id and e.occurred_at < to_timestamp(m.first_due_at)"
        " and e.occurred_at >= to_timestamp(m.first_due_at) - interval 365 day) as before"
        if cuped
        else ""
    )
    db.execute(
        f"create or replace temp table measured as select m.*{own}{before} from measured_rows m {joined} where m.\"group\" <> '{BOTH}'"  # noqa: S608 - quoted names
    )
    return add_up(db, "measured", columns)


def _in_both(table: pa.Table) -> int:
    """How many customers were treated once and held out another time."""
    import pyarrow.compute as pc

    return int(pc.sum(pc.equal(table["group"], BOTH)).as_py() or 0)


def _complete(groups: Groups, shares: Mapping[str, float], columns: Columns) -> Groups:
    """With the groups nobody is in yet, and without those the campaign no longer has."""
    kept = {key: own for key, own in groups.sums.items() if key[0] in shares}
    there, somewhere = {group for group, _ in kept}, next((segment for _, segment in kept), "")
    empty = {(name, somewhere): Sums.empty(columns.numbers) for name in shares if name not in there}
    return replace(groups, sums=kept | empty)


def _compared(groups: Groups, columns: Columns, plan: Plan, shares: Mapping[str, float], fault: str) -> Estimate | None:
    """None where there is one group only. Without a holdout the first arm is what the others are compared with."""
    names = groups.by_group()
    if len(names) < 2:
        return None
    control = HELD_OUT if HELD_OUT in names else next(name for name in shares if name in names)
    return estimate(groups, columns, control, plan, {name: shares[name] for name in names}, fault)


def _effects(found: Estimate | None, table: pa.Table, trial: Trial) -> dict[str, Any]:
    if found is None:
        return {"groups": [], "control": None, "effects": [], "segments": [], "same_in_all_segments": {}}
    made = found.as_dict()
    pace = _a_day(table, trial)
    for each, said in zip(found.effects, made["effects"], strict=True):
        said |= {"days_needed": each.days_needed(pace), "incremental": told(_incremental(each, found))}
    return {
        name: made[name]
        for name in ("groups", "control", "effects", "segments", "same_in_all_segments", "sample_ratio")
    }


def _incremental(each: Effect, found: Estimate) -> float:
    """Outcomes the treatment brought about: the effect a moment times the moments treated."""
    return each.best.estimate * found.groups[each.group].total("moments")


def _a_day(table: pa.Table, trial: Trial) -> float:
    """Customers who came in a day, since the first whose window is closed."""
    import pyarrow.compute as pc

    if not table.num_rows:
        return 0.0
    first = pc.min(table["first_due_at"]).as_py()
    days = timedelta(seconds=max(trial.until - trial.window - first, 86_400)) / timedelta(days=1)
    return float(table.num_rows / days)


def _funnel(ledger: Ledger, trial: Trial) -> list[dict[str, Any]]:
    return [
        {"group": row[0], **dict(zip(STAGES, row[1:], strict=True))} for row in trial.rows(ledger, "measured_funnel")
    ]


def _twice(ledger: Ledger, trial: Trial) -> list[dict[str, Any]]:
    names = ("campaign", "events", "held_out")
    return [dict(zip(names, row, strict=True)) for row in trial.rows(ledger, "measured_twice")]


def _queries(ledger: Ledger, trial: Trial, groups: Groups) -> dict[str, str]:
    """What one can copy: for the ledger's database, but `effect_duckdb`, which adds up the rows of `customers`.

    `days` tells them by the second in which the window of a customer's first moment closed: added up to a day they are its figures.
    """
    customers = trial.query(ledger, "measured_customers")
    sums = (
        f'select "group", count(*) as customers, {_SUMS}\n'  # noqa: S608 - own text, values quoted
        f"  from ({customers}) measured\n where \"group\" <> '{BOTH}' group by 1 order by 1"
    )
    return {
        "effect": sums,
        "days": f'select first_due_at + {trial.window:d} as closed_at, "group", count(*) as customers, {_SUMS}\n'  # noqa: S608 - own text
        f"  from ({customers}) measured\n where \"group\" <> '{BOTH}' group by 1, 2 order by 1, 2",
        "customers": customers,
        "funnel": trial.query(ledger, "measured_funnel"),
        "counted_twice": trial.query(ledger, "measured_twice"),
        "outcomes": trial.query(ledger, "measured_goals"),
        "effect_duckdb": groups.query,
    }
