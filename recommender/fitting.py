"""Fitting: draw the rows, fit every model on them, measure each on customers kept apart, store all, serve one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from recommender.calibrated import Calibrated
from recommender.calibration import Calibration, uncalibrated
from recommender.errors import UnfitInputError
from recommender.evaluation import Quality, measure
from recommender.features import FeatureSchema
from recommender.learning import Learning
from recommender.material import Gathering, Material
from recommender.model import Model, taken
from recommender.models import models
from recommender.models.blend import Blend
from recommender.report import FitReport, ModelReport
from recommender.store import as_json, packed, write_version
from recommender.tuning import Tuned, tune

if TYPE_CHECKING:
    import duckdb

    from recommender.outcomes import Feedback

BASELINE, BLEND = "popularity", Blend.name
Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Choice:
    """What may be chosen in a fit: which `model` serves (None: the preferred one), and whether to `tune` the settings.

    `learning`: what outcomes of offers count.
    """

    model: str | None = None
    tune: bool = False
    learning: Learning = field(default_factory=Learning)

    @property
    def windowed(self) -> bool:
        """Whether something is chosen on a window: settings, or the weights of the blend."""
        return self.tune or self.model == BLEND


@dataclass(frozen=True)
class Fitted:
    """A model with the calibration it is served with and what is to be reported about it; how it fared on the window."""

    model: Model | None
    calibration: Calibration
    report: ModelReport
    tuned: Tuned | None = None


def fit(
    db: duckdb.DuckDBPyConnection,
    folder: Path,
    now: datetime,
    *,
    seed: int,
    progress: Progress | None = None,
    choice: Choice | None = None,
    feedback: Feedback | None = None,
) -> FitReport:
    """Fit every model on the canonical views as of `now`, store them in `folder/<version>` and put that in service.

    Large portfolios are thinned by a hash of the customer to about 200,000 rows; a fifth of the customers (at most
    10,000) is kept apart to measure and calibrate on. `feedback`: what became of offers, to be learnt from. Raises
    `NothingToFitError` where the catalogue is empty, `UnfitInputError` where the model chosen cannot be fitted.
    """
    choice = choice or Choice()
    kinds = _kinds(choice.model)
    with _stage(progress, "reading what customers hold and use"):
        rows = max(kind.rows for kind in kinds.values())
        gathering = Gathering(db, now, seed, rows, choice.learning, feedback)
        material = gathering.material(windowed=choice.windowed)
    fitted = {}
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):  # small matrices: threads wait for one another longer than they work
        for name, kind in kinds.items():
            with _stage(progress, f"fitting {name}"):
                fitted[name] = _fit_one(kind, material, seed, choice)
        if choice.model == BLEND:
            with _stage(progress, f"fitting {BLEND}"):
                fitted[BLEND] = _blended(fitted, material)
    report = _report(material, fitted, Path(folder), (now, seed), choose(fitted, choice.model))
    with _stage(progress, "storing the models"):
        version = write_version(Path(folder), _files(report, material.schema, fitted), now)
    return replace(report, version=version, folder=Path(folder) / version)


def choose(fitted: Mapping[str, Fitted], asked: str | None = None) -> tuple[str, str]:
    """Which model serves, and why: the one `asked` for, else the preferred one, unless popularity measures better.

    Raises `UnfitInputError` where the one asked for could not be fitted.
    """
    baseline = fitted[BASELINE].report.quality
    if asked is not None:
        if fitted[asked].model is None:
            raise UnfitInputError(f"{asked} was asked for and cannot be fitted: {fitted[asked].report.note}")
        return asked, f"{asked} was asked for: {_measured(fitted[asked].report.quality, baseline)}"
    ranked = sorted((m.model.rank, name) for name, m in fitted.items() if m.model and m.model.rank is not None)
    if not ranked:
        return BASELINE, "no other model could be fitted"
    name = ranked[0][1]
    quality = fitted[name].report.quality
    if quality is None or baseline is None or quality.customers == 0:
        return BASELINE, "there is no held-out customer to prove a better model on"
    measured = _measured(quality, baseline)
    if baseline.mrr_at_3 > quality.mrr_at_3:
        return BASELINE, f"popularity measured better than {name}: {measured}"
    return name, f"{name} measured no worse than popularity: {measured}"


def _measured(quality: Quality | None, baseline: Quality | None) -> str:
    if quality is None or baseline is None or quality.customers == 0:
        return "there is no held-out customer to measure it on"
    return f"MRR@3 {quality.mrr_at_3:.3f} against {baseline.mrr_at_3:.3f} on {quality.customers} held-out customers"


def _kinds(asked: str | None) -> dict[str, type[Model]]:
    """The models a fit learns: those it learns unasked, the one asked for, and all of them for the blend."""
    if asked is not None and asked not in models():
        raise UnfitInputError(f"there is no model {asked}; there are {', '.join(models())}")
    return {
        name: kind for name, kind in models().items() if not kind.composed and (kind.served or asked in (name, BLEND))
    }


@contextmanager
def _stage(progress: Progress | None, stage: str) -> Iterator[None]:
    if progress:
        progress(stage, 0, 1)
    yield
    if progress:
        progress(stage, 1, 1)


def _fit_one(kind: type[Model], material: Material, seed: int, choice: Choice) -> Fitted:
    training = material.training
    rows = min(kind.rows, len(training.targets))
    note = kind.unavailable() or (f"only {rows} training rows" if rows < kind.least else "")
    if note:
        return _unfitted(kind.name, 0, note, material)
    try:
        if material.window is None:
            items, some = len(training.items), slice(rows)
            learnt = taken(training.targets[some], items, training.weight[some])
            return _told(kind.fit(learnt, training.features[some], seed=seed), rows, material)
        tuned = tune(material.window, kind, search=choice.tune)
    except UnfitInputError as error:
        return _unfitted(kind.name, rows, str(error), material)
    return _told(tuned.model, rows, material, tuned)


def _blended(fitted: Mapping[str, Fitted], material: Material) -> Fitted:
    """The blend of all that was fitted, by weights chosen on the window."""
    window = material.window
    parts = {name: one.tuned for name, one in fitted.items() if one.tuned and one.tuned.model.personal}
    if window is None or not len(window.targets):
        return _unfitted(BLEND, 0, "there are no rows to weigh its members on", material)
    try:
        members = {name: Calibrated(one.model, one.calibration) for name, one in parts.items()}
        shown = {name: one.window for name, one in parts.items()}
        model = Blend.of(members, shown, window.candidates, window.targets)
    except UnfitInputError as error:
        return _unfitted(BLEND, 0, str(error), material)
    return _told(model, len(material.training.targets), material)


def _unfitted(name: str, rows: int, note: str, material: Material) -> Fitted:
    return Fitted(None, uncalibrated(len(material.schema.items)), ModelReport(name, rows, None, note))


def _told(model: Model, rows: int, material: Material, tuned: Tuned | None = None) -> Fitted:
    """The model measured, and calibrated to be served."""
    apart = material.validation
    scores = model.scores(apart.features)
    quality, calibration = measure(scores, apart.candidates, apart.targets, apart.weight, apart.measured)
    settings = dict(tuned.settings) if tuned else {}
    return Fitted(model, calibration, ModelReport(model.name, rows, quality, settings=settings), tuned)


def _report(
    material: Material, fitted: Mapping[str, Fitted], folder: Path, drawn: tuple[datetime, int], chosen: tuple[str, str]
) -> FitReport:
    (now, seed), (served, why) = drawn, chosen
    blend = fitted[BLEND].model if BLEND in fitted else None
    weights = (
        {name: one.calibration.sharpness for name, one in blend.members.items()} if isinstance(blend, Blend) else {}
    )
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
        validation_customers=int(material.validation.measured.sum()),
        validation_set_aside=material.set_aside,
        fingerprint=material.found.as_dict(),
        problems=material.problems,
        half_life=material.window.half_life if material.window else 0.0,
        blend=weights,
        outcomes=material.outcomes,
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
