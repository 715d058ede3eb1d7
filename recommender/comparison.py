"""Every model on one trial: how good each is, how sure one can be, and whether it beats popularity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.errors import UnfitInputError
from recommender.model import Model, taken
from recommender.models import models
from recommender.topk import METRICS, Interval, Mask, Values, by_event, first, interval, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.trial import Trial

BASELINE = "popularity"
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
    """What a trial showed. `not_fitted`: model and reason."""

    k: int
    items: int
    training_rows: int
    lines: tuple[Line, ...]
    not_fitted: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "k": self.k,
            "items": self.items,
            "training_rows": self.training_rows,
            "models": [line.as_dict() for line in self.lines],
            "not_fitted": self.not_fitted,
        }


def compare(trial: Trial, k: int, seed: int, progress: Progress = lambda _stage, _done, _total: None) -> Comparison:
    """Fit every model on the training rows and rank the candidates of every test event; best hit rate first."""
    ranked, not_fitted = {}, {}
    for number, (name, kind) in enumerate(models().items()):
        progress(f"fitting {name}", number, len(models()))
        try:
            scores = _scores(kind, trial, seed)
        except UnfitInputError as error:
            not_fitted[name] = str(error)
            continue
        ranked[name] = first(scores, trial.candidates, k)
    progress("measuring", len(models()), len(models()))
    values = {name: by_event(places, trial.relevant) for name, places in ranked.items()}
    lines = []
    for segment, rows in _segments(trial).items():
        draws = resampled(int(rows.sum()), seed)
        lines += [_line(name, segment, rows, values, ranked[name], len(trial.items), draws) for name in ranked]
    lines.sort(key=lambda line: (tuple(_segments(trial)).index(line.segment), -line.metrics["hr"].value, line.model))
    return Comparison(k, len(trial.items), len(trial.targets), tuple(lines), not_fitted)


def _scores(kind: type[Model], trial: Trial, seed: int) -> NDArray[np.float32]:
    """Scores of the test rows. Raises UnfitInputError where the model cannot be fitted here."""
    if note := kind.unavailable():
        raise UnfitInputError(note)
    size = len(trial.targets)
    chosen = np.arange(size)
    if size > kind.rows:
        chosen = np.sort(np.random.default_rng(seed).choice(size, kind.rows, replace=False))
    model = kind.fit(taken(trial.targets[chosen], len(trial.items)), trial.features[chosen], seed=seed)
    return model.scores(trial.test)


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
