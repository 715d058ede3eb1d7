"""The verdict is right where the truth is known: no effect, one effect for all, one that follows the rate, one of its own."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from recommender.errors import UpliftError
from recommender.uplift.comparison import compare_files, compare_splits
from recommender.uplift.frame import Columns, frame_of
from recommender.uplift.trial import Plan, halves, plan_names
from recommender.uplift.verdict import Finding

COLUMNS = Columns("bought", "treated")
PLAN = Plan(plan_names(("two-model", "x")), draws=200)


def frames(trial, table, effect, rows=6_000, slope=0.05):
    return [frame_of(table(trial(rows, effect, seed=seed, slope=slope)), COLUMNS) for seed in (1, 2)]


def test_an_effect_of_its_own_is_found_and_beats_the_response_model(trial, table):
    found = compare_files(*frames(trial, table, lambda x: np.where(x[:, 0] > 0, 0.2, -0.1), slope=0.2), PLAN)
    assert found.verdict.finding is Finding.PAYS
    best = found.lines[0]
    assert best.name in ("two-model", "x")
    assert 0.4 < best.worth.share < 0.75
    assert best.worth.over_everybody.low > 0
    assert "gains" in found.verdict.words[-1]


def test_no_effect_is_said_to_be_none(trial, table):
    found = compare_files(*frames(trial, table, lambda x: 0 * x[:, 0]), PLAN)
    assert found.verdict.finding is Finding.SAME
    assert found.verdict.words[0].startswith("no proven effect on average")
    assert any("no evidence that targeting beats the response model" in each for each in found.verdict.words)


def test_an_effect_that_follows_the_rate_is_found_and_the_response_model_will_do(trial, table):
    def made(seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(6_000, 3))
        treatment = (rng.random(6_000) < 0.5).astype(float)
        rate = np.clip(0.25 + 0.15 * x[:, 0], 0, 0.5) * (1 + treatment)
        outcome = (rng.random(6_000) < rate).astype(float)
        return frame_of(table({"x": x, "treatment": treatment, "outcome": outcome}), COLUMNS)

    found = compare_files(made(1), made(2), PLAN)
    assert found.verdict.finding is Finding.RESPONSE
    assert found.average.difference.low > 0.2


def test_a_false_find_is_rare(trial, table):
    false = sum(
        compare_files(*(frame_of(table(trial(600, lambda x: 0 * x[:, 0], seed=s)), COLUMNS) for s in (seed, seed + 1_000)),
                      replace(PLAN, draws=100)).verdict.finding is not Finding.SAME
        for seed in range(40)
    )  # fmt: skip
    assert false <= 5


def test_splits_are_halves_and_every_row_is_scored_by_models_that_never_saw_it(trial, table):
    frame = frames(trial, table, lambda x: 0.3 * (x[:, 0] > 0), 2_000)[0]
    one, other = halves(frame, 5)
    assert sorted([*one, *other]) == list(range(2_000))
    found = compare_splits(frame, 2, replace(PLAN, draws=100))
    assert found.splits == 2
    assert found.rows == {"data": 2_000, "other_arms": 0}
    assert {name: len(each) for name, each in found.scores.items()} == dict.fromkeys(PLAN.names, 2_000)
    assert found.lines[0].sd is not None
    assert sum(tenth.effect.rows for tenth in found.lines[0].tenths) == 2_000


def test_the_report_is_plain_values_and_says_which_definition_is_meant(trial, table):
    report = compare_files(*frames(trial, table, lambda x: 0 * x[:, 0], 1_000), replace(PLAN, draws=50)).as_dict()
    again = json.loads(json.dumps(report, allow_nan=False))
    assert "scikit-uplift" in again["definition"]
    assert {line["learner"] for line in again["learners"] if line["over_response"] is None} == {
        "response",
        "response-boosted",
    }
    assert again["rows"] == {"train": 1_000, "test": 1_000, "other_arms": 0}


def test_a_learner_that_is_not_there_and_a_table_without_a_control_group_are_told(trial, table):
    with pytest.raises(UpliftError, match="no learner 'magic'; there are class-transformation"):
        plan_names(("magic",))
    found = trial(500, lambda x: 0 * x[:, 0])
    frame = frame_of(table(found | {"treatment": np.ones(500)}), COLUMNS)
    with pytest.raises(UpliftError, match="everybody was treated"):
        compare_files(frame, frame, PLAN)


def test_customers_tested_on_of_whom_hardly_any_reached_the_outcome_tell_nothing(trial, table):
    known = frame_of(table(trial(1_000, lambda x: 0 * x[:, 0])), COLUMNS)
    rare = trial(1_000, lambda x: 0 * x[:, 0])
    new = frame_of(table(rare | {"outcome": (np.arange(1_000) < 30).astype(float)}), COLUMNS)
    with pytest.raises(UpliftError, match=r"tested on: .* rows untreated with the outcome: at least 20"):
        compare_files(known, new, PLAN)


def test_estimated_propensities_are_asked_for(trial, table):
    frame = frames(trial, table, lambda x: 0 * x[:, 0], 1_000)[0]
    plain, estimated = (compare_files(frame, frame, replace(PLAN, draws=50, estimate=each)) for each in (False, True))
    assert plain.average.difference.value != estimated.average.difference.value
