"""A fit of the offers of a workspace: its facts, its settings, and what its ledger knows of the offers made."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from kairos.workspace import Progress, Workspace

if TYPE_CHECKING:
    from recommender.outcomes import Feedback
    from recommender.report import FitReport


def fit_workspace(
    place: Workspace,
    now: datetime,
    seed: int,
    *,
    model: str | None = None,
    tune: bool = False,
    outcomes: bool = True,
    progress: Progress | None = None,
) -> FitReport:
    """Fit as of `now` and put the version in service. `model` serves, or the preferred one; `tune` chooses settings.

    With `outcomes` it learns from what became of offers, of which nothing later than `now` is read. Raises
    `RecommenderError` where it cannot be done.
    """
    from recommender.fitting import Choice, fit

    learning = place.settings.recommend.learning
    feedback = _feedback(place, now) if outcomes else None
    with place.facts(now, progress) as facts:
        choice = Choice(model, tune, learning)
        return fit(facts.db, place.models, now, seed=seed, progress=progress, choice=choice, feedback=feedback)


def _feedback(place: Workspace, now: datetime) -> Feedback | None:
    """What the ledger knows of offers; None where there is no ledger yet, or it knows of none."""
    from campaigns.offered import answers_to_offers, offers_made
    from recommender.outcomes import Feedback

    where = place.ledger_place
    if not isinstance(where, str) and not where.is_file():
        return None
    with place.ledger() as ledger:
        offers = offers_made(ledger, now)
        return Feedback(offers, answers_to_offers(ledger, now)) if offers.num_rows else None
