"""The contract of a model: it learns from (features, products taken) rows and scores any row of features.

A row is not a customer but an occasion: one customer with one of their products hidden. What is left of the portfolio
and the profile are the features, the hidden product is the interaction. No row carries the customer's identity, so a
customer never seen before is scored like any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recommender.guards import check_features, check_interactions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Arrays = Mapping[str, NDArray[np.generic]]
Scores = NDArray[np.float32]


class Model(ABC):
    """Base of all models. Public methods check everything; a model writes the underscored ones.

    `rank` orders the models fit to be served (1 is preferred; None is a baseline that serves only when it measures
    better). `rows` is the most training rows worth giving it. `personal` says whether its scores differ by customer.
    """

    name: ClassVar[str]
    rank: ClassVar[int | None] = None
    rows: ClassVar[int] = 200_000
    least: ClassVar[int] = 10
    personal: ClassVar[bool] = True

    def __init__(self, features: int, items: int) -> None:
        self.features = features
        self.items = items

    @classmethod
    def unavailable(cls) -> str:
        """Why this model cannot be fitted on this machine; empty when it can."""
        return ""

    @classmethod
    def fit(cls, interactions: csr_matrix, features: csr_matrix, *, seed: int) -> Self:
        """Learn from `interactions` (rows x items, 1 = taken) and `features` (rows x features, row-normalised).

        Raises `UnfitInputError` where the matrices are not finite, not scaled or do not match.
        """
        check_features(features, features.shape[1])
        check_interactions(interactions, features.shape[0])
        return cls._fit(interactions, features, seed)

    def scores(self, features: csr_matrix) -> Scores:
        """Score every item for every row: float32, rows x items, higher is better, comparable within a row only."""
        check_features(features, self.features)
        return self._scores(features)

    @abstractmethod
    def influence(self) -> Scores:
        """What one unit of a feature adds to an item's score: float32, features x items."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything learnt, as named arrays."""

    @classmethod
    @abstractmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`; needs none of the libraries it was fitted with."""

    @classmethod
    @abstractmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int) -> Self: ...

    @abstractmethod
    def _scores(self, features: csr_matrix) -> Scores: ...


def taken(targets: NDArray[np.int64], items: int) -> csr_matrix:
    """The interactions of rows that took one item each, by its index: rows x items, float32, one 1 a row."""
    from scipy.sparse import csr_matrix

    rows = len(targets)
    return csr_matrix((np.ones(rows, dtype=np.float32), (np.arange(rows), targets)), shape=(rows, items))
