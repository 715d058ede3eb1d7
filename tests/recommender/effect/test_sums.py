"""Sums add: parts in any order and cut give what the whole gives."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.effect.groups import Columns, add_up
from recommender.effect.sums import Sums, merged

NAMES = ("y", "x", "z")
rows = arrays(
    np.float64, st.tuples(st.just(3), st.integers(1, 40)), elements=st.floats(-1e4, 1e4).map(lambda v: round(v, 3))
)


def sums(table: np.ndarray) -> Sums:
    return Sums.of(dict(zip(NAMES, table, strict=True)))


def close(one: Sums, other: Sums) -> None:
    assert (one.names, one.n) == (other.names, other.n)
    np.testing.assert_allclose(one.totals, other.totals, rtol=1e-12, atol=1e-6)
    np.testing.assert_allclose(one.scatter, other.scatter, rtol=1e-9, atol=1e-4)


@given(rows, st.lists(st.integers(0, 40), max_size=4))
def test_parts_add_up_to_the_whole(table, cuts):
    parts = [sums(part) for part in np.split(table, sorted(min(cut, table.shape[1]) for cut in cuts), axis=1)]
    close(merged(parts), sums(table))


@given(rows, st.randoms())
def test_the_order_of_rows_and_of_parts_changes_nothing(table, shuffle):
    order = list(range(table.shape[1]))
    shuffle.shuffle(order)
    parts = [sums(table[:, place : place + 1]) for place in order]
    close(merged(parts), sums(table))


@given(rows, rows, rows)
def test_adding_is_associative_and_commutative(a, b, c):
    a, b, c = sums(a), sums(b), sums(c)
    close((a + b) + c, a + (b + c))
    close(a + b, b + a)


@given(rows)
def test_nobody_adds_nothing(table):
    whole, nobody = sums(table), Sums.empty(NAMES)
    assert whole + nobody == whole == nobody + whole
    assert nobody + nobody == nobody


@given(rows, st.lists(st.floats(-100, 100), min_size=3, max_size=3))
def test_what_a_query_adds_up_about_any_origin_is_the_same(table, origin):
    shifted = table - np.array(origin)[:, None]
    products = [float(shifted[i] @ shifted[j]) for i in range(3) for j in range(i, 3)]
    close(Sums.about(NAMES, table.shape[1], shifted.sum(axis=1), products, origin), sums(table))


def test_means_and_covariances_are_those_of_numpy():
    table = np.array([[1.0, 0, 1, 1], [2.0, 5, 1, 0], [0.5, 0.5, 0.5, 0.5]])
    found = sums(table)
    np.testing.assert_allclose(found.means, table.mean(axis=1))
    np.testing.assert_allclose(found.covariance, np.cov(table), atol=1e-15)
    assert (found.total("y"), found.is_share("y"), found.is_share("x")) == (3, True, False)


def test_large_amounts_lose_no_digits():
    amounts = 1e9 + np.array([0.0, 1.0, 2.0, 3.0])
    found = Sums.of({"y": amounts[:2]}) + Sums.of({"y": amounts[2:]})
    assert found.covariance[0, 0] == pytest.approx(5 / 3, rel=1e-12)


def test_sums_of_other_columns_do_not_add():
    with pytest.raises(ValueError, match="sums of y and of x cannot be added"):
        Sums.empty(("y",)) + Sums.empty(("x",))


def test_one_query_adds_up_groups_and_segments():
    with duckdb.connect() as db:
        db.execute(
            "create table t as select * from (values ('a', 'n', 1, 1e9), ('a', 's', 0, 1e9 + 2), ('b', 'n', 1, 5)) v(arm, place, y, x)"
        )
        found = add_up(db, "t", Columns("arm", "y", covariates=("x",), segment="place"))
    assert list(found.sums) == [("a", "n"), ("a", "s"), ("b", "n")]
    close(found.by_group()["a"], Sums.of({"y": [1, 0], "x": [1e9, 1e9 + 2]}))
    assert found.by_group()["a"].covariance.tolist() == [[0.5, -1], [-1, 2]]
    assert list(found.by_segment()) == ["n", "s"]
    assert found.query.count("group by") == 1
