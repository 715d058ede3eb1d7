"""Who answers first: the area under the gains curve is the number of the formula, and nothing is said of effects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from recommender.errors import UnfitInputError
from recommender.uplift.curves import cells_of, groups_of
from recommender.uplift.frame import Columns, frame_of
from recommender.uplift.gains import area, rank_files, rank_splits, reached


def cells(scores, outcome):
    return cells_of(groups_of(np.array(scores)), np.ones(len(scores)), np.array(outcome))


def test_the_area_of_four_customers_is_the_one_worked_out_by_hand():
    found = cells([4.0, 3.0, 2.0, 1.0], [1.0, 0.0, 1.0, 0.0])
    # 0, 1/2, 1/2, 1, 1 at quarters: (1/4 + 1/2 + 3/4 + 1) / 4
    assert float(area(found)) == 0.625
    assert float(reached(found)) == 0.5
    assert float(area(cells([1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0]))) == 0.5


def test_a_perfect_ranking_has_one_less_half_the_rate():
    outcome = np.array([1.0] * 3 + [0.0] * 7)
    assert float(area(cells(outcome.tolist(), outcome.tolist()))) == pytest.approx(1 - 0.3 / 2)


def people(seed, rows=1_500):
    rng = np.random.default_rng(seed)
    age = rng.normal(size=rows)
    bought = (rng.random(rows) < 1 / (1 + np.exp(2 - 1.5 * age))).astype(int)
    return frame_of(pa.table({"age": age, "bought": bought}), Columns("bought"))


def test_models_rank_and_the_words_say_that_nothing_is_known_of_effects():
    found = rank_files(people(1), people(2), seed=1, draws=100)
    assert {line.name for line in found.lines} == {"response", "response-boosted"}
    assert all(line.area.low > 0.6 for line in found.lines)
    report = found.as_dict()
    assert report["verdict"]["finding"] == "ranked by response only"
    assert "says nothing of what a contact causes" in report["verdict"]["words"][0]


def test_splits_score_every_row():
    found = rank_splits(people(1), 2, seed=1, draws=100)
    assert (found.splits, [len(each) for each in found.scores.values()]) == (2, [1_500, 1_500])


def test_hardly_any_outcome_is_too_little():
    few = frame_of(pa.table({"age": range(100), "bought": [1] * 5 + [0] * 95}), Columns("bought"))
    with pytest.raises(UnfitInputError, match="5 rows with or without the outcome"):
        rank_files(few, few, seed=1)
