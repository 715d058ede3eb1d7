"""The plain response model: who buys when contacted. No uplift, and what every uplift model has to beat."""

from __future__ import annotations

from recommender.uplift.bases import Linear, Predict, boosted_rate, linear_rate
from recommender.uplift.learner import Arrays, Floats, Learner, Served

SOURCE = "a model of the outcome of those contacted, as direct marketing has always used"


class Response(Served):
    """Logistic regression on those treated; its score is the rate with a contact."""

    name = "response"
    source = SOURCE
    causal = False
    model: Linear

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        treated = treatment == 1
        self.model = linear_rate(features[treated], outcome[treated])

    def _effect(self, features: Floats) -> Floats:
        return self.model.rate(features)

    def arrays(self) -> Arrays:
        """The weights."""
        return {"model": self.model.packed()}

    def _restore(self, arrays: Arrays) -> None:
        self.model = Linear.unpacked(arrays["model"])
        self.columns = len(self.model.weights)


class ResponseBoosted(Learner):
    """Boosting on those treated."""

    name = "response-boosted"
    source = SOURCE
    causal = False
    model: Predict

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        treated = treatment == 1
        self.model = boosted_rate(features[treated], outcome[treated], self.seed)

    def _effect(self, features: Floats) -> Floats:
        return self.model(features)
