"""The effect of each offer in each segment is found where it is, and fatigue where the effect wears off."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.uplift.offers import effects_by, fatigue


def occasions(seed=1, rows=12_000):
    rng = np.random.default_rng(seed)
    offer, segment = rng.choice(["check-up", "roadside"], rows), rng.choice(["city", "country"], rows)
    treatment = (rng.random(rows) < 0.8).astype(float)
    gains = np.where((offer == "roadside") & (segment == "country"), 0.15, 0.0)
    outcome = (rng.random(rows) < 0.1 + treatment * gains).astype(float)
    return {"offer": offer.astype(object), "segment": segment.astype(object)}, treatment, outcome


def test_the_one_cell_with_an_effect_is_found_and_the_others_are_not():
    found = effects_by(*occasions())
    told = {tuple(cell.name.values()): cell.p_value < 0.05 for cell in found.cells}
    assert told == {
        ("check-up", "city"): False, ("check-up", "country"): False, ("roadside", "city"): False, ("roadside", "country"): True,
    }  # fmt: skip
    assert found.differ_p < 0.001
    best = next(cell for cell in found.cells if cell.p_value < 0.05)
    assert best.effect.difference.low < 0.15 < best.effect.difference.high


def test_a_cell_of_few_rows_has_no_p_value():
    columns = {"offer": np.array(["a"] * 10, dtype=object)}
    found = effects_by(columns, np.array([1.0, 0.0] * 5), np.array([1.0, 0.0] * 5))
    assert np.isnan(found.cells[0].p_value)
    assert found.cells[0].as_dict()["p_value"] is None
    assert found.cells[0].effect.difference.value == 1.0


def test_an_effect_that_wears_off_has_a_slope_below_zero_and_a_steady_one_has_none():
    rng = np.random.default_rng(3)
    times = rng.integers(1, 6, 30_000)
    treatment = (rng.random(30_000) < 0.5).astype(float)
    worn = (rng.random(30_000) < 0.1 + treatment * (0.12 - 0.02 * times)).astype(float)
    steady = (rng.random(30_000) < 0.1 + treatment * 0.05).astype(float)
    found = fatigue(times, treatment, worn)
    assert found.verdict == "the effect wears off"
    assert found.slope.low < -0.02 < found.slope.high
    assert [cell.name["exposure"] for cell in found.exposures.cells] == ["1", "2", "3", "4", "5"]
    assert fatigue(times, treatment, steady).verdict == "no evidence that the effect changes with the times"


def test_intervals_of_the_slope_hold_it_in_95_of_100():
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        times, treatment = rng.integers(1, 5, 2_000), (rng.random(2_000) < 0.5).astype(float)
        outcome = (rng.random(2_000) < 0.2 + treatment * (0.2 - 0.04 * times)).astype(float)
        slope = fatigue(times, treatment, outcome).slope
        held += slope.low <= -0.04 <= slope.high
    assert 0.92 <= held / 300 <= 0.98


def test_one_exposure_has_no_slope():
    found = fatigue(np.ones(100, dtype=np.int64), np.tile([0.0, 1.0], 50), np.tile([0.0, 0.0, 1.0, 1.0], 25))
    assert np.isnan(found.slope.value)
    assert found.as_dict()["slope"] == {"value": None, "low": None, "high": None}
    assert found.as_dict()["cells"][0]["effect"]["value"] == pytest.approx(0.0)
