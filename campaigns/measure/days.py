"""The effect as it was known day by day, with the interval one may look at every day."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from recommender.effect.difference import difference
from recommender.effect.effect import told
from recommender.effect.groups import Columns, add_up
from recommender.effect.metric import Metric
from recommender.effect.plan import Plan
from recommender.effect.sequence import always_valid
from recommender.effect.sums import Sums

if TYPE_CHECKING:
    import duckdb

COLUMNS = Columns("group", "reached", per="moments", segment="day")
METRIC = Metric("reached", "moments")


def by_day(db: duckdb.DuckDBPyConnection, plan: Plan, control: str, window: int, zone: tzinfo) -> list[dict[str, Any]]:
    """Day, group, customers so far, effect so far and its always-valid interval; of the table `measured` of `db`.

    A customer comes in on the day the window of the first moment closes, with all moments whose window is closed by
    now: sums of days are added, no row is read twice.
    """
    shift = f"to_timestamp(first_due_at + {int(window)})"
    name = str(zone).replace("'", "''")
    db.execute(
        f"create or replace temp table measured_days as select *, cast(timezone('{name}', {shift}) as date) as day from measured"  # noqa: S608 - quoted
    )
    days = add_up(db, "measured_days", COLUMNS).by_segment()
    so_far: dict[str, Sums] = {}
    found: list[dict[str, Any]] = []
    for day, own in days.items():
        for group, sums in own.items():
            so_far[group] = so_far[group] + sums if group in so_far else sums
        if control in so_far:
            found += [_told(day, group, so_far, control, plan) for group in so_far if group != control]
    return found


def _told(day: str, group: str, so_far: dict[str, Sums], control: str, plan: Plan) -> dict[str, Any]:
    made = difference(so_far[group], so_far[control], METRIC)
    interval = always_valid(made, plan.alpha, plan.tuned_for)
    return {
        "day": day,
        "group": group,
        "customers": made.n,
        "estimate": told(made.estimate),
        "always_valid": interval.as_list(),
    }
