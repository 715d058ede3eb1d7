"""One nightly run: open the workspace, take the turn, count."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from campaigns.crew import Crew, cores
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.report import Funnel, funnels
from campaigns.turn import Turn, take_turn
from kairos.errors import KairosError
from kairos.freshness import fresh, need_model
from kairos.service import in_service
from kairos.workspace import Workspace

if TYPE_CHECKING:
    from triggers.facts import Facts

Progress = Callable[[str, int, int], None]


def run_workspace(
    place: Workspace,
    now: datetime,
    *,
    only: Sequence[str],
    rehearsal: bool,
    progress: Progress,
    workers: int | None = None,
) -> dict[str, Any]:
    """Run every campaign (or those named in `only`) as of `now`; a rehearsal works on a copy of the ledger.

    Where there is much to decide, `workers` processes do so at once, by default one a core. Returns the report that
    `kairos run --json` prints. Broken campaigns do not run and are listed under `problems`.
    """
    start = perf_counter()
    with (
        place.facts(now, progress) as facts,
        _ledger(place, rehearsal) as (ledger, where),
        closing(Crew(where, cores() if workers is None else workers)) as crew,
    ):
        opened = perf_counter() - start
        service = in_service(place, facts.columns, ledger, now)
        service = replace(service, campaigns=chosen(service.campaigns, only))
        need_model(place, service.campaigns)
        service = fresh(place, facts, service, now)
        running = service.campaigns
        turn = take_turn(place.scene(facts), running, ledger, progress=progress, crew=crew)
        report = _report(place, now, facts, turn, running, funnels(ledger), opened, perf_counter() - start)
        report |= {"rehearsal": rehearsal, **service.report()}
        if not rehearsal:
            ledger.record_run("run", now, report)
    return report


@contextmanager
def _ledger(place: Workspace, rehearsal: bool) -> Iterator[tuple[Ledger, Path | str]]:
    """The ledger, or a copy of it, and where it is."""
    if not rehearsal:
        with place.ledger() as ledger:
            yield ledger, place.ledger_place
        return
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=place.state))
    try:
        with place.ledger() as real:
            real.store.copy_to(folder / "ledger.db")
        with Ledger(folder / "ledger.db") as ledger:
            yield ledger, folder / "ledger.db"
    finally:
        shutil.rmtree(folder)


def chosen(campaigns: list[Campaign], only: Sequence[str]) -> list[Campaign]:
    """All campaigns, or those named in `only`. Raises KairosError for a name there is not."""
    known = {campaign.name: campaign for campaign in campaigns}
    missing = [name for name in only if name not in known]
    if missing:
        raise KairosError(
            f"there is no sound campaign {missing[0]!r}; known: {', '.join(known) or 'none'}; see `kairos lint`"
        )
    return [known[name] for name in only] if only else campaigns


def _report(
    place: Workspace,
    now: datetime,
    facts: Facts,
    turn: Turn,
    campaigns: list[Campaign],
    counted: dict[str, Funnel],
    opened: float,
    total: float,
) -> dict[str, Any]:
    lines = [
        {"new": turn.admitted.get(campaign.name, 0), **counted.get(campaign.name, Funnel(campaign.name)).as_dict()}
        for campaign in campaigns
    ]
    customers = facts.db.execute("select count(*) from customers").fetchall()[0][0]
    return {
        "as_of": now.isoformat(),
        "workspace": str(place.folder),
        "facts": facts.report.as_dict(),
        "campaigns": lines,
        "totals": {
            "customers": customers,
            "moments": sum(line["moments"] for line in lines),
            "new": sum(turn.admitted.values()),
            "sent": sum(line["sent"] for line in lines),
            "conserved": all(funnel.conserved for funnel in counted.values()),
        },
        "reserved": turn.reserved,
        "seconds": {"facts": opened, **turn.seconds, "total": total},
        "workers": {"seconds": turn.beside, "cpu_seconds": turn.cpu_seconds},
    }
