"""On public trials the report says what is true of them: the women's mail, the men's, an insurer's, and a bank's calls."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from recommender.uplift.comparison import compare_files, compare_splits
from recommender.uplift.frame import Columns, read_frame
from recommender.uplift.gains import rank_files, rank_splits
from recommender.uplift.trial import Plan, plan_names
from recommender.uplift.verdict import Finding

DATA = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[4] / "shared" / "data"))
pytestmark = [pytest.mark.real_data, pytest.mark.skipif(not DATA.is_dir(), reason="no public data sets")]
PLAN = Plan(plan_names(("single", "two-model")), draws=100)


def mail(arm):
    columns = Columns("visit", "segment", arm, "No E-Mail", ignore=("conversion", "spend"))
    return read_frame(DATA / "uplift-hillstrom" / "hillstrom.csv.gz", columns)


def test_targeting_the_womens_mail_beats_the_response_model_and_the_best_qini_is_as_high_as_known():
    found = compare_splits(mail("Womens E-Mail"), 6, PLAN)  # halves of seeds 1 to 6, each tried by models of the other
    assert found.rows == {"data": 42_693, "other_arms": 21_307}
    assert round(found.average.difference.value, 4) == 0.0452
    assert found.lines[0].qini.value >= 0.063
    assert found.lines[0].qini.low > 0.04
    assert found.verdict.finding is Finding.PAYS


def test_nothing_beats_the_response_model_on_the_mens_mail():
    found = compare_splits(mail("Mens E-Mail"), 2, PLAN)
    assert round(found.average.difference.value, 4) == 0.0766
    assert found.verdict.finding is not Finding.PAYS
    assert any(words.startswith("no evidence that targeting beats the response model") for words in found.verdict.words)
    assert found.lines[0].name == "response"


def test_an_insurers_mailing_has_no_proven_effect_on_average_though_some_gain_and_some_are_put_off():
    columns = Columns("PURCHASE", "TREATMENT", ignore=("UNIQUE_ID",))
    folder = DATA / "uplift-insurance-direct-marketing"
    train, valid = (read_frame(folder / f"{name}.csv.gz", columns) for name in ("train", "valid"))
    found = compare_files(train, valid, replace(PLAN, names=plan_names(("two-model",))))
    assert round(found.average.difference.value, 4) == -0.0046
    assert found.verdict.words[0].startswith("no proven effect on average")
    best = found.lines[0]
    assert best.tenths[0].effect.difference.low > 0.03
    assert best.tenths[-1].effect.difference.high < -0.03
    assert best.worth.over_everybody.low > 0.01
    assert best.worth.over_nobody.low > 0.01


def test_whom_to_call_first_is_known_by_chance_halves_and_less_so_of_later_months():
    import numpy as np

    frame = read_frame(DATA / "bank-telemarketing" / "bank-additional-full.csv.gz", Columns("y", ignore=("duration",)))
    halves = rank_splits(frame, 1, seed=1, draws=100)
    assert {line.name: line.area.low > 0.73 for line in halves.lines} == {"response": True, "response-boosted": True}
    assert max(line.reached.value for line in halves.lines) > 0.8
    cut = 2 * len(frame) // 3
    later = rank_files(frame.take(np.arange(cut)), frame.take(np.arange(cut, len(frame))), seed=1, draws=100)
    assert 0.6 < later.lines[0].area.value < 0.7
