"""One backtest: the workspace opened once, its days run, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from time import perf_counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from campaigns.backtest import Period, report, run_days, scaled
from campaigns.simulation import SimulatedLedger
from kairos.errors import KairosError
from kairos.freshness import need_model
from kairos.inspection import runnable
from kairos.runs import chosen
from kairos.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str, int, int], None]


def backtest(
    place: Workspace,
    first: date,
    last: date,
    *,
    only: Sequence[str],
    with_ledger: bool,
    progress: Progress,
    sample: float = 1.0,
) -> dict[str, Any]:
    """Run the days from `first` to `last` and report. Raises KairosError for days the wrong way round.

    It begins with an empty ledger, or `with_ledger` with a copy of the workspace's. With a `sample` below 1 it runs that
    share of the customers and tells its counts for all of them.
    """
    from triggers.history import History
    from triggers.sampling import keep_sample

    if last < first:
        raise KairosError(f"the days end ({last}) before they begin ({first})")
    start = perf_counter()
    at = datetime.combine(last, time.fromisoformat(place.settings.run_at), ZoneInfo(place.settings.timezone))
    period = Period(first, last, at)
    with place.facts(at, progress, versions=True) as facts:
        opened = perf_counter() - start
        campaigns, problems = runnable(place, facts.columns)
        running = [campaign for campaign in chosen(campaigns, only) if campaign.enabled]
        need_model(place, running)
        drawn = keep_sample(facts, sample, place.policy().salt) if sample < 1 else None
        history = History(facts)
        with _beginning(place, with_ledger, drawn) as ledger:
            run_days(place.scene(facts), history.at, running, ledger, period, progress)
            made = report(ledger, running, period, place.settings.prices, place.settings.timezone)
            if drawn is not None:
                made = scaled(made, sample, drawn.num_rows, ledger)
    seconds = {"facts": round(opened, 2), "total": round(perf_counter() - start, 2)}
    return {
        **made,
        "insurer": place.settings.insurer,
        "currency": place.settings.currency,
        "began_with": "the ledger" if with_ledger else "nothing",
        "problems": [problem.as_dict() for problem in problems],
        "seconds": seconds,
    }


def _beginning(place: Workspace, with_ledger: bool, among: pa.Table | None) -> SimulatedLedger:
    if not with_ledger:
        return SimulatedLedger(place.state, among=among)
    with place.ledger() as real:
        return SimulatedLedger(place.state, real, among)
