"""The first k of a ranking, measured event by event."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.topk import by_event, first, interval, resampled

SCORES = np.array([[3, 2, 1, 0], [1, 1, 1, 1], [0, 0, 5, 4]], dtype=np.float32)
CANDIDATES = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 0, 1]], dtype=bool)
TAKEN = np.array([[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=bool)


def test_the_best_come_first_ties_to_the_earlier_item_and_nothing_that_is_no_candidate():
    np.testing.assert_array_equal(first(SCORES, CANDIDATES, 3), [[0, 1, 2], [0, 1, 2], [3, 0, -1]])


def test_each_metric_is_what_its_definition_says():
    found = by_event(first(SCORES, CANDIDATES, 3), TAKEN)
    assert found["hr"].tolist() == [1, 1, 1]
    assert found["mrr"].tolist() == pytest.approx([1 / 2, 1 / 3, 1])
    assert found["precision"].tolist() == pytest.approx([1 / 3] * 3)
    assert found["recall"].tolist() == pytest.approx([1 / 2, 1, 1])
    assert found["map"].tolist() == pytest.approx([1 / 4, 1 / 3, 1])
    half = 1 / np.log2(3)
    assert found["ndcg"].tolist() == pytest.approx([half / (1 + half), 1 / 2, 1])


def test_an_interval_holds_the_mean_and_narrows_with_the_events():
    draw = np.random.default_rng(1)
    widths = []
    for size in (50, 5_000):
        values = (draw.random(size) < 0.3).astype(np.float64)
        found = interval(values, resampled(size, 7))
        assert found.low < found.value == values.mean() < found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 5
    assert widths[1] == pytest.approx(2 * 1.96 * np.sqrt(0.3 * 0.7 / 5_000), rel=0.1)


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(20, dtype=np.float64)
    assert interval(values, resampled(20, 3)) == interval(values, resampled(20, 3))
