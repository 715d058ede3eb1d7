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

from recommender.errors import UnfitInputError
from recommender.guards import check_features, check_interactions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Arrays = Mapping[str, NDArray[np.generic]]
Settings = Mapping[str, float]
Scores = NDArray[np.float32]


class Model(ABC):
    """Base of all models. Public methods check everything; a model writes the underscored ones.

    `rank` orders the models fit to be served (1 is preferred; None is a baseline that serves only when it measures
    better). `rows` is the most training rows worth giving it. `personal` says whether its scores differ by customer,
    `linear` whether they are a sum over features, `served` whether a fit learns it unasked, `composed` whether it is made
    of other models.
    `choices` are the settings worth trying, the default of each first.
    """

    name: ClassVar[str]
    rank: ClassVar[int | None] = None
    rows: ClassVar[int] = 200_000
    least: ClassVar[int] = 10
    personal: ClassVar[bool] = True
    linear: ClassVar[bool] = True
    served: ClassVar[bool] = True
    composed: ClassVar[bool] = False
    choices: ClassVar[Mapping[str, tuple[float, ...]]] = {}

    def __init__(self, features: int, items: int) -> None:
        self.features = features
        self.items = items

    @classmethod
    def unavailable(cls) -> str:
        """Why this model cannot be fitted on this machine; empty when it can."""
        return ""

    @classmethod
    def fit(
        cls, interactions: csr_matrix, features: csr_matrix, *, seed: int, settings: Settings | None = None
    ) -> Self:
        """Learn from `interactions` (rows x items, the weight of what was taken, usually 1) and `features` (rows x
        features, row-normalised), with the default of each of `choices` that `settings` does not name.

        Raises `UnfitInputError` where the matrices are not finite, not scaled or do not match, or a setting is unknown.
        """
        check_features(features, features.shape[1])
        check_interactions(interactions, features.shape[0])
        if unknown := set(settings or ()) - set(cls.choices):
            raise UnfitInputError(
                f"{cls.name} has no setting {min(unknown)}; it has {', '.join(cls.choices) or 'none'}"
            )
        defaults = {name: values[0] for name, values in cls.choices.items()}
        return cls._fit(interactions, features, seed, {**defaults, **(settings or {})})

    def scores(self, features: csr_matrix) -> Scores:
        """Score every item for every row: float32, rows x items, higher is better, comparable within a row only."""
        check_features(features, self.features)
        return self._scores(features)

    @abstractmethod
    def influence(self) -> Scores:
        """What one unit of a feature adds to an item's score: float32, features x items; where that is no sum, alone."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything learnt, as named arrays."""

    @classmethod
    @abstractmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`; needs none of the libraries it was fitted with."""

    @classmethod
    @abstractmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self: ...

    @abstractmethod
    def _scores(self, features: csr_matrix) -> Scores: ...


def taken(targets: NDArray[np.int64], items: int, weights: NDArray[np.float32] | None = None) -> csr_matrix:
    """The interactions of rows that took one item each, by its index: rows x items, float32, one weight (1) a row."""
    from scipy.sparse import csr_matrix

    rows = len(targets)
    values = np.ones(rows, dtype=np.float32) if weights is None else weights.astype(np.float32)
    return csr_matrix((values, (np.arange(rows), targets)), shape=(rows, items))


def row_weights(interactions: csr_matrix) -> NDArray[np.float64]:
    """The weight of each row of `interactions`: the sum of its values."""
    return np.asarray(interactions.sum(axis=1), dtype=np.float64).ravel()
