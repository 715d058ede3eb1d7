"""A model with the calibration it is served with: what makes the scores of different models one kind of number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.calibration import Calibration
from recommender.model import Model

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Calibrated:
    """A model and the calibration it is served with."""

    model: Model
    calibration: Calibration

    def logits(self, features: csr_matrix) -> NDArray[np.float32]:
        """Calibrated scores, rows x items."""
        return self.calibration.logits(self.model.scores(features))

    @cached_property
    def influence(self) -> NDArray[np.float32]:
        """What one unit of a feature adds to an item's score (`Model.influence`), worked out once."""
        return self.model.influence()
