"""What campaigns caused: the workspace opened, each campaign with a goal measured from the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.definition import Campaign
from kairos.errors import KairosError
from kairos.service import served
from kairos.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int, int], None]


def measure(
    place: Workspace,
    as_of: datetime,
    *,
    only: Sequence[str],
    segment: str | None,
    cuped: bool,
    ranked: bool,
    alpha: float,
    worth: float | None,
    progress: Progress,
) -> dict[str, Any]:
    """The report that `kairos uplift report --json` prints; the facts are opened only for `segment`, `cuped` and `ranked`.

    Raises KairosError for a campaign there is not, a segment that is no column of customers, or a ranking nobody has given.
    """
    from campaigns.measure.report import campaign_report
    from campaigns.measure.trial import trial_of
    from recommender.effect.plan import Plan

    if ranked and "uplift" not in place.sources().views:
        raise KairosError(
            "nothing ranks the customers: sources.yaml has no view `uplift`; fit a model with `kairos uplift model --save NAME`, "
            "then `kairos uplift apply NAME` says how to add it"
        )
    plan = Plan(alpha, "always_valid", worth=worth)
    with (
        _opened(place, as_of, segment, progress, facts=cuped or ranked or segment is not None) as db,
        place.ledger() as ledger,
    ):
        told = ledger.store.place
        chosen, idle = _chosen(served(place, ledger), only)
        reports = []
        for number, campaign in enumerate(chosen):
            progress("campaigns", number, len(chosen))
            trial = trial_of(ledger, campaign, as_of, place.settings.prices)
            reports.append(campaign_report(ledger, trial, db, plan, as_of, segment=segment, cuped=cuped, ranked=ranked))
        progress("campaigns", len(chosen), len(chosen))
    return {
        "as_of": as_of.isoformat(),
        "insurer": place.settings.insurer,
        "currency": place.settings.currency,
        "ledger": told,
        "alpha": alpha,
        "segment": segment,
        "cuped": cuped,
        "campaigns": reports,
        "not_measured": idle,
        "problems": [problem.as_dict() for problem in place.campaigns()[1]],
    }


@contextmanager
def _opened(
    place: Workspace, as_of: datetime, segment: str | None, progress: Progress, *, facts: bool
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the facts where they are asked for, else an empty one."""
    if not facts:
        import duckdb

        with duckdb.connect(":memory:") as db:
            yield db
        return
    with place.facts(as_of, progress) as opened:
        if segment is not None and segment not in opened.columns["customers"]:
            known = ", ".join(sorted(opened.columns["customers"]))
            raise KairosError(f"customers have no column {segment!r} to tell the effect by; they have {known}")
        yield opened.db


def _chosen(campaigns: Sequence[Campaign], only: Sequence[str]) -> tuple[list[Campaign], dict[str, str]]:
    """The campaigns to measure, and why the others are not."""
    known = {campaign.name: campaign for campaign in campaigns}
    for name in only:
        if name not in known:
            raise KairosError(f"there is no campaign {name!r} in service; there are {', '.join(known) or 'none'}")
    wanted = [known[name] for name in only] if only else list(known.values())
    idle = {each.name: why for each in wanted if (why := _unmeasurable(each))}
    return [each for each in wanted if each.name not in idle], idle


def _unmeasurable(campaign: Campaign) -> str:
    if campaign.goal is None:
        return "it has no `goal`: nothing says what success is"
    if not campaign.holdout and len([each for each in campaign.variants if each.weight]) < 2:
        return "nobody is held out: set `holdout` to see what it causes"
    return ""
