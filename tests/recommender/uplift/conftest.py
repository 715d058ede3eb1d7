"""Trials with known effects, made up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

Trial = dict[str, np.ndarray]


def _trial(
    rows: int, effect: Callable[[np.ndarray], np.ndarray], share: float = 0.5, seed: int = 1, slope: float = 0.05
) -> Trial:
    """Features x (rows x 3), treatment drawn with `share`, outcome at a rate of 0.3 + slope x2 plus `effect(x)` if treated."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    treatment = (rng.random(rows) < share).astype(float)
    rate = np.clip(0.3 + slope * x[:, 1] + treatment * effect(x), 0, 1)
    outcome = (rng.random(rows) < rate).astype(float)
    return {"x": x, "treatment": treatment, "outcome": outcome, "propensity": np.full(rows, share)}


@pytest.fixture
def trial() -> Callable[..., Trial]:
    return _trial


@pytest.fixture
def table() -> Callable[[Trial], pa.Table]:
    """The trial as a table with the columns a, b, c, treated, bought."""

    def made(found: Trial) -> pa.Table:
        columns = {name: found["x"][:, place] for place, name in enumerate("abc")}
        whole = {"treated": found["treatment"].astype(int), "bought": found["outcome"].astype(int)}
        return pa.table({**columns, **whole})

    return made
