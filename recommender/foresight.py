"""What each model says of the test events of a trial, before anybody looks at what was taken there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.calibration import Calibration, pool
from recommender.errors import UnfitInputError
from recommender.exposure import log_exposure
from recommender.models import models
from recommender.tuning import Study, Tuned, study, tune

if TYPE_CHECKING:
    from recommender.trial import Trial

BASELINE = "popularity"
BLEND = "blend"
Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Asked:
    """What to foresee with: `only` these models (None: all; popularity always), per `exposure` or not (None: where a
    file says what could be taken), and whether to `search` the settings or take the defaults.
    """

    only: Collection[str] | None = None
    exposure: bool | None = None
    search: bool = True

    def wants(self, name: str) -> bool:
        """Whether this model takes part: all do where the blend is asked for."""
        return self.only is None or BLEND in self.only or name in {*self.only, BASELINE}

    def of(self, trial: Trial) -> bool:
        """Whether this trial is scored per exposure: never where the choice of training rows is on record."""
        if trial.choice is not None:
            return False
        return trial.given if self.exposure is None else self.exposure


@dataclass(frozen=True)
class Foresight:
    """Logits of the test events by model (rows x items), and what was chosen on the window for them.

    `not_fitted`: model and reason. `half_life` in days, 0: no row fades.
    """

    logits: dict[str, NDArray[np.float32]]
    not_fitted: dict[str, str]
    half_life: float
    settings: dict[str, dict[str, float]]
    weights: dict[str, float]
    exposure: bool


def foresee(trial: Trial, seed: int, asked: Asked, progress: Progress = silent) -> Foresight:
    """Tune every model on the window of the trial and score its test events, with the blend of all beside them.

    Per exposure, all but the baseline lose the logarithm of it, and popularity is there once more. One thread, so that
    a seed gives one answer.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return _foreseen(trial, seed, asked, progress)


def _foreseen(trial: Trial, seed: int, asked: Asked, progress: Progress) -> Foresight:
    exposure = asked.of(trial)
    window = study(trial, seed, biased=exposure or trial.choice is not None or not trial.given)
    wanted = {name: kind for name, kind in models().items() if asked.wants(name) and not kind.composed}
    tuned: dict[str, Tuned] = {}
    not_fitted = {}
    for number, (name, kind) in enumerate(wanted.items()):
        progress(f"fitting {name}", number, len(wanted))
        try:
            tuned[name] = tune(window, kind, search=asked.search)
        except UnfitInputError as error:
            not_fitted[name] = str(error)
    progress("measuring", len(wanted), len(wanted))
    weights = _weights(window, tuned)
    logits = _logits(trial, tuned, weights)
    if exposure:
        rare = log_exposure(trial.candidates)
        per = {**logits, f"{BASELINE} per exposure": logits[BASELINE]}
        logits = {name: scores - rare for name, scores in per.items() if name != BASELINE} | {
            BASELINE: logits[BASELINE]
        }
    settings = {name: dict(one.settings) for name, one in tuned.items() if one.settings}
    shares = {name: weight.sharpness for name, weight in weights.items()}
    return Foresight(logits, not_fitted, window.half_life, settings, shares, exposure)


def _weights(window: Study, tuned: Mapping[str, Tuned]) -> dict[str, Calibration]:
    """How much each model counts in the blend; nothing where there is no window, or nothing to blend."""
    names = [name for name in tuned if name != BASELINE]
    if len(names) < 2 or not len(window.targets):
        return {}
    found = pool([tuned[name].window for name in names], window.candidates, window.targets, biased=window.biased)
    return dict(zip(names, found, strict=True))


def _logits(
    trial: Trial, tuned: Mapping[str, Tuned], weights: Mapping[str, Calibration]
) -> dict[str, NDArray[np.float32]]:
    """Calibrated scores by every model and their blend; the baseline's are as they were learnt."""
    logits = {name: one.logits(trial) for name, one in tuned.items() if name != BASELINE}
    if weights:
        items = len(trial.items)
        parts = [
            logits[name] * np.float32(one.sharpness) + (one.bias if len(one.bias) == items else 0)
            for name, one in weights.items()
        ]
        logits[BLEND] = np.sum(parts, axis=0, dtype=np.float32)
    return {**logits, BASELINE: tuned[BASELINE].model.scores(trial.test)}
