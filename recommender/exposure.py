"""How often an item can be taken at all: what many may take sells more than what few may, without being wanted more.

Models learn from what was taken, where the choice is not on record. A score that is a log-probability of being taken
becomes one of being taken when it can be, log p(item | eligible) = log p(item) - log P(eligible), by subtracting the
logarithm of the exposure: an actuary's rate, claims over exposure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def log_exposure(eligible: Mask) -> NDArray[np.float32]:
    """The logarithm of the share of rows in which an item is eligible: rows x items, as `eligible` is.

    Each half of the rows is told by the other half: no outcome is used, and of a row not even its own eligibility. An
    item eligible nowhere counts as if in half a row.
    """
    rows = len(eligible)
    found = np.zeros(eligible.shape, dtype=np.float32)
    half = np.arange(rows) % 2 == 0
    for own, other in ((half, ~half), (~half, half)) if rows > 1 else ():
        found[own] = np.log(np.maximum(eligible[other].sum(axis=0), 0.5) / other.sum())
    return found
