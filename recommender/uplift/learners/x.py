"""The X-learner (Künzel and others 2019): what each customer gained over what the other group's model expects of them.

Treated customers: outcome less the untreated rate expected; untreated: the treated rate expected less the outcome. A
model of each is an effect; they are averaged by the propensity, so that the one learnt from more customers counts more.
"""

from __future__ import annotations

import numpy as np

from recommender.uplift.bases import Linear, Predict, boosted_number, boosted_rate, linear_number, linear_rate
from recommender.uplift.learner import Arrays, Floats, Learner, Served

SOURCE = "Künzel, Sekhon, Bickel, Yu 2019, PNAS 116(10), X-learner"


class X(Served):
    """Logistic rates and ridge effects."""

    name = "x"
    source = SOURCE
    of_treated: Linear
    of_untreated: Linear
    share: float

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        ones, zeros = treatment == 1, treatment == 0
        with_it, without = linear_rate(features[ones], outcome[ones]), linear_rate(features[zeros], outcome[zeros])
        self.of_treated = linear_number(features[ones], outcome[ones] - without.rate(features[ones]))
        self.of_untreated = linear_number(features[zeros], with_it.rate(features[zeros]) - outcome[zeros])
        self.share = float(propensity.mean())

    def _effect(self, features: Floats) -> Floats:
        found: Floats = self.share * self.of_untreated.number(features)
        return found + (1 - self.share) * self.of_treated.number(features)

    def arrays(self) -> Arrays:
        """The weights of both effects and the share treated."""
        both = {"of_treated": self.of_treated.packed(), "of_untreated": self.of_untreated.packed()}
        return {**both, "share": np.array(self.share)}

    def _restore(self, arrays: Arrays) -> None:
        self.of_treated, self.of_untreated = (Linear.unpacked(arrays[name]) for name in ("of_treated", "of_untreated"))
        self.share, self.columns = float(arrays["share"]), len(self.of_treated.weights)


class XBoosted(Learner):
    """Boosted rates and effects."""

    name = "x-boosted"
    source = SOURCE
    of_treated: Predict
    of_untreated: Predict
    share: float

    def _fit(self, features: Floats, treatment: Floats, outcome: Floats, propensity: Floats) -> None:
        ones, zeros = treatment == 1, treatment == 0
        with_it = boosted_rate(features[ones], outcome[ones], self.seed)
        without = boosted_rate(features[zeros], outcome[zeros], self.seed)
        self.of_treated = boosted_number(features[ones], outcome[ones] - without(features[ones]), self.seed)
        self.of_untreated = boosted_number(features[zeros], with_it(features[zeros]) - outcome[zeros], self.seed)
        self.share = float(propensity.mean())

    def _effect(self, features: Floats) -> Floats:
        found: Floats = self.share * self.of_untreated(features) + (1 - self.share) * self.of_treated(features)
        return found
