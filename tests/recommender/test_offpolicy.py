"""What another way of choosing would have brought: known answers, laws, and refusal to guess."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kairos.cli.app import app
from recommender.errors import TrialError
from recommender.offpolicy import Log, estimate, read_log

WORTH = np.array([0.1, 0.3, 0.6])
OLD, NEW = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.2, 0.7])
TRUTH = float(NEW @ WORTH)


def drawn(rows: int, seed: int, expectations: np.ndarray | None = None, propensities: np.ndarray = OLD) -> Log:
    """Offers drawn by OLD, taken by WORTH; `expectations` of each offer where a model has some."""
    draw = np.random.default_rng(seed)
    offer = draw.choice(3, rows, p=OLD)
    taken = (draw.random(rows) < WORTH[offer]).astype(float)
    expected = None if expectations is None else expectations[offer]
    expected_new = None if expectations is None else np.full(rows, float(NEW @ expectations))
    return Log(propensities[offer], taken, NEW[offer], expected, expected_new)


def test_every_estimate_finds_the_worth_of_a_way_that_was_never_tried():
    found = estimate(drawn(40_000, 1, WORTH + 0.1))
    assert found.logged.value == pytest.approx(float(OLD @ WORTH), abs=0.01)
    for name in ("inverse propensity", "self-normalised", "doubly robust"):
        assert found.estimates[name].low < TRUTH < found.estimates[name].high, name
        assert found.over_logged[name].low > 0.2, name
    assert found.distrust == ""
    assert found.mean_weight == pytest.approx(1, abs=0.03)


def test_intervals_hold_the_truth_nineteen_times_in_twenty():
    held = [
        [each.low < TRUTH < each.high for each in estimate(drawn(1_500, seed, WORTH)).estimates.values()]
        for seed in range(300)
    ]
    assert (np.mean(held, axis=0) > 0.91).all()


def test_right_expectations_make_up_for_wrong_chances_and_right_chances_for_wrong_expectations():
    wrong = np.array([0.4, 0.4, 0.2])
    assert estimate(drawn(40_000, 3, WORTH, wrong)).estimates["doubly robust"].value == pytest.approx(TRUTH, abs=0.02)
    assert estimate(drawn(40_000, 3, WORTH, wrong)).estimates["inverse propensity"].value < TRUTH - 0.1
    foolish = np.array([0.9, 0.9, 0.0])
    assert estimate(drawn(40_000, 3, foolish)).estimates["doubly robust"].value == pytest.approx(TRUTH, abs=0.03)


def test_good_expectations_narrow_the_interval():
    found = estimate(drawn(5_000, 4, WORTH)).estimates
    width = {name: each.high - each.low for name, each in found.items()}
    assert width["doubly robust"] < width["inverse propensity"]
    assert width["self-normalised"] < width["inverse propensity"]


def test_the_same_way_is_worth_what_it_was():
    log = drawn(1_000, 5)
    found = estimate(Log(log.propensity, log.outcome, log.propensity))
    assert found.effective == pytest.approx(1_000)
    for name, each in found.estimates.items():
        assert each.value == pytest.approx(found.logged.value), name
        assert found.over_logged[name].value == pytest.approx(0)


def test_what_was_hardly_ever_offered_is_not_guessed_at():
    found = estimate(Log(np.full(200, 0.5), np.ones(200), np.where(np.arange(200) < 3, 1.0, 0.0)))
    assert "leave 3 rows of 200" in found.distrust


def test_chances_that_were_not_those_drawn_with_show():
    assert "should be 1" in estimate(drawn(5_000, 6, propensities=np.array([0.4, 0.4, 0.2]))).distrust


@pytest.mark.parametrize(
    ("propensity", "new", "said"),
    [([0.0, 0.5], [0.1, 0.1], "above 0"), ([1.5, 0.5], [0.1, 0.1], "at most 1"), ([0.5, 0.5], [0.1, 1.1], "between 0 and 1"),
     ([np.nan, 0.5], [0.1, 0.1], "propensity has gaps"), ([], [], "there is no row")],
)  # fmt: skip
def test_a_chance_that_is_none_is_refused(propensity, new, said):
    with pytest.raises(TrialError, match=said):
        estimate(Log(np.array(propensity, float), np.zeros(len(propensity)), np.array(new, float)))


def test_the_command_reads_a_log_and_says_when_not_to_trust_it(tmp_path: Path):
    good, poor = tmp_path / "good.csv", tmp_path / "poor.csv"
    log = drawn(2_000, 7)
    rows = zip(log.propensity, log.outcome, log.new, strict=True)
    good.write_text(
        "propensity,outcome,new_propensity\n" + "".join(f"{p},{o},{n}\n" for p, o, n in rows), encoding="utf-8"
    )
    answer = CliRunner().invoke(app, ["recommend", "estimate", "--logged", str(good), "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["rows"] == 2_000
    assert told["estimates"]["inverse propensity"]["value"] == pytest.approx(
        estimate(log).estimates["inverse propensity"].value, abs=1e-5
    )
    poor.write_text("propensity,outcome,new_propensity\n0.5,1,0.9\n0.5,0,0.1\n", encoding="utf-8")
    answer = CliRunner().invoke(app, ["recommend", "estimate", "--logged", str(poor)])
    assert answer.exit_code == 1
    assert "not to be trusted" in answer.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("propensity,outcome\n1,1\n", "no column new_propensity"),
        ("propensity,outcome,new_propensity,expected\n1,1,1,1\n", "expected alone"),
    ],
)
def test_a_log_that_lacks_something_is_named_with_it(tmp_path, text, said):
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrialError, match=said):
        read_log(path)
