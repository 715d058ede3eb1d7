"""A team draft is fair, and finds the model whose offers are taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import UpliftError
from recommender.uplift.interleaving import draft, preference, preference_of


def test_two_captains_pick_in_turn_and_a_coin_says_who_begins():
    first, second = np.array([[0, 1, 2]] * 2), np.array([[0, 2, 3]] * 2)
    made = draft(first, second, 3, np.array([[0.1, 0.1], [0.9, 0.9]]))
    assert made.items.tolist() == [[0, 2, 1], [0, 1, 2]]
    assert made.teams.tolist() == [[0, 1, 0], [1, 0, 1]]


def test_where_one_model_has_nothing_left_the_other_picks_and_where_none_has_the_list_ends():
    made = draft(np.array([[0, -1, -1]]), np.array([[0, 1, -1]]), 4, np.array([[0.1, 0.1]]))
    assert made.items.tolist() == [[0, 1, -1, -1]]
    assert made.teams.tolist() == [[0, 1, -1, -1]]


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_no_offer_comes_twice_and_each_model_has_half_the_places(seed, k):
    rng = np.random.default_rng(seed)
    rankings = [np.stack([rng.permutation(8) for _ in range(5)]) for _ in range(2)]
    made = draft(*rankings, k, rng.random((5, (k + 1) // 2)))
    for row in range(5):
        assert len(set(made.items[row])) == k
        assert abs((made.teams[row] == 0).sum() - (made.teams[row] == 1).sum()) <= 1
        for team in (0, 1):  # each model's offers come in its own order
            places = [rankings[team][row].tolist().index(item) for item in made.items[row][made.teams[row] == team]]
            assert places == sorted(places)


def taken_by(liking, items, rng):
    return rng.random(items.shape) < liking[items]


def test_the_model_that_puts_what_is_liked_first_is_preferred():
    rng = np.random.default_rng(1)
    liking = np.array([0.3, 0.25, 0.05, 0.05, 0.02])
    good, bad = np.tile([0, 1, 2, 3, 4], (600, 1)), np.tile([4, 3, 2, 1, 0], (600, 1))
    made = draft(good, bad, 2, rng.random((600, 1)))
    found = preference(made.teams, taken_by(liking, made.items, rng))
    assert found.first > found.second
    assert found.delta.low > 0.05
    assert found.verdict == "the first model's offers are preferred"


def test_two_models_alike_are_told_apart_in_no_more_than_five_of_a_hundred_trials():
    rng = np.random.default_rng(2)
    liking = np.array([0.4, 0.2, 0.1, 0.05])
    false = 0
    for _ in range(400):
        rankings = [np.stack([rng.permutation(4) for _ in range(150)]) for _ in range(2)]
        made = draft(*rankings, 3, rng.random((150, 2)))
        false += preference(made.teams, taken_by(liking, made.items, rng)).p_value < 0.05
    assert false / 400 <= 0.07


def test_a_customer_has_one_vote_and_the_sign_test_is_the_binomial():
    found = preference_of(np.array([3, 1, 0, 1, 0, 0, 0]), np.array([0, 0, 0, 1, 1, 0, 0]))
    assert (found.first, found.second, found.ties) == (2, 1, 4)
    assert found.delta.value == pytest.approx((2 + 4 / 2) / 7 - 0.5)
    assert found.p_value == 1.0
    assert preference_of(np.array([1] * 9 + [0]), np.array([0] * 9 + [1])).p_value == pytest.approx(22 / 1024)
    assert preference_of(np.array([0]), np.array([0])).as_dict()["verdict"].startswith("no evidence")


def test_coins_must_be_as_many_as_rounds():
    with pytest.raises(UpliftError, match="2 coins, got"):
        draft(np.array([[0]]), np.array([[0]]), 3, np.zeros((1, 1)))
