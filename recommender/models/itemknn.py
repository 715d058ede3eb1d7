"""Item-kNN: what goes together. The cosine between having a feature (a product held, an age band) and taking an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recommender.model import Arrays, Model, Scores, Settings, row_weights

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SHRINKAGE = 10.0
"""Added to the norms: pairs seen a few times by chance do not count as alike."""


class ItemKNN(Model):
    """Scores an item by the similarity of the row's features to it (Sarwar et al., WWW 2001; shrunk as in Bell and
    Koren, ICDM 2007).
    """

    name = "itemknn"
    choices: ClassVar = {"shrinkage": (SHRINKAGE, 1.0, 100.0)}

    def __init__(self, similar: Scores) -> None:
        super().__init__(*similar.shape)
        self.similar = similar

    @classmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self:
        together = np.asarray((features.T @ interactions).todense(), dtype=np.float64)
        weighed = features.multiply(features).T @ row_weights(interactions)
        own = np.sqrt(np.asarray(weighed, dtype=np.float64).ravel())
        taken = np.sqrt(np.asarray(interactions.sum(axis=0), dtype=np.float64).ravel())
        return cls((together / (np.outer(own, taken) + settings["shrinkage"])).astype(np.float32))

    def _scores(self, features: csr_matrix) -> Scores:
        scores: Scores = features.astype(np.float32) @ self.similar
        return scores

    def influence(self) -> Scores:
        """The similarities themselves."""
        return self.similar

    def arrays(self) -> Arrays:
        """Similarities (features x items)."""
        return {"similar": self.similar}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`."""
        return cls(arrays["similar"].astype(np.float32))
