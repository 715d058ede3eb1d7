"""What has to be known of many customers to tell a mean, a ratio or a covariance of them: values that add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """Count, sum of each column, and sums of products of deviations from the mean for each pair of columns.

    `a + b` is what the rows of both together have, so that days and partitions merge and no row is needed again.
    Deviations rather than raw squares are added (Chan, Golub, LeVeque, Algorithms for computing the sample variance, The
    American Statistician 37, 1983): large amounts lose no digits.
    """

    names: tuple[str, ...]
    n: int
    totals: tuple[float, ...]
    scatter: tuple[tuple[float, ...], ...]
    """Row i, column j: sum of (x_i - mean_i) (x_j - mean_j)."""

    @classmethod
    def empty(cls, names: Sequence[str]) -> Sums:
        """Of nobody."""
        return cls._made(tuple(names), 0, np.zeros(len(names)), np.zeros((len(names), len(names))))

    @classmethod
    def of(cls, columns: Mapping[str, ArrayLike]) -> Sums:
        """Of rows at hand: name to values, all of one length. Raises ValueError where lengths differ."""
        rows = np.stack([np.asarray(values, dtype=np.float64) for values in columns.values()])
        if not rows.shape[1]:
            return cls.empty(tuple(columns))
        apart = rows - rows.mean(axis=1, keepdims=True)
        return cls._made(tuple(columns), rows.shape[1], rows.sum(axis=1), apart @ apart.T)

    @classmethod
    def about(
        cls, names: Sequence[str], n: int, sums: Sequence[float], products: Sequence[float], origin: Sequence[float]
    ) -> Sums:
        """From sums of (x - origin) and of their products, pairs in the order of `pairs`: what one query can add up."""
        size = len(names)
        if not n:
            return cls.empty(names)
        shifted, square = np.asarray(sums, dtype=np.float64), np.zeros((size, size))
        for (i, j), value in zip(pairs(size), products, strict=True):
            square[i, j] = square[j, i] = value
        scatter = square - np.outer(shifted, shifted) / n
        return cls._made(tuple(names), n, shifted + n * np.asarray(origin, dtype=np.float64), scatter)

    @classmethod
    def _made(cls, names: tuple[str, ...], n: int, totals: Floats, scatter: Floats) -> Sums:
        return cls(names, n, tuple(totals.tolist()), tuple(tuple(row) for row in scatter.tolist()))

    def __add__(self, other: Sums) -> Sums:
        """Both together. Raises ValueError where they are of different columns."""
        if self.names != other.names:
            raise ValueError(f"sums of {', '.join(self.names)} and of {', '.join(other.names)} cannot be added")
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        apart = other.means - self.means
        scatter = self._scatter + other._scatter + np.outer(apart, apart) * (self.n * other.n / n)
        return Sums._made(self.names, n, np.add(self.totals, other.totals), scatter)

    @cached_property
    def means(self) -> Floats:
        """Mean of each column; NaN of nobody."""
        return np.asarray(self.totals) / self.n if self.n else np.full(len(self.names), np.nan)

    @cached_property
    def covariance(self) -> Floats:
        """Unbiased covariance of each pair of columns; NaN of fewer than two."""
        return self._scatter / (self.n - 1) if self.n > 1 else np.full_like(self._scatter, np.nan)

    @property
    def _scatter(self) -> Floats:
        return np.asarray(self.scatter, dtype=np.float64).reshape(len(self.names), len(self.names))

    def total(self, name: str) -> float:
        """Sum of a column. Raises ValueError for one there is not."""
        return self.totals[self.names.index(name)]

    def is_share(self, name: str) -> bool:
        """Whether a column holds nothing but 0 and 1: then its squares add up to what it adds up to itself."""
        place = self.names.index(name)
        total, squares = self.totals[place], self.scatter[place][place]
        expected = total - total * total / self.n if self.n else 0.0
        return 0 <= total <= self.n and abs(squares - expected) <= 1e-6 * max(1.0, expected)


def pairs(size: int) -> list[tuple[int, int]]:
    """Pairs (i, j) with i <= j of so many columns, row by row."""
    return [(i, j) for i in range(size) for j in range(i, size)]


def merged(parts: Iterable[Sums]) -> Sums:
    """All of them together. Raises ValueError where there is none."""
    total: Sums | None = None
    for part in parts:
        total = part if total is None else total + part
    if total is None:
        raise ValueError("nothing to merge")
    return total
