"""Fitting: draw the rows, fit every model on them, measure each on customers kept apart, store all, serve one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.audience import audience, described, portfolio
from recommender.calibration import Calibration, uncalibrated
from recommender.candidates import Rules
from recommender.catalogue import item_ids, read_catalogue
from recommender.eligibility import EligibilityProblem
from recommender.errors import NothingToFitError, UnfitInputError
from recommender.evaluation import measure
from recommender.features import FeatureSchema, fit_features
from recommender.interactions import Fingerprint, fingerprint, split, training_rows, validation_rows
from recommender.model import Model, taken
from recommender.models import models
from recommender.report import FitReport, ModelReport
from recommender.store import as_json, packed, write_version

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from scipy.sparse import csr_matrix

BASELINE = "popularity"
Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Rows:
    """Rows ready for a model: features, the item hidden in each, and (when validating) what could have been offered."""

    features: csr_matrix
    targets: NDArray[np.int64]
    candidates: NDArray[np.bool_]


@dataclass(frozen=True)
class Material:
    """All there is to fit with. `set_aside`: held-out customers whose hidden product could not be offered to them."""

    found: Fingerprint
    schema: FeatureSchema
    training: Rows
    validation: Rows
    set_aside: int
    problems: tuple[EligibilityProblem, ...]


@dataclass(frozen=True)
class Fitted:
    """A model with the calibration it is served with and what is to be reported about it."""

    model: Model | None
    calibration: Calibration
    report: ModelReport


def fit(
    db: duckdb.DuckDBPyConnection, folder: Path, now: datetime, *, seed: int, progress: Progress | None = None
) -> FitReport:
    """Fit every model on the canonical views as of `now`, store them in `folder/<version>` and put that in service.

    Large portfolios are thinned by a hash of the customer to about 200,000 rows; a fifth of the customers (at most
    10,000) is kept apart to measure and calibrate on. Raises `NothingToFitError` where the catalogue is empty.
    """
    with _stage(progress, "reading what customers hold and use"):
        material = _material(db, now, seed)
    fitted = {}
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):  # small matrices: threads wait for one another longer than they work
        for name, kind in _served().items():
            with _stage(progress, f"fitting {name}"):
                fitted[name] = _fit_one(kind, material, seed)
    report = _report(material, fitted, Path(folder), now, seed)
    with _stage(progress, "storing the models"):
        version = write_version(Path(folder), _files(report, material.schema, fitted), now)
    return replace(report, version=version, folder=Path(folder) / version)


def choose(fitted: Mapping[str, Fitted]) -> tuple[str, str]:
    """Which model serves, and why: the preferred one that could be fitted, unless popularity measures better."""
    ranked = sorted((m.model.rank, name) for name, m in fitted.items() if m.model and m.model.rank is not None)
    baseline = fitted[BASELINE].report.quality
    if not ranked:
        return BASELINE, "no other model could be fitted"
    name = ranked[0][1]
    quality = fitted[name].report.quality
    if quality is None or baseline is None or quality.customers == 0:
        return BASELINE, "there is no held-out customer to prove a better model on"
    measured = f"MRR@3 {quality.mrr_at_3:.3f} against {baseline.mrr_at_3:.3f} on {quality.customers} held-out customers"
    if baseline.mrr_at_3 > quality.mrr_at_3:
        return BASELINE, f"popularity measured better than {name}: {measured}"
    return name, f"{name} measured no worse than popularity: {measured}"


def _served() -> dict[str, type[Model]]:
    """The models a fit learns; the others are for comparisons."""
    return {name: kind for name, kind in models().items() if kind.served}


@contextmanager
def _stage(progress: Progress | None, stage: str) -> Iterator[None]:
    if progress:
        progress(stage, 0, 1)
    yield
    if progress:
        progress(stage, 1, 1)


def _material(db: duckdb.DuckDBPyConnection, now: datetime, seed: int) -> Material:
    items = item_ids(db)
    if not items:
        raise NothingToFitError
    most = max(model.rows for model in _served().values())
    found = fingerprint(db, now)
    shares = split(found, most)
    asked = training_rows(db, now, shares, rows=most, seed=seed)
    with audience(db, asked, now):
        profile, held = described(db), portfolio(db)
    schema = fit_features(profile, items)
    unmasked = np.ones((0, len(items)), dtype=bool)
    training = Rows(schema.encode(profile, held), _targets(asked, items), unmasked)
    rules = Rules(db, read_catalogue(db, items))
    validation, aside = _validation(db, validation_rows(db, now, shares, seed=seed), schema, rules, now)
    return Material(found, schema, training, validation, aside, tuple(rules.problems))


def _validation(
    db: duckdb.DuckDBPyConnection, asked: pa.Table, schema: FeatureSchema, rules: Rules, now: datetime
) -> tuple[Rows, int]:
    """Rows to measure on; those whose hidden product could not be offered to them today are set aside and counted."""
    with audience(db, asked, now):
        features = schema.encode(described(db), portfolio(db))
        candidates = rules.candidates(db, asked.num_rows)
    targets = _targets(asked, schema.items)
    kept = candidates[np.arange(len(targets)), targets]
    return Rows(features[kept], targets[kept], candidates[kept]), int((~kept).sum())


def _targets(asked: pa.Table, items: tuple[str, ...]) -> NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(asked["hidden"], value_set=pa.array(items, pa.string()))
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _fit_one(kind: type[Model], material: Material, seed: int) -> Fitted:
    training, validation, items = material.training, material.validation, len(material.schema.items)
    rows = min(kind.rows, len(training.targets))
    note = kind.unavailable() or (f"only {rows} training rows" if rows < kind.least else "")
    if note:
        return Fitted(None, uncalibrated(items), ModelReport(kind.name, 0, None, note))
    try:
        model = kind.fit(taken(training.targets[:rows], items), training.features[:rows], seed=seed)
    except UnfitInputError as error:
        return Fitted(None, uncalibrated(items), ModelReport(kind.name, rows, None, str(error)))
    quality, calibration = measure(model.scores(validation.features), validation.candidates, validation.targets)
    return Fitted(model, calibration, ModelReport(kind.name, rows, quality))


def _report(material: Material, fitted: Mapping[str, Fitted], folder: Path, now: datetime, seed: int) -> FitReport:
    served, why = choose(fitted)
    return FitReport(
        version="",
        folder=folder,
        now=now,
        seed=seed,
        served=served,
        why=why,
        models=tuple(model.report for model in fitted.values()),
        items=len(material.schema.items),
        features=len(material.schema.columns),
        training_rows=len(material.training.targets),
        available_rows=material.found.interactions,
        validation_customers=len(material.validation.targets),
        validation_set_aside=material.set_aside,
        fingerprint=material.found.as_dict(),
        problems=material.problems,
    )


def _files(report: FitReport, schema: FeatureSchema, fitted: Mapping[str, Fitted]) -> dict[str, bytes]:
    stored = {name: one for name, one in fitted.items() if one.model is not None}
    calibrations = {
        name: {"sharpness": one.calibration.sharpness, "bias": one.calibration.bias.tolist()}
        for name, one in stored.items()
    }
    weights = {f"{name}.npz": packed(one.model.arrays()) for name, one in stored.items() if one.model is not None}
    return {
        "features.json": as_json(schema.as_dict()),
        "calibration.json": as_json(calibrations),
        "metrics.json": as_json(report.content()),
        "fingerprint.json": as_json(dict(report.fingerprint)),
        "items.json": as_json(list(schema.items)),
        **weights,
    }
