"""What is chosen before a trial, on its window and never on its test: settings, how fast the past fades, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.calibration import Calibration, calibrate, likelihood, uncalibrated
from recommender.errors import UnfitInputError
from recommender.model import Model, Settings, taken
from recommender.models import models

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from recommender.topk import Mask
    from recommender.trial import Trial

HALF_LIVES = (0.0, 365.0, 180.0, 90.0)
"""Days after which a training row weighs half; 0: never."""
PILOTS = ("logistic", "ease")
"""Models that say how fast the past fades: the first that can be fitted. Refitting all of them for it costs much and tells little."""
COMPARED = 200
"""Of larger catalogues this many items, drawn for each row, stand against the one taken: all of them do not fit into memory."""


class Lessons(Protocol):
    """Rows to learn from: a trial's (`trial.Trial`), or those of a fit (`material.Training`)."""

    @property
    def items(self) -> tuple[str, ...]:
        """The catalogue."""

    @property
    def features(self) -> csr_matrix:
        """Rows x features."""

    @property
    def targets(self) -> NDArray[np.int64]:
        """The item taken in each row."""

    @property
    def age(self) -> NDArray[np.float64]:
        """Days since each row."""

    @property
    def weight(self) -> NDArray[np.float32]:
        """What each row counts."""

    @property
    def window(self) -> Mask:
        """The rows settings are chosen on."""


@dataclass(frozen=True)
class Study:
    """The window of `trial`: where the answers are, what else could have been taken, and how much each row weighs.

    `drawn`: the items compared, where they are not all. `biased`: whether calibration may move an item as a whole.
    """

    trial: Lessons
    half_life: float
    seed: int
    targets: NDArray[np.int64]
    candidates: Mask
    drawn: NDArray[np.int64] | None
    biased: bool

    def fitted(self, kind: type[Model], settings: Settings, rows: Mask) -> Model:
        """The model learnt from these training rows, thinned to what it can take, the past fading."""
        chosen = np.flatnonzero(rows)
        if len(chosen) > kind.rows:
            chosen = np.sort(np.random.default_rng(self.seed).choice(chosen, kind.rows, replace=False))
        age = self.trial.age[chosen]
        weights = (
            fading(age - age.min(initial=np.inf), self.half_life if kind.personal else 0.0) * self.trial.weight[chosen]
        )
        interactions = taken(self.trial.targets[chosen], len(self.trial.items), weights)
        return kind.fit(interactions, self.trial.features[chosen], seed=self.seed, settings=settings)

    def foreseen(self, kind: type[Model], settings: Settings) -> NDArray[np.float32]:
        """Scores of the window's rows by the model learnt from the rows before it (of the items compared)."""
        model = self.fitted(kind, settings, ~self.trial.window)
        scores = model.scores(self.trial.features[self.trial.window])
        return scores if self.drawn is None else np.take_along_axis(scores, self.drawn, axis=1)

    def calibration(self, scores: NDArray[np.float32]) -> Calibration:
        """Sharpness and, in a catalogue compared as a whole, biases that make the window likeliest."""
        found = calibrate(scores, self.candidates, self.targets, biased=self.biased)
        return found if self.drawn is None else Calibration(found.sharpness, np.zeros(len(self.trial.items)))

    def logits(self, calibration: Calibration, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated scores of the items compared."""
        return calibration.logits(scores) if self.drawn is None else scores * np.float32(calibration.sharpness)


@dataclass(frozen=True)
class Tuned:
    """A model ready for the test: learnt from all training rows, with what was chosen on the window for it.

    `window`: its calibrated scores of the window, by the model that had not seen it; `loss` their mean negative
    log-likelihood.
    """

    model: Model
    calibration: Calibration
    settings: Settings
    window: NDArray[np.float32]
    loss: float

    def logits(self, trial: Trial) -> NDArray[np.float32]:
        """Calibrated scores of the test events."""
        return self.calibration.logits(self.model.scores(trial.test))


def fading(age: NDArray[np.float64], half_life: float) -> NDArray[np.float32]:
    """The weight of rows `age` days old: half after each half-life, at least a thousandth; all 1 where it is 0."""
    if not half_life:
        return np.ones(len(age), dtype=np.float32)
    return np.maximum(np.exp2(-age / half_life), 1e-3).astype(np.float32)


def study(trial: Trial, seed: int, *, biased: bool = True) -> Study:
    """Lay out the window and choose the half-life on it.

    Where the window does not know what could be taken but the test does, biases would learn the window's choice for
    preference: not `biased`, unless exposure makes up for it.
    """
    targets = trial.targets[trial.window]
    items, rows = len(trial.items), len(targets)
    every = np.arange(rows)
    drawn = None
    if items > COMPARED:
        drawn = np.random.default_rng(seed).integers(0, items, (rows, COMPARED))
        drawn[:, 0] = targets
    candidates = np.ones((rows, items if drawn is None else COMPARED), dtype=bool)
    if trial.choice is not None and drawn is None:
        candidates = trial.choice[trial.window].copy()
    elif not trial.given:
        held = trial.features[trial.window][:, :items].toarray() > 0
        candidates = ~held if drawn is None else ~np.take_along_axis(held, drawn, axis=1)
    if drawn is not None:
        candidates &= drawn != targets[:, None]
    answers = targets if drawn is None else np.zeros(rows, dtype=np.int64)
    candidates[every, answers] = True
    return faded(Study(trial, 0.0, seed, answers, candidates, drawn, biased and drawn is None))


def faded(plain: Study) -> Study:
    """The same with the half-life the first pilot that can be fitted finds likeliest; as it is where rows have no age."""
    if not plain.trial.age.any() or not len(plain.targets):
        return plain
    tried = [Study(**{**vars(plain), "half_life": days}) for days in HALF_LIVES]
    for name in PILOTS:
        kind = models()[name]
        if kind.unavailable():
            continue
        try:
            losses = [_tried(one, kind, {})[1] for one in tried]
        except UnfitInputError:
            continue
        return tried[int(np.argmin(losses))]
    return plain


def _tried(window: Study, kind: type[Model], settings: Settings) -> tuple[NDArray[np.float32], float]:
    """Scores of the window under these settings, and the loss they have when calibrated."""
    scores = window.foreseen(kind, settings)
    logits = window.logits(window.calibration(scores), scores)
    return scores, likelihood(logits, window.candidates, window.targets)


def tune(window: Study, kind: type[Model], *, search: bool = True) -> Tuned:
    """Choose one setting after the other on the window, then learn from all rows. Raises UnfitInputError.

    Without `search` the settings are the defaults, and the window calibrates alone.
    """
    if note := kind.unavailable():
        raise UnfitInputError(note)
    everything = np.ones(len(window.trial.targets), dtype=bool)
    if not window.trial.window.any():
        model, none = window.fitted(kind, {}, everything), np.zeros((0, len(window.trial.items)), dtype=np.float32)
        return Tuned(model, uncalibrated(len(window.trial.items)), {}, none, 0.0)
    best: dict[str, float] = {name: values[0] for name, values in kind.choices.items()}
    scores, loss = _tried(window, kind, best)
    for name, others in _others(kind) if search else ():
        for value in others:
            found, lower = _tried(window, kind, {**best, name: value})
            if lower < loss:
                scores, loss, best = found, lower, {**best, name: value}
    calibration = window.calibration(scores)
    return Tuned(window.fitted(kind, best, everything), calibration, best, window.logits(calibration, scores), loss)


def _others(kind: type[Model]) -> list[tuple[str, Sequence[float]]]:
    return [(name, values[1:]) for name, values in kind.choices.items()]
