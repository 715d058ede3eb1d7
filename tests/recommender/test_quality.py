"""Ranks, shares, probabilities: small tables with answers worked out by hand, and the laws behind them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from recommender.calibration import Calibration, calibrate, probabilities, uncalibrated
from recommender.evaluation import measure, quality, target_ranks
from recommender.ranking import best

Scored = tuple[NDArray[np.float32], NDArray[np.bool_]]
LOGITS = np.array([[3, 2, 1, 0], [0, 1, 2, 3], [1, 1, 1, 1]], dtype=np.float32)
EVERY = np.ones((3, 4), dtype=bool)


def test_ranks_count_only_candidates_and_ties_go_to_the_earlier_item() -> None:
    targets = np.array([2, 0, 2])
    assert target_ranks(LOGITS, EVERY, targets).tolist() == [3, 4, 3]
    without = EVERY.copy()
    without[0, 0] = without[1, 3] = without[2, 1] = False
    assert target_ranks(LOGITS, without, targets).tolist() == [2, 3, 2]


def test_quality_by_hand() -> None:
    found = quality(LOGITS, EVERY, np.array([0, 1, 3]))
    assert (found.customers, found.hr_at_1, found.hr_at_3) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.mrr_at_3 == pytest.approx((1 + 1 / 3 + 0) / 3)
    total = np.exp([0, -1, -2, -3]).sum()
    assert found.log_loss == pytest.approx(-np.mean([np.log(1 / total), np.log(np.exp(-2) / total), np.log(1 / 4)]))


def test_nobody_held_out_is_no_quality() -> None:
    found, calibration = measure(np.zeros((0, 4), np.float32), np.zeros((0, 4), bool), np.zeros(0, np.int64))
    assert (found.customers, found.mrr_at_3) == (0, 0.0)
    assert calibration.sharpness == 1.0
    assert not calibration.bias.any()


def test_calibrated_probabilities_are_the_observed_shares() -> None:
    scores = np.zeros((1000, 3), dtype=np.float32)
    targets = np.repeat([0, 1, 2], [700, 200, 100])
    chance = probabilities(
        calibrate(scores, np.ones((1000, 3), bool), targets).logits(scores), np.ones((1000, 3), bool)
    )
    np.testing.assert_allclose(chance[0], [0.7, 0.2, 0.1], atol=0.005)


def test_overconfident_scores_are_cooled() -> None:
    draw = np.random.default_rng(1)
    honest = draw.normal(size=(3000, 4)).astype(np.float32)
    candidates = np.ones((3000, 4), dtype=bool)
    share = probabilities(honest, candidates)
    targets = (share.cumsum(axis=1) > draw.random((3000, 1))).argmax(axis=1)
    assert calibrate(honest * 5, candidates, targets).sharpness == pytest.approx(0.2, abs=0.02)


def test_a_handful_of_answers_moves_little() -> None:
    found = calibrate(np.zeros((2, 3), np.float32), np.ones((2, 3), bool), np.array([0, 0]))
    assert np.abs(found.bias).max() < 1


def test_calibration_is_sharpness_times_score_plus_bias() -> None:
    logits = Calibration(2.0, np.array([0.0, 1.0])).logits(np.array([[1, 3]], dtype=np.float32))
    assert logits.tolist() == [[2.0, 7.0]]
    assert logits.dtype == np.float32
    assert uncalibrated(2).logits(LOGITS[:, :2]).tolist() == LOGITS[:, :2].tolist()


@st.composite
def _scored(draw: st.DrawFn) -> Scored:
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    values = st.floats(-50, 50, width=32)
    return draw(arrays.arrays(np.float32, shape, elements=values)), draw(arrays.arrays(bool, shape))


@given(_scored())
def test_probabilities_are_a_distribution_over_the_candidates(case: Scored) -> None:
    logits, candidates = case
    chance = probabilities(logits, candidates)
    assert (chance[~candidates] == 0).all()
    np.testing.assert_allclose(chance.sum(axis=1), candidates.any(axis=1).astype(float), atol=1e-5)


@given(_scored(), st.integers(1, 7))
def test_the_best_are_what_sorting_would_give(case: Scored, top: int) -> None:
    logits, candidates = case
    ranked = best(logits, candidates, probabilities(logits, candidates), top)
    expected = [
        (row, rank, item)
        for row in range(len(logits))
        for rank, item in enumerate(
            sorted(np.flatnonzero(candidates[row]), key=lambda item: (-logits[row, item], item))[:top], 1
        )
    ]
    assert list(zip(ranked.row, ranked.rank, ranked.item, strict=True)) == expected
    np.testing.assert_array_equal(ranked.score, logits[ranked.row, ranked.item])


@given(_scored(), st.data())
def test_the_rank_measured_is_the_rank_served(case: Scored, data: st.DataObject) -> None:
    logits, candidates = case
    targets = np.array(
        data.draw(st.lists(st.integers(0, logits.shape[1] - 1), min_size=len(logits), max_size=len(logits)))
    )
    candidates[np.arange(len(targets)), targets] = True
    ranked = best(logits, candidates, probabilities(logits, candidates), logits.shape[1])
    served = {(row, item): rank for row, rank, item in zip(ranked.row, ranked.rank, ranked.item, strict=True)}
    assert target_ranks(logits, candidates, targets).tolist() == [served[row, item] for row, item in enumerate(targets)]
