"""Every model on one trial: how good each is, how sure one can be, and whether it beats popularity."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.calibration import pool
from recommender.errors import UnfitInputError
from recommender.exposure import log_exposure
from recommender.models import models
from recommender.topk import METRICS, Interval, Mask, Values, by_event, first, interval, resampled
from recommender.tuning import Study, Tuned, study, tune

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.trial import Trial

BASELINE = "popularity"
BLEND = "blend"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Line:
    """One model on the test events of one segment (`all`, `with history`, `new`).

    `over_popularity`: the mean paired difference of each metric, with its interval. `coverage`: share of the catalogue
    that is among anybody's first k.
    """

    model: str
    segment: str
    events: int
    metrics: dict[str, Interval]
    over_popularity: dict[str, Interval]
    coverage: float

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "model": self.model,
            "segment": self.segment,
            "events": self.events,
            **{name: value.as_dict() for name, value in self.metrics.items()},
            "over_popularity": {name: value.as_dict() for name, value in self.over_popularity.items()},
            "coverage": round(self.coverage, 4),
        }


@dataclass(frozen=True)
class Comparison:
    """What a trial showed. `not_fitted`: model and reason. `half_life` (days, 0 none) and `settings` were chosen on the window."""

    k: int
    items: int
    training_rows: int
    lines: tuple[Line, ...]
    not_fitted: dict[str, str]
    half_life: float
    settings: dict[str, dict[str, float]]
    exposure: bool

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "k": self.k,
            "items": self.items,
            "training_rows": self.training_rows,
            "models": [line.as_dict() for line in self.lines],
            "not_fitted": self.not_fitted,
            "half_life_days": self.half_life,
            "settings": self.settings,
            "exposure": self.exposure,
        }


def compare(
    trial: Trial,
    k: int,
    seed: int,
    progress: Progress = lambda _stage, _done, _total: None,
    *,
    only: Collection[str] | None = None,
    exposure: bool | None = None,
) -> Comparison:
    """Tune every model (or `only` these, and popularity) on the window of the trial, and rank the candidates of every
    test event with them and with their blend; best hit rate first.

    With `exposure` (by default where a file says what could be taken) all but the baseline are scored per exposure,
    see `exposure.log_exposure`, and popularity once more. One thread, so that a seed gives one answer.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return _compared(trial, k, seed, progress, only, trial.given if exposure is None else exposure)


def _compared(
    trial: Trial, k: int, seed: int, progress: Progress, only: Collection[str] | None, exposure: bool
) -> Comparison:
    window = study(trial, seed, biased=exposure or not trial.given)
    wanted = {name: kind for name, kind in models().items() if only is None or name in {*only, BASELINE}}
    tuned: dict[str, Tuned] = {}
    not_fitted = {}
    for number, (name, kind) in enumerate(wanted.items()):
        progress(f"fitting {name}", number, len(wanted))
        try:
            tuned[name] = tune(window, kind)
        except UnfitInputError as error:
            not_fitted[name] = str(error)
    progress("measuring", len(wanted), len(wanted))
    logits = _logits(trial, window, tuned, exposure)
    ranked = {name: first(scores, trial.candidates, k) for name, scores in logits.items()}
    values = {name: by_event(places, trial.relevant) for name, places in ranked.items()}
    lines = []
    for segment, rows in _segments(trial).items():
        draws = resampled(int(rows.sum()), seed)
        lines += [_line(name, segment, rows, values, ranked[name], len(trial.items), draws) for name in ranked]
    lines.sort(key=lambda line: (tuple(_segments(trial)).index(line.segment), -line.metrics["hr"].value, line.model))
    settings = {name: dict(one.settings) for name, one in tuned.items() if one.settings}
    return Comparison(
        k, len(trial.items), len(trial.targets), tuple(lines), not_fitted, window.half_life, settings, exposure
    )


def _logits(trial: Trial, window: Study, tuned: Mapping[str, Tuned], exposure: bool) -> dict[str, NDArray[np.float32]]:
    """Calibrated scores of the test events by every model and their blend; the baseline's are as they were learnt."""
    logits = {name: one.logits(trial) for name, one in tuned.items() if name != BASELINE}
    plain = tuned[BASELINE].model.scores(trial.test)
    if len(logits) > 1 and len(window.targets):
        logits[BLEND] = blended(window, tuned, logits)
    if exposure:
        rare = log_exposure(trial.candidates)
        logits = {name: scores - rare for name, scores in {**logits, f"{BASELINE} per exposure": plain}.items()}
    return {**logits, BASELINE: plain}


def blended(
    window: Study, tuned: Mapping[str, Tuned], logits: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The sum of the models' logits, each with the weight that makes the window likeliest."""
    found = pool([tuned[name].window for name in logits], window.candidates, window.targets, biased=window.biased)
    total = sum(scores * np.float32(weight.sharpness) for weight, scores in zip(found, logits.values(), strict=True))
    return np.asarray(total + found[0].bias if window.biased else total, dtype=np.float32)


def _segments(trial: Trial) -> dict[str, Mask]:
    """All test events, and where there are both kinds, those of users known from training and of new ones."""
    everybody = np.ones(len(trial.history), dtype=bool)
    if trial.history.all() or not trial.history.any():
        return {"all": everybody}
    return {"all": everybody, "with history": trial.history, "new": ~trial.history}


def _line(
    name: str,
    segment: str,
    rows: Mask,
    values: dict[str, dict[str, Values]],
    ranked: NDArray[np.int64],
    items: int,
    draws: NDArray[np.int64],
) -> Line:
    own, base = values[name], values[BASELINE]
    offered = np.unique(ranked[rows])
    return Line(
        model=name,
        segment=segment,
        events=int(rows.sum()),
        metrics={metric: interval(own[metric][rows], draws) for metric in METRICS},
        over_popularity={metric: interval((own[metric] - base[metric])[rows], draws) for metric in METRICS}
        if name != BASELINE
        else {},
        coverage=float((offered >= 0).sum() / items),
    )
