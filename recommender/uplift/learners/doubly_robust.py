"""The doubly robust learner (Kennedy 2020): right where either the rates or the propensities are."""

from __future__ import annotations

from recommender.uplift.bases import Linear, Predict, boosted_rate, linear_number, out_of_fold
from recommender.uplift.learner import Arrays, Floats, Rows, Served


class DoublyRobust(Served):
    """The rates of both groups by cross-fitted boosting, the effect by ridge regression on the pseudo-outcome.

    Pseudo-outcome: m1 - m0 + t (y - m1) / e - (1 - t) (y - m0) / (1 - e), whose mean given the features is the effect.
    """

    name = "doubly-robust"
    source = "Kennedy 2020, arXiv 2004.14497 (Electronic Journal of Statistics 17(2), 2023), DR-learner"
    model: Linear

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        def learn(arm: int) -> Floats:
            def on(rows: Rows) -> Predict:
                mine = rows[treatment[rows] == arm]
                return boosted_rate(features[mine], outcome[mine], self.seed)

            return out_of_fold(on, features, 2 * treatment + outcome, self.seed)

        without, with_it = learn(0), learn(1)
        gained = treatment * (outcome - with_it) / propensity
        forgone = (1 - treatment) * (outcome - without) / (1 - propensity)
        self.model = linear_number(features, with_it - without + gained - forgone)

    def _effect(self, features: Floats) -> Floats:
        return self.model.number(features)

    def arrays(self) -> Arrays:
        """The weights."""
        return {"model": self.model.packed()}

    def _restore(self, arrays: Arrays) -> None:
        self.model = Linear.unpacked(arrays["model"])
        self.columns = len(self.model.weights)
