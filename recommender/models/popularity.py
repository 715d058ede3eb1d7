"""Popularity: what most customers take. The baseline, and the order for customers who refused personalised offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from recommender.model import Arrays, Model, Scores, Settings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Popularity(Model):
    """Scores every item by the logarithm of how often it was taken, the same for everyone."""

    name = "popularity"
    least = 0
    personal = False

    def __init__(self, features: int, taken: Scores) -> None:
        super().__init__(features, len(taken))
        self.taken = taken

    @classmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self:
        counts = np.asarray(interactions.sum(axis=0), dtype=np.float64).ravel()
        return cls(features.shape[1], np.log(counts + 0.5).astype(np.float32))

    def _scores(self, features: csr_matrix) -> Scores:
        return np.tile(self.taken, (features.shape[0], 1))

    def influence(self) -> Scores:
        """Nothing: no feature changes what is popular."""
        return np.zeros((self.features, self.items), dtype=np.float32)

    def arrays(self) -> Arrays:
        """The score of each item and the number of features."""
        return {"taken": self.taken, "features": np.array(self.features)}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`."""
        return cls(int(arrays["features"]), arrays["taken"].astype(np.float32))
