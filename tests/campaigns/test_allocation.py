"""Prices on channels, held against the exact linear program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from campaigns.allocation import allocate, bound, clearing_prices


def exact(values, capacity):
    """The greatest worth, by the simplex."""
    size, channels = values.shape
    one_each = sparse.kron(sparse.eye(size), np.ones((1, channels)))
    in_room = sparse.kron(np.ones((1, size)), sparse.eye(channels))
    limits = np.concatenate([np.ones(size), capacity])
    found = linprog(
        -values.ravel(), A_ub=sparse.vstack([one_each, in_room]).tocsr(), b_ub=limits, bounds=(0, None), method="highs"
    )
    return -found.fun


def market(kind, seed, size=2000, channels=5):
    rng = np.random.default_rng(seed)
    luck = rng.exponential(1, (size, channels))
    return {
        "independent": luck,
        "one wants all": rng.exponential(1, (size, 1)) * rng.uniform(0.5, 1.5, (size, channels)) * np.array([1, 2, 3, 1, 0.5]),
        "all alike": np.tile(rng.integers(1, 4, (size, 1)).astype(float), (1, channels)),
        "few can": luck * (rng.random((size, channels)) < 0.3),
    }[kind], rng.integers(20, 500, channels).astype(float)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["independent", "one wants all", "all alike", "few can"])
def test_two_thousand_customers_reach_what_can_be_reached(kind, seed):
    values, capacity = market(kind, seed)
    found, best = allocate(values, capacity), exact(values, capacity)
    assert found.worth >= 0.9999 * best
    assert best <= found.bound * (1 + 1e-9)
    assert (np.bincount(found.channel[found.channel >= 0], minlength=5) <= capacity).all()


def test_choosing_first_and_cutting_after_is_far_from_it():
    values, capacity = market("one wants all", 1)
    best = values.argmax(axis=1)
    cut = sum(np.sort(values[best == at, at])[::-1][: int(room)].sum() for at, room in enumerate(capacity))
    assert cut < 0.85 * allocate(values, capacity).worth


def test_a_hundred_thousand_take_their_first_prices_from_a_sample():
    values, _ = market("independent", 1, size=100_000)
    capacity = np.array([500.0, 2000, 4000, 9000, 20_000])
    found = allocate(values, capacity)
    assert found.worth >= 0.9999 * found.bound


@given(
    st.lists(st.lists(st.integers(-1, 4), min_size=3, max_size=3), min_size=0, max_size=7),
    st.lists(st.sampled_from([0.0, 1.0, 2.0, np.inf]), min_size=3, max_size=3),
)
@settings(deadline=None, max_examples=150)
def test_any_small_market_is_solved_exactly(rows, capacity):
    values, room = np.array(rows, dtype=float).reshape(len(rows), 3), np.array(capacity)
    found = allocate(values, room)
    taken = found.channel >= 0
    assert (values[taken, found.channel[taken]] > 0).all()
    assert (np.bincount(found.channel[taken], minlength=3) <= room).all()
    best = exact(np.maximum(values, 0), np.minimum(room, len(rows) + 1)) if rows else 0.0
    assert found.worth == pytest.approx(best)


def test_a_channel_with_room_for_all_costs_nothing_and_nobody_is_everybody():
    values, _ = market("independent", 1, size=50)
    assert clearing_prices(values, np.array([np.inf, 50, 50, 60, 99])).tolist() == [0, 0, 0, 0, 0]
    assert bound(values, np.full(5, np.inf), np.zeros(5)) == pytest.approx(values.max(axis=1).sum())
    assert allocate(np.zeros((0, 2)), np.array([1.0, 1.0])).worth == 0


def test_values_and_capacities_must_fit():
    with pytest.raises(ValueError, match="do not fit"):
        allocate(np.zeros((2, 3)), np.array([1.0]))
