"""The R-learner (Nie and Wager 2021): what is left of the outcome explained by what is left of the treatment."""

from __future__ import annotations

from recommender.uplift.bases import Linear, Predict, boosted_rate, linear_number, out_of_fold
from recommender.uplift.learner import Arrays, Floats, Rows, Served


class R(Served):
    """The rate of everybody by cross-fitted boosting, the effect by ridge regression.

    Minimises the sum of ((y - m(x)) - (t - e(x)) effect(x))^2: a regression of (y - m) / (t - e) with weights (t - e)^2.
    """

    name = "r"
    source = "Nie, Wager 2021, Biometrika 108(2), R-learner"
    model: Linear

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        def learn(rows: Rows) -> Predict:
            return boosted_rate(features[rows], outcome[rows], self.seed)

        expected = out_of_fold(learn, features, 2 * treatment + outcome, self.seed)
        left = treatment - propensity
        self.model = linear_number(features, (outcome - expected) / left, left**2)

    def _effect(self, features: Floats) -> Floats:
        return self.model.number(features)

    def arrays(self) -> Arrays:
        """The weights."""
        return {"model": self.model.packed()}

    def _restore(self, arrays: Arrays) -> None:
        self.model = Linear.unpacked(arrays["model"])
        self.columns = len(self.model.weights)
