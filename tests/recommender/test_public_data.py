"""Floors on public data sets, through the door of `kairos recommend evaluate`: what was reached must not be lost.

Each floor stands well below what was measured: the last digits differ between machines.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.offer_trials import TRIALS
from benchmarks.offers import holders, thinned
from recommender.comparison import Line, compare
from recommender.foresight import Asked
from recommender.trial import Trial

pytestmark = pytest.mark.real_data
ROWS = 12_000


@pytest.fixture
def trial(real_data: Callable[[str], Path]) -> Callable[..., Trial]:
    """A data set laid out, with as many rows to learn from as a test has time for."""
    return lambda name, rows=ROWS: thinned(TRIALS[name][0](real_data(name).parent), rows, 1)


def _lines(trial: Trial, k: int, *models: str, folds: int = 0) -> dict[str, Line]:
    found = compare(trial, k, 1, asked=Asked(only=models, search=False), folds=folds)
    return {line.model: line for line in found.lines if line.segment == "all"}


def test_the_service_a_member_will_use_is_found_more_often_than_by_popularity(trial):
    lines = _lines(trial("cas-health-services"), 3, "ease", "logistic")
    assert lines["logistic"].events == 8_348
    assert lines["popularity"].metrics["hr"].value == pytest.approx(0.911, abs=0.01)
    for model in ("ease", "logistic"):
        assert lines[model].over_popularity["mrr"].low > 0.035
        assert lines[model].reliability.brier < lines["popularity"].reliability.brier - 0.045


def test_as_many_caravan_holders_are_picked_as_a_good_entry_of_the_challenge_did(trial):
    given = trial("coil2000-caravan")
    assert (given.relevant.shape, int(given.relevant[:, given.items.index("caravan")].sum())) == ((4_000, 2), 238)
    found = holders(given, 1, Asked(only=("ease", "lightfm")))
    assert found["ease"] >= 105
    assert found["lightfm"] >= 112


def test_who_learns_from_what_others_added_knows_what_a_contract_adds(trial):
    lines = _lines(trial("cas-motor-guarantees"), 1, "ease", "itemknn", folds=5)
    for model in ("ease", "itemknn", "blend"):
        assert lines[model].over_popularity["hr"].low > 0.05, model
        assert lines[model].metrics["hr"].value > 0.73, model


def test_films_are_foreseen_by_every_way_of_learning_from_likes(trial):
    lines = _lines(trial("movielens-latest-small", 4_000), 10, "ease", "itemknn", "lightfm")
    for model, floor in {"ease": 0.37, "itemknn": 0.35, "lightfm": 0.31}.items():
        assert lines[model].metrics["hr"].value > floor, model
    assert lines["lightfm"].coverage > lines["popularity"].coverage


def test_learning_from_eligible_and_taken_in_parts_reaches_what_was_measured_before(trial):
    lines = _lines(trial("bruun-insurance-purchases"), 3, "ease", folds=5)
    assert lines["ease"].metrics["hr"].value > 0.715
    assert lines["ease"].over_popularity["hr"].low > 0.02


def test_thinning_keeps_rows_whole(trial):
    given = TRIALS["coil2000-caravan"]
    whole = trial("coil2000-caravan")
    part = thinned(whole, 100, 1)
    assert (len(part.targets), part.features.shape[0], len(part.window), given[1]) == (100, 100, 100, 1)
    assert np.isin(part.targets, whole.targets).all()
