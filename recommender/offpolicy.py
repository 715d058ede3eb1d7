"""What another way of choosing offers would have brought, from offers that were drawn by a known chance.

`weight` = chance of the offer under the new way / chance it was drawn with. Three estimates of the mean outcome:

- inverse propensity: mean(weight * outcome), unbiased (Horvitz and Thompson 1952);
- self-normalised: the same over mean(weight), a little biased and much steadier (Swaminathan and Joachims 2015);
- doubly robust: mean(expected_new + weight * (outcome - expected)), unbiased if either the chances or the expectations
  are right (Dudik, Langford and Li 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import TrialError
from recommender.topk import Interval

Values = NDArray[np.float64]
Z = 1.959964
LEAST_SHARE = 0.02
LEAST_ROWS = 50.0


@dataclass(frozen=True)
class Log:
    """Offers made, one a row: `propensity` it was drawn with, `outcome`, `new` chance of the same offer.

    `expected` outcome of the offer made and `expected_new`, the mean expectation of what the new way would offer, are
    there together or not at all.
    """

    propensity: Values
    outcome: Values
    new: Values
    expected: Values | None = None
    expected_new: Values | None = None


@dataclass(frozen=True)
class Worth:
    """What the new way is worth beside what was done (`logged`), with 95 % normal intervals over offers.

    `effective`: how many rows the weights leave (Kish), of `rows`. `mean_weight` is 1 where the chances are right.
    `distrust` says why not to trust it; empty: nothing speaks against it.
    """

    rows: int
    effective: float
    mean_weight: float
    logged: Interval
    estimates: dict[str, Interval]
    over_logged: dict[str, Interval]
    distrust: str

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "rows": self.rows,
            "effective_rows": round(self.effective, 1),
            "mean_weight": round(self.mean_weight, 4),
            "logged": self.logged.as_dict(),
            "estimates": {name: value.as_dict() for name, value in self.estimates.items()},
            "over_logged": {name: value.as_dict() for name, value in self.over_logged.items()},
            "distrust": self.distrust,
        }


def estimate(log: Log) -> Worth:
    """The worth of the new way from the log. Raises TrialError where a chance is none."""
    weight = _weights(log)
    influence = {
        "inverse propensity": weight * log.outcome,
        "self-normalised": _self_normalised(weight, log.outcome),
    }
    if log.expected is not None and log.expected_new is not None:
        influence["doubly robust"] = log.expected_new + weight * (log.outcome - log.expected)
    effective = float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0
    return Worth(
        rows=len(weight),
        effective=effective,
        mean_weight=float(weight.mean()),
        logged=_normal(log.outcome),
        estimates={name: _normal(values) for name, values in influence.items()},
        over_logged={name: _normal(values - log.outcome) for name, values in influence.items()},
        distrust=_distrust(weight, effective),
    )


def read_log(path: Path) -> Log:
    """Read propensity, outcome, new_propensity and, together, expected and expected_new. Raises TrialError."""
    import duckdb

    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    needed, more = ("propensity", "outcome", "new_propensity"), ("expected", "expected_new")
    with duckdb.connect(":memory:") as db:
        try:
            db.execute(f"CREATE TABLE log AS SELECT * FROM {reader}($path)", {"path": str(path)})  # noqa: S608 - own names
            columns = [row[0] for row in db.execute("DESCRIBE log").fetchall()]
            if missing := [name for name in needed if name not in columns]:
                raise TrialError(f"{path} has no column {', '.join(missing)}; it has {', '.join(columns)}")
            given = [name for name in more if name in columns]
            if len(given) == 1:
                raise TrialError(f"{path} has {given[0]} alone; give both expected and expected_new, or neither")
            wanted = [*needed, *given]
            chosen = ", ".join(f"CAST({name} AS DOUBLE) AS {name}" for name in wanted)
            found = db.execute(f"SELECT {chosen} FROM log").fetchnumpy()  # noqa: S608 - own names
            values = [np.ma.filled(np.ma.asarray(found[name], dtype=np.float64), np.nan) for name in wanted]
        except duckdb.Error as error:
            raise TrialError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return Log(*values)


def _weights(log: Log) -> Values:
    columns = {"propensity": log.propensity, "outcome": log.outcome, "new_propensity": log.new}
    for name, values in columns.items():
        if not len(values) or not np.isfinite(values).all():
            raise TrialError(f"{name} has gaps, or there is no row: every offer needs a number")
    if (log.propensity <= 0).any() or (log.propensity > 1).any():
        raise TrialError("propensity must be above 0 and at most 1: log the chance each offer was drawn with")
    if (log.new < 0).any() or (log.new > 1).any():
        raise TrialError("new_propensity must be between 0 and 1")
    return log.new / log.propensity


def _self_normalised(weight: Values, outcome: Values) -> Values:
    """Values whose mean is the ratio and whose spread is its standard error's (delta method)."""
    if not weight.any():
        return np.zeros(len(weight))
    ratio = (weight * outcome).sum() / weight.sum()
    return np.asarray(ratio + weight * (outcome - ratio) / weight.mean(), dtype=np.float64)


def _normal(values: Values) -> Interval:
    mean = float(values.mean())
    within = Z * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.inf
    return Interval(mean, mean - float(within), mean + float(within))


def _distrust(weight: Values, effective: float) -> str:
    if effective < max(LEAST_ROWS, LEAST_SHARE * len(weight)):
        return f"the weights leave {effective:.0f} rows of {len(weight):,}: the new way offers what was hardly ever offered"
    spread = Z * float(weight.std(ddof=1)) / np.sqrt(len(weight))
    if abs(float(weight.mean()) - 1) > max(2 * spread, 0.01):
        return (
            f"weights are {weight.mean():.3f} on average and should be 1: the logged chances are not those drawn with"
        )
    return ""
