"""Multinomial logistic regression on the same rows: the stand-in where the LightFM extension cannot be imported."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recommender.errors import UnfitInputError
from recommender.guards import check_weights
from recommender.model import Arrays, Model, Scores, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

STEPS = 200
PENALTY = 10.0
"""Inverse strength of the ridge; features are scaled to a row sum of 1, so weights have to be large."""
MOST_CLASSES = 400


class Logistic(Model):
    """Linear log-odds of each item given the features."""

    name = "logistic"
    rank = 2
    rows = 50_000
    choices: ClassVar = {"penalty": (PENALTY, 1.0, 100.0)}

    def __init__(self, weights: Scores, bias: Scores) -> None:
        super().__init__(*weights.shape)
        self.weights = weights
        self.bias = bias

    @classmethod
    def unavailable(cls) -> str:
        """Why scikit-learn cannot be imported here; empty when it can."""
        try:
            import sklearn.linear_model  # noqa: F401
        except ImportError as error:
            return f"scikit-learn cannot be imported: {error}"
        return ""

    @classmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self:
        rows, taken = interactions.nonzero()
        weights = np.zeros((features.shape[1], interactions.shape[1]))
        bias = np.full(interactions.shape[1], np.nan)
        classes = np.unique(taken)
        if len(classes) > MOST_CLASSES:
            raise UnfitInputError(
                f"{len(classes)} products are too many for logistic regression (at most {MOST_CLASSES})"
            )
        if len(classes) > 1:
            weights[:, classes], bias[classes] = _regress(
                features[rows].astype(np.float64), taken, interactions.data, settings["penalty"]
            )
        else:
            bias[classes] = 0.0
        # a product nobody took has no log-odds of its own: below every product somebody did
        bias[np.isnan(bias)] = np.nanmin(bias, initial=0.0) - np.log(2)
        check_weights(cls.name, weights, bias)
        return cls(weights.astype(np.float32), bias.astype(np.float32))

    def _scores(self, features: csr_matrix) -> Scores:
        scores: Scores = features.astype(np.float32) @ self.weights + self.bias
        return scores

    def influence(self) -> Scores:
        """The weights themselves."""
        return self.weights

    def arrays(self) -> Arrays:
        """Weights (features x items) and bias (items)."""
        return {"weights": self.weights, "bias": self.bias}

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The model again from `arrays()`; scikit-learn is not needed."""
        return cls(arrays["weights"].astype(np.float32), arrays["bias"].astype(np.float32))


def _regress(
    features: csr_matrix, taken: NDArray[np.int64], weights: NDArray[np.float32], penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (features x classes) and bias (classes), classes in ascending order."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    engine = LogisticRegression(C=penalty, max_iter=STEPS, tol=1e-3)
    with warnings.catch_warnings():
        # the budget of steps is the stopping rule; what it leaves undone shows in the validation
        warnings.simplefilter("ignore", ConvergenceWarning)
        engine.fit(features, taken, sample_weight=weights.astype(np.float64))
    slopes, bias = np.asarray(engine.coef_).T, np.asarray(engine.intercept_)
    if slopes.shape[1] == 1:  # two classes share one log-odds
        slopes, bias = np.hstack([-slopes, slopes]) / 2, np.concatenate([-bias, bias]) / 2
    return slopes, bias
