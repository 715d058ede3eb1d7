"""The contract of an uplift learner: it learns from treated and untreated customers what a contact adds for whom.

The effect of a customer is what the contact adds to the probability of the outcome: E[Y(1) - Y(0) | features]. It is
identified where who was treated was drawn with a known probability, or depends on the features alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recommender.errors import UnfitInputError

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Arrays = Mapping[str, NDArray[np.generic]]
LEAST = 20
"""Of treated and untreated customers, with and without the outcome: fewer rows of any are too few to learn from."""


class Learner(ABC):
    """Base of all learners. Public methods check everything; a learner writes the underscored ones.

    `source`: where the method is described. `causal`: the score is an effect; otherwise it only ranks. `seed`: of folds
    and boosting; the same rows and seed give the same effects.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    causal: ClassVar[bool] = True

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.columns = 0

    def fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> Self:
        """Learn from `features` (rows x columns, scaled), `treatment` and `outcome` (0 or 1), `propensity` of treatment.

        Raises `UnfitInputError` where values are not finite, not 0 or 1, or there are too few rows of a kind.
        """
        check_rows(features, treatment, outcome, propensity)
        self.columns = features.shape[1]
        with one_thread():
            self._fit(features, treatment, outcome, propensity)
        return self

    def effect(self, features: Floats) -> Floats:
        """What a contact adds to the probability of the outcome, one number a row; of a baseline, a score that ranks."""
        if features.ndim != 2 or features.shape[1] != self.columns:
            raise UnfitInputError(f"{self.name} was fitted with {self.columns} columns, got {features.shape}")
        if not np.isfinite(features).all():
            raise UnfitInputError("features hold NaN or infinite values: encode them with the schema of the fit")
        with one_thread():
            return self._effect(features)

    @abstractmethod
    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None: ...

    @abstractmethod
    def _effect(self, features: Floats) -> Floats: ...


class Served(Learner):
    """A learner that can be stored and served: all it learnt are named arrays, no library needed to apply them."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything learnt."""

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The learner again from `arrays()`; the same rows get the same effects to the last bit."""
        made = cls()
        made._restore(arrays)
        return made

    @abstractmethod
    def _restore(self, arrays: Arrays) -> None: ...


def one_thread() -> AbstractContextManager[object]:
    """Numerical libraries keep to one thread: several wait for one another on small tables and shared machines."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    limited: AbstractContextManager[object] = threadpool_limits(1)
    return limited


def check_rows(features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
    """Refuse rows nothing can be learnt from, and say why."""
    rows = len(features)
    if features.ndim != 2 or any(len(each) != rows for each in (treatment, outcome, propensity)):
        raise UnfitInputError("features, treatment, outcome and propensity must have one row a customer each")
    if not all(np.isfinite(each).all() for each in (features, treatment, outcome, propensity)):
        raise UnfitInputError("features, treatment, outcome and propensity must hold no NaN or infinite values")
    for name, values in (("treatment", treatment), ("outcome", outcome)):
        if not np.isin(values, (0, 1)).all():
            raise UnfitInputError(f"{name} must be 0 or 1")
    if not ((propensity > 0) & (propensity < 1)).all():
        raise UnfitInputError(
            "a propensity must lie between 0 and 1: where nobody could be left out, nothing is learnt"
        )
    counts = np.bincount((2 * treatment + outcome).astype(np.int64), minlength=4)
    names = ("untreated without", "untreated with", "treated without", "treated with")
    for name, count in zip(names, counts, strict=True):
        if count < LEAST:
            raise UnfitInputError(
                f"{count} rows {name} the outcome: at least {LEAST} are needed to learn an effect from"
            )
