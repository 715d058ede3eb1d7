"""EASE: the ridge regression from what a customer has to what they take, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recommender.guards import check_weights
from recommender.model import Arrays, Model, Scores, Settings, row_weights

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RIDGE = 5.0
"""Penalty on the weights, for features that sum to 1 in each row."""


class Ease(Model):
    """Linear scores W with (X'X + ridge) W = X'Y (Steck, Embarrassingly Shallow Autoencoders, WWW 2019).

    There the diagonal is held at zero so that an item does not predict itself; here the item is hidden from its own
    row, which does the same and lets features of the profile in.
    """

    name = "ease"
    choices: ClassVar = {"ridge": (RIDGE, 0.5, 50.0)}

    def __init__(self, weights: Scores) -> None:
        super().__init__(*weights.shape)
        self.weights = weights

    @classmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self:
        weighed = features.multiply(row_weights(interactions)[:, None]).tocsr()
        gram = np.asarray((weighed.T @ features).todense(), dtype=np.float64)
        gram[np.diag_indices_from(gram)] += settings["ridge"]
        together = np.asarray((features.T @ interactions).todense(), dtype=np.float64)
        weights = np.linalg.solve(gram, together)
        check_weights(cls.name, weights)
        return cls(weights.astype(np.float32))

    def _scores(self, features: csr_matrix) -> Scores:
        scores: Scores = features.astype(np.float32) @ self.weights
        return scores

    def influence(self) -> Scores:
        """The weights themselves."""
        return self.weights

    def arrays(self) -> Arrays:
        """Weights (features x items)."""
        return {"weights": self.weights}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`."""
        return cls(arrays["weights"].astype(np.float32))
