"""LightFM on (customer, hidden product) rows: served unless popularity measures better.

Kula (2015), "Metadata embeddings for user and item cold-start recommendations"; for the losses Weston, Bengio and
Usunier (2011), "WSABIE" (WARP), and Rendle and others (2009), "BPR"; the logistic loss takes what a row did not take as
a no. A row's representation is the sum of the embeddings of its features, so scoring is one matrix product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recommender.guards import check_weights
from recommender.model import Arrays, Model, Scores, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import coo_matrix, csr_matrix

DIMENSIONS = 32
RATE = 0.05
LOSSES = ("warp", "bpr", "logistic")
LEAST_NOES, NOES_TO_SEE = 3, 300_000
"""The logistic loss tells a row from all items it did not take, or from some, drawn: so many in all each time through."""
LEAST_EPOCHS = 15
MOST_EPOCHS = 60
ROWS_TO_SEE = 1_000_000
"""Small portfolios are gone through more often, up to `MOST_EPOCHS`, until this many rows have been seen."""


class LightFM(Model):
    """Embeddings of features and items; one thread, so that one seed gives one model."""

    name = "lightfm"
    rank = 1
    choices: ClassVar = {"loss": (0, 1, 2), "dimensions": (DIMENSIONS, 16), "passes": (1.0, 0.5)}

    def __init__(self, feature_factors: Scores, feature_bias: Scores, item_factors: Scores, item_bias: Scores) -> None:
        super().__init__(len(feature_bias), len(item_bias))
        self.feature_factors = feature_factors
        self.feature_bias = feature_bias
        self.item_factors = item_factors
        self.item_bias = item_bias

    @classmethod
    def unavailable(cls) -> str:
        """Why the extension cannot be imported here; empty when it can."""
        try:
            from lightfm import LightFM as _  # noqa: F401
        except ImportError as error:
            return f"lightfm cannot be imported: {error}"
        return ""

    @classmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self:
        import lightfm
        from scipy.sparse import coo_matrix

        dimensions, loss = int(settings["dimensions"]), LOSSES[int(settings["loss"])]
        engine = lightfm.LightFM(no_components=dimensions, loss=loss, learning_rate=RATE, random_state=seed)
        weights = coo_matrix(interactions, dtype=np.float32)
        answers = np.ones_like(weights.data)
        if loss == "logistic":
            weights, answers = _with_noes(weights, seed)
        engine.fit(
            coo_matrix((answers, (weights.row, weights.col)), shape=weights.shape),
            user_features=features.astype(np.float32),
            sample_weight=weights,
            epochs=max(1, round(_epochs(interactions.shape[0]) * settings["passes"])),
            num_threads=1,
        )
        known = np.asarray((features != 0).sum(axis=0)).ravel() > 0
        learnt = engine.user_embeddings, engine.user_biases, engine.item_embeddings, engine.item_biases
        check_weights(cls.name, *learnt)
        # a feature never seen in training still has its random start: it must carry nothing
        return cls(learnt[0] * known[:, None], learnt[1] * known, learnt[2], learnt[3])

    def _scores(self, features: csr_matrix) -> Scores:
        plain = features.astype(np.float32)
        scores: Scores = (plain @ self.feature_factors) @ self.item_factors.T
        scores += (plain @ self.feature_bias)[:, None]
        scores += self.item_bias
        return scores

    def influence(self) -> Scores:
        """Embedding of each feature times the embedding of each item."""
        product: Scores = self.feature_factors @ self.item_factors.T
        return product

    def arrays(self) -> Arrays:
        """Embeddings and biases."""
        return {
            "feature_factors": self.feature_factors,
            "feature_bias": self.feature_bias,
            "item_factors": self.item_factors,
            "item_bias": self.item_bias,
        }

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`; the extension is not needed."""
        names = ("feature_factors", "feature_bias", "item_factors", "item_bias")
        return cls(*(arrays[name].astype(np.float32) for name in names))


def _epochs(rows: int) -> int:
    return int(np.clip(ROWS_TO_SEE // max(rows, 1), LEAST_EPOCHS, MOST_EPOCHS))


def _with_noes(taken: coo_matrix, seed: int) -> tuple[coo_matrix, NDArray[np.float32]]:
    """What was taken, and beside it what was not: the weights of both, and 1 or -1 for each.

    A no counts as much as the yes of its row; where not all fit, those drawn stand for the others, too.
    """
    from scipy.sparse import coo_matrix

    items = taken.shape[1]
    noes = min(items - 1, max(LEAST_NOES, NOES_TO_SEE // max(taken.nnz, 1)))
    step = np.arange(1, items)[None, :]
    if noes < items - 1:
        step = np.random.default_rng(seed).integers(1, items, (taken.nnz, noes))
    share = (items - 1) / noes if noes else 1.0
    others = (taken.col[:, None] + step) % items
    row = np.concatenate([taken.row, np.repeat(taken.row, noes)])
    column = np.concatenate([taken.col, others.ravel()])
    weight = np.concatenate([taken.data, np.repeat(taken.data * np.float32(share), noes)])
    answers = np.repeat(np.array([1, -1], dtype=np.float32), [taken.nnz, others.size])
    return coo_matrix((weight, (row, column)), shape=taken.shape), answers
