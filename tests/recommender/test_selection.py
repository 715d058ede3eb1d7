"""The k largest of each row are what a stable sort would put first, whatever way they are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import recommender.selection
from recommender.selection import bar, best_products, select


def by_sorting(scores: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 9)),
        elements=st.sampled_from([0, 1, 2, -1, -2, -0.0, 1e-45, -3e38, 3e38, np.inf, -np.inf]),
    ),
    st.integers(1, 10),
)
def test_ties_go_to_the_earlier_item(scores, k):
    items, values = select(scores, k)
    np.testing.assert_array_equal(items, by_sorting(scores, k))
    np.testing.assert_array_equal(values, np.take_along_axis(scores, items, axis=1))


def test_what_is_no_candidate_is_minus_infinity_and_all_else_untouched():
    scores = np.array([[1.5, -2.0, 0.0], [3e38, -np.inf, 7.0]], dtype=np.float32)
    bar(scores, np.array([[True, False, True], [True, True, False]]))
    assert scores.tolist() == [[1.5, -np.inf, 0.0], [np.float32(3e38), -np.inf, -np.inf]]


@pytest.mark.parametrize("levels", [3, 50, 10**6])
@pytest.mark.parametrize("share", [0.0005, 0.5, 1.0])
def test_large_catalogues_are_ranked_alike_with_many_ties_and_with_few_candidates(levels, share):
    draw = np.random.default_rng(levels)
    scores = draw.integers(0, levels, (40, 2_003)).astype(np.float32)
    scores[draw.random(scores.shape) > share] = -np.inf
    np.testing.assert_array_equal(select(scores, 7)[0], by_sorting(scores, 7))


@pytest.mark.parametrize("items", [12, 1_500])
@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_and_threads_do_not_change_the_products_found(items, threads, monkeypatch):
    monkeypatch.setattr(recommender.selection, "CELLS", 64 * items)
    draw = np.random.default_rng(5)
    rows, columns = draw.normal(size=(150, 8)).astype(np.float32), draw.normal(size=(items, 8)).astype(np.float32)
    mask = draw.random((150, items)) < 0.7
    found, values = best_products(rows, columns, 5, candidates=lambda part: mask[part], threads=threads)
    scores = np.where(mask, rows @ columns.T, -np.inf)
    np.testing.assert_array_equal(found, by_sorting(scores, 5))
    np.testing.assert_allclose(values, np.take_along_axis(scores, found.astype(np.int64), axis=1), rtol=1e-5)
