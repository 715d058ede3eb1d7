"""What learners are made of: rates and numbers learnt linearly or by boosting, and the folds of cross-fitting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommender.uplift.learner import Floats, Rows

Predict = Callable[[Floats], Floats]
FOLDS = 5
PENALTIES = tuple(10.0**power for power in range(0, 6))
"""Ridge penalties tried, by leave-one-out error: effects are small, so strong ones must be among them."""


@dataclass(frozen=True)
class Linear:
    """Weights of scaled features and an intercept."""

    weights: Floats
    intercept: float

    @classmethod
    def of(cls, model: Any) -> Self:
        """Of a fitted linear model of scikit-learn."""
        return cls(np.asarray(model.coef_, dtype=np.float64).ravel(), float(np.ravel(model.intercept_)[0]))

    def number(self, features: Floats) -> Floats:
        """The weighted sum of each row."""
        found: Floats = features @ self.weights + self.intercept
        return found

    def rate(self, features: Floats) -> Floats:
        """The weighted sum as log odds, as a probability."""
        found: Floats = 1 / (1 + np.exp(-self.number(features)))
        return found

    def packed(self) -> Floats:
        """One array, the intercept last."""
        return np.append(self.weights, self.intercept)

    @classmethod
    def unpacked(cls, stored: NDArray[np.generic]) -> Self:
        """Again from `packed()`."""
        values = np.asarray(stored, dtype=np.float64)
        return cls(values[:-1], float(values[-1]))


def linear_rate(features: Floats, outcome: Floats, weights: Floats | None = None) -> Linear:
    """A logistic regression."""
    from sklearn.linear_model import LogisticRegression

    return Linear.of(LogisticRegression(C=1.0, max_iter=2_000).fit(features, outcome, sample_weight=weights))


def linear_number(features: Floats, target: Floats, weights: Floats | None = None) -> Linear:
    """A ridge regression, its penalty chosen by leave-one-out error."""
    from sklearn.linear_model import RidgeCV

    return Linear.of(RidgeCV(alphas=PENALTIES).fit(features, target, sample_weight=weights))


def boosted_rate(features: Floats, outcome: Floats, seed: int, weights: Floats | None = None) -> Predict:
    """Histogram gradient boosting of a probability, held back: small trees, large leaves."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(**_held_back(len(features)), random_state=seed)
    model.fit(features, outcome, sample_weight=weights)

    def rate(rows: Floats) -> Floats:
        found: Floats = model.predict_proba(rows)[:, 1]
        return found

    return rate


def boosted_number(features: Floats, target: Floats, seed: int, weights: Floats | None = None) -> Predict:
    """Histogram gradient boosting of a number, held back."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(**_held_back(len(features)), random_state=seed)
    model.fit(features, target, sample_weight=weights)

    def number(rows: Floats) -> Floats:
        found: Floats = model.predict(rows)
        return found

    return number


def _held_back(rows: int) -> Mapping[str, Any]:
    return {
        "max_iter": 100,
        "learning_rate": 0.05,
        "max_leaf_nodes": 8,
        "min_samples_leaf": max(5, min(200, rows // 50)),
        "l2_regularization": 10.0,
        "early_stopping": False,
    }


def folds(strata: Floats, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Rows to learn from and rows to predict, in FOLDS turns; each stratum is spread evenly."""
    from sklearn.model_selection import StratifiedKFold

    cut = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    yield from cut.split(np.zeros((len(strata), 1)), strata)


def out_of_fold(learn: Callable[[Rows], Predict], features: Floats, strata: Floats, seed: int) -> Floats:
    """What each row is predicted to be by a model that has not seen it: cross-fitting (Chernozhukov and others 2018)."""
    found = np.empty(len(features))
    for known, unknown in folds(strata, seed):
        found[unknown] = learn(known)(features[unknown])
    return found
