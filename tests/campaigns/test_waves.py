"""In which order moments are decided: nobody's before what counts for them, budgets in one order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from campaigns.waves import Group, waves

SITTINGS = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.sampled_from([None, "a", "b"])), max_size=7
)


def laid(sitting):
    """Customers of all positions, and the groups."""
    customers = np.array([each for whose, _ in sitting for each in whose], dtype=np.int64)
    ends = np.cumsum([0, *(len(whose) for whose, _ in sitting)])
    groups = [
        Group(np.arange(start, start + len(whose)), budget)
        for start, (whose, budget) in zip(ends, sitting, strict=False)
    ]
    return customers, groups


def numbers(found, size):
    """The wave of each position."""
    wave = np.full(size, -1)
    for number, places in enumerate(found):
        assert list(places) == sorted(places)
        assert (wave[places] == -1).all()
        wave[places] = number
    assert (wave >= 0).all()
    return wave


@given(SITTINGS, st.booleans())
def test_each_customers_moments_come_in_the_order_of_the_campaigns(sitting, shared):
    customers, groups = laid(sitting)
    wave = numbers(waves(customers, groups, shared=shared), len(customers))
    group = np.concatenate([np.full(len(each.rows), n) for n, each in enumerate(groups)]) if groups else np.array([])
    for one in range(len(customers)):
        for two in range(one + 1, len(customers)):
            if customers[one] == customers[two]:
                assert (wave[one] < wave[two]) == (group[one] < group[two])


@given(SITTINGS, st.booleans())
def test_who_takes_from_one_budget_is_decided_at_once_and_in_the_order_of_the_campaigns(sitting, shared):
    customers, groups = laid(sitting)
    wave = numbers(waves(customers, groups, shared=shared), len(customers))
    for budget in ("a", "b"):
        own = [set(wave[each.rows]) for each in groups if shared or each.budget == budget]
        assert all(len(each) == 1 for each in own)
        assert [min(each) for each in own] == sorted({min(each) for each in own})


def test_whoever_has_one_moment_is_decided_at_once():
    customers, groups = laid([([0, 1], None), ([2, 3, 0], None), ([4], None)])
    assert [list(each) for each in waves(customers, groups, shared=False)] == [[0, 1, 2, 3, 5], [4]]


def test_of_nobody_there_is_no_wave():
    assert waves(np.array([], dtype=np.int64), [], shared=False) == []
