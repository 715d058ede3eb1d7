"""The blend: the calibrated scores of other models added up, each as much as makes what was taken likeliest.

A logarithmic opinion pool (Genest and Zidek 1986); its weights come from rows none of the members had seen (stacking,
Wolpert 1992), and a member whose weight is nothing is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import numpy as np

from recommender.calibrated import Calibrated
from recommender.calibration import Calibration, calibrate, pool
from recommender.errors import UnfitInputError
from recommender.model import Arrays, Model, Scores, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

APART = 0.1
"""Share of the rows kept from the members, to weigh them on."""
LEAST_WEIGHT = 1e-3
"""A member that counts less, where all count 1 together, changes no answer anybody would see."""


class Blend(Model):
    """The sum of its members' calibrated scores."""

    name = "blend"
    linear = False  # a member may be trees
    served = False  # takes the time of all its members twice
    composed = True

    def __init__(self, features: int, items: int, members: Mapping[str, Calibrated]) -> None:
        super().__init__(features, items)
        self.members = dict(sorted(members.items()))

    @classmethod
    def of(
        cls,
        members: Mapping[str, Calibrated],
        shown: Mapping[str, Scores],
        asked: NDArray[np.bool_],
        targets: NDArray[np.int64],
    ) -> Self:
        """Weigh members by their calibrated scores `shown` of rows they had not seen, whose answers are `targets`.

        `asked`: what could have been taken. Raises UnfitInputError where there is nobody to weigh.
        """
        if not members:
            raise UnfitInputError("there is no model to blend")
        names = sorted(members)
        found = pool([shown[name] for name in names], asked, targets)
        weight = {name: one.sharpness for name, one in zip(names, found, strict=True)}
        counts = {name: weight[name] * spread(shown[name], asked) for name in names}
        kept = [name for name in names if counts[name] >= LEAST_WEIGHT * sum(counts.values())]
        bias = dict.fromkeys(kept, np.zeros_like(found[0].bias)) | {kept[0]: found[0].bias}
        model = members[kept[0]].model
        parts = {name: _scaled(members[name], weight[name], bias[name]) for name in kept}
        return cls(model.features, model.items, parts)

    @classmethod
    def _fit(cls, interactions: csr_matrix, features: csr_matrix, seed: int, settings: Settings) -> Self:
        from recommender.models import models

        rows = interactions.shape[0]
        apart = np.zeros(rows, dtype=bool)
        apart[np.random.default_rng(seed).permutation(rows)[: round(APART * rows)]] = True
        row, targets = interactions[apart].nonzero()
        everything = np.ones((len(targets), interactions.shape[1]), dtype=bool)
        members, shown = {}, {}
        for name, kind in models().items():
            if kind.composed or not kind.personal or kind.unavailable():
                continue
            try:
                scores = kind.fit(interactions[~apart], features[~apart], seed=seed).scores(features[apart])[row]
                own = calibrate(scores, everything, targets)
                members[name] = Calibrated(kind.fit(interactions, features, seed=seed), own)
            except UnfitInputError:  # one that cannot learn from these rows has no part in it
                continue
            shown[name] = own.logits(scores)
        return cls.of(members, shown, everything, targets)

    def _scores(self, features: csr_matrix) -> Scores:
        scores = np.zeros((features.shape[0], self.items), dtype=np.float32)
        for member in self.members.values():
            scores += member.logits(features)
        return scores

    def influence(self) -> Scores:
        """The members' influences, weighed as their scores are."""
        total = np.zeros((self.features, self.items), dtype=np.float32)
        for member in self.members.values():
            total += np.float32(member.calibration.sharpness) * member.influence
        return total

    def arrays(self) -> Arrays:
        """The members' arrays, named `member.array`, and the calibration each is added with."""
        found: dict[str, NDArray[np.generic]] = {"shape": np.array([self.features, self.items])}
        for name, member in self.members.items():
            found |= {f"{name}.{key}": value for key, value in member.model.arrays().items()}
            found[f"{name}.calibration"] = np.array([member.calibration.sharpness, *member.calibration.bias])
        return found

    @classmethod
    def restore(cls, arrays: Arrays) -> Self:
        """The blend again from `arrays()`."""
        from recommender.models import models

        members = {}
        for name in sorted({key.partition(".")[0] for key in arrays if "." in key}):
            own = {key.partition(".")[2]: value for key, value in arrays.items() if key.startswith(f"{name}.")}
            sharpness, *bias = own.pop("calibration").astype(np.float64).tolist()
            members[name] = Calibrated(models()[name].restore(own), Calibration(sharpness, np.array(bias)))
        features, items = (int(size) for size in arrays["shape"])
        return cls(features, items, members)


def spread(logits: Scores, asked: NDArray[np.bool_]) -> float:
    """How far apart the scores of what could be taken lie: weights are compared in units of it."""
    return float(logits[asked].std()) if asked.any() else 1.0


def _scaled(member: Calibrated, weight: float, bias: NDArray[np.float64]) -> Calibrated:
    """The member's own calibration and its weight in the blend, as one calibration."""
    own = member.calibration
    return Calibrated(member.model, Calibration(own.sharpness * weight, own.bias * weight + bias))
