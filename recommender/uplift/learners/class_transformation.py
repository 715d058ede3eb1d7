"""Class transformation (Jaskowski and Jaroszewicz 2012): one model of being a treated buyer or an untreated non-buyer.

Z = 1 where the outcome equals the treatment. With half of the customers treated, effect = 2 P(Z = 1) - 1; weights of one
over the propensity make any trial one of halves.
"""

from __future__ import annotations

import numpy as np

from recommender.uplift.bases import Linear, Predict, boosted_rate, linear_rate
from recommender.uplift.learner import Arrays, Floats, Learner, Served

SOURCE = "Jaskowski, Jaroszewicz 2012, ICML Workshop on Clinical Data Analysis"


class ClassTransformation(Served):
    """By logistic regression."""

    name = "class-transformation"
    source = SOURCE
    model: Linear

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        self.model = linear_rate(features, _same(treatment, outcome), _halved(treatment, propensity))

    def _effect(self, features: Floats) -> Floats:
        return 2 * self.model.rate(features) - 1

    def arrays(self) -> Arrays:
        """The weights."""
        return {"model": self.model.packed()}

    def _restore(self, arrays: Arrays) -> None:
        self.model = Linear.unpacked(arrays["model"])
        self.columns = len(self.model.weights)


class ClassTransformationBoosted(Learner):
    """By boosting."""

    name = "class-transformation-boosted"
    source = SOURCE
    model: Predict

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        weights = _halved(treatment, propensity)
        self.model = boosted_rate(features, _same(treatment, outcome), self.seed, weights)

    def _effect(self, features: Floats) -> Floats:
        return 2 * self.model(features) - 1


def _same(treatment: Floats, outcome: Floats) -> Floats:
    found: Floats = (treatment == outcome).astype(np.float64)
    return found


def _halved(treatment: Floats, propensity: Floats) -> Floats:
    """Weights under which half of the customers are treated, 1 on average."""
    return np.where(treatment == 1, 0.5 / propensity, 0.5 / (1 - propensity))
