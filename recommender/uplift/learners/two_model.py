"""Two models: the rate of the treated less the rate of the untreated (the T-learner of Künzel and others 2019)."""

from __future__ import annotations

from recommender.uplift.bases import Linear, Predict, boosted_rate, linear_rate
from recommender.uplift.learner import Arrays, Floats, Learner, Served

SOURCE = "Künzel, Sekhon, Bickel, Yu 2019, PNAS 116(10), T-learner"


class TwoModel(Served):
    """Two logistic regressions."""

    name = "two-model"
    source = SOURCE
    treated: Linear
    untreated: Linear

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        is_treated = treatment == 1
        self.treated = linear_rate(features[is_treated], outcome[is_treated])
        self.untreated = linear_rate(features[~is_treated], outcome[~is_treated])

    def _effect(self, features: Floats) -> Floats:
        return self.treated.rate(features) - self.untreated.rate(features)

    def arrays(self) -> Arrays:
        """The weights of both."""
        return {"treated": self.treated.packed(), "untreated": self.untreated.packed()}

    def _restore(self, arrays: Arrays) -> None:
        self.treated, self.untreated = Linear.unpacked(arrays["treated"]), Linear.unpacked(arrays["untreated"])
        self.columns = len(self.treated.weights)


class TwoModelBoosted(Learner):
    """Two boosted models."""

    name = "two-model-boosted"
    source = SOURCE
    treated: Predict
    untreated: Predict

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        is_treated = treatment == 1
        self.treated = boosted_rate(features[is_treated], outcome[is_treated], self.seed)
        self.untreated = boosted_rate(features[~is_treated], outcome[~is_treated], self.seed)

    def _effect(self, features: Floats) -> Floats:
        return self.treated(features) - self.untreated(features)
