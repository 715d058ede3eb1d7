"""A probability that means what it says; surprise in bits."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.reliability import Bin, reliability
from recommender.topk import novelty

EVERY = np.ones((4, 2), dtype=bool)


def test_the_score_of_brier_and_the_curve_by_hand():
    logits = np.log(np.array([[0.75, 0.25]] * 4, dtype=np.float32))
    taken = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool)
    found = reliability(logits, EVERY, taken)
    assert found.brier == pytest.approx((3 * 2 * 0.25**2 + 2 * 0.75**2) / 4)
    assert found.error == pytest.approx(0, abs=1e-6)
    assert found.bins == (Bin(4, pytest.approx(0.25), 0.25), Bin(4, pytest.approx(0.75), 0.75))


def test_what_is_sure_and_wrong_costs_two_and_is_off_by_all():
    logits = np.array([[50, 0]] * 4, dtype=np.float32)
    found = reliability(logits, EVERY, np.array([[0, 1]] * 4, dtype=bool))
    assert found.brier == pytest.approx(2)
    assert found.error == pytest.approx(1)


def test_two_items_of_one_event_share_its_outcome_and_no_candidate_says_nothing():
    logits = np.zeros((2, 2), dtype=np.float32)
    candidates = np.array([[1, 1], [0, 0]], dtype=bool)
    found = reliability(logits, candidates, np.array([[1, 1], [1, 0]], dtype=bool))
    assert (found.brier, found.error) == (0, 0)
    assert [each.offers for each in found.bins] == [2]


def test_probabilities_drawn_from_themselves_are_reliable():
    draw = np.random.default_rng(1)
    chance = draw.dirichlet(np.ones(4), 20_000)
    taken = np.eye(4, dtype=bool)[(chance.cumsum(axis=1) > draw.random((20_000, 1))).argmax(axis=1)]
    assert reliability(np.log(chance).astype(np.float32), np.ones((20_000, 4), bool), taken).error < 0.01


def test_what_one_in_four_takes_surprises_by_two_bits():
    assert novelty(np.array([499, 249, 249])).tolist() == pytest.approx([1, 2, 2], abs=0.01)
