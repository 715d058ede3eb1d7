"""One model with the treatment as a feature: what it says with it less without it (the S-learner of Künzel and others 2019)."""

from __future__ import annotations

import numpy as np

from recommender.uplift.bases import Linear, Predict, boosted_rate, linear_rate
from recommender.uplift.learner import Arrays, Floats, Learner, Served

SOURCE = "Künzel, Sekhon, Bickel, Yu 2019, PNAS 116(10), S-learner"


class Single(Served):
    """A logistic regression on the features, the treatment and their products.

    Without the products a linear model would give everybody the same log odds ratio. The treatment is -1/2 or 1/2, so
    that the penalty holds the effects back, not the rate of one of the groups.
    """

    name = "single"
    source = SOURCE + "; products of features and treatment as in Lo 2002, SIGKDD Explorations 4(2)"
    model: Linear

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        self.model = linear_rate(_crossed(features, treatment - 0.5), outcome)

    def _effect(self, features: Floats) -> Floats:
        half = np.full(len(features), 0.5)
        return self.model.rate(_crossed(features, half)) - self.model.rate(_crossed(features, -half))

    def arrays(self) -> Arrays:
        """The weights."""
        return {"model": self.model.packed()}

    def _restore(self, arrays: Arrays) -> None:
        self.model = Linear.unpacked(arrays["model"])
        self.columns = (len(self.model.weights) - 1) // 2


class SingleBoosted(Learner):
    """A boosted model on the features and the treatment."""

    name = "single-boosted"
    source = SOURCE
    model: Predict

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        self.model = boosted_rate(np.column_stack([features, treatment]), outcome, self.seed)

    def _effect(self, features: Floats) -> Floats:
        rows = len(features)
        with_it, without = (np.column_stack([features, np.full(rows, arm)]) for arm in (1.0, 0.0))
        return self.model(with_it) - self.model(without)


def _crossed(features: Floats, treatment: Floats) -> Floats:
    return np.column_stack([features, treatment, features * treatment[:, None]])
