"""Every model on one trial: how good each is, how sure one can be, and whether it beats popularity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.folds import fold
from recommender.foresight import BASELINE, Asked, Foresight, Progress, foresee, silent
from recommender.reliability import Reliability, reliability
from recommender.topk import METRICS, Interval, Mask, Values, by_event, first, interval, novelty, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.trial import Trial


@dataclass(frozen=True)
class Line:
    """One model on the test events of one segment (`all`, `with history`, `new`).

    `over_popularity`: the mean paired difference of each metric, with its interval. `coverage`: share of the catalogue
    that is among anybody's first k. `novelty`: how surprising the first k are, in bits. `reliability` of its
    probabilities.
    """

    model: str
    segment: str
    events: int
    metrics: dict[str, Interval]
    over_popularity: dict[str, Interval]
    coverage: float
    novelty: float
    reliability: Reliability

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "model": self.model,
            "segment": self.segment,
            "events": self.events,
            **{name: value.as_dict() for name, value in self.metrics.items()},
            "over_popularity": {name: value.as_dict() for name, value in self.over_popularity.items()},
            "coverage": round(self.coverage, 4),
            "novelty": round(self.novelty, 4),
            **self.reliability.as_dict(),
        }


@dataclass(frozen=True)
class Comparison:
    """What a trial showed; what was chosen for it, see `Foresight`."""

    k: int
    items: int
    training_rows: int
    lines: tuple[Line, ...]
    not_fitted: dict[str, str]
    half_life: float
    settings: dict[str, dict[str, float]]
    weights: dict[str, float]
    exposure: bool
    folds: int

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
            "blend_weights": {name: round(weight, 4) for name, weight in self.weights.items()},
            "exposure": self.exposure,
            "folds": self.folds,
        }


def compare(
    trial: Trial, k: int, seed: int, progress: Progress = silent, *, asked: Asked | None = None, folds: int = 0
) -> Comparison:
    """Foresee the test events with every model `asked` for, and rank their candidates; best hit rate first.

    With `folds` the models learn from the test events themselves, in so many parts (`folds.fold`).
    """
    asked = asked or Asked()
    found = fold(trial, folds, seed, asked, progress) if folds else foresee(trial, seed, asked, progress)
    return Comparison(
        k=k,
        items=len(trial.items),
        training_rows=len(trial.targets),
        lines=measured(trial, found, k, seed),
        **{name: value for name, value in vars(found).items() if name != "logits"},
        folds=folds,
    )


def measured(trial: Trial, found: Foresight, k: int, seed: int) -> tuple[Line, ...]:
    """Each model on each segment of the test events."""
    ranked = {name: first(scores, trial.candidates, k) for name, scores in found.logits.items()}
    values = {name: by_event(places, trial.relevant) for name, places in ranked.items()}
    surprise = novelty(np.bincount(trial.targets, minlength=len(trial.items)))
    segments, lines = _segments(trial), []
    for segment, rows in segments.items():
        draws = resampled(int(rows.sum()), seed)
        for name, places in ranked.items():
            trusted = reliability(found.logits[name][rows], trial.candidates[rows], trial.relevant[rows])
            lines.append(_line(name, segment, rows, values, places, (surprise, draws), trusted))
    lines.sort(key=lambda line: (tuple(segments).index(line.segment), -line.metrics["hr"].value, line.model))
    return tuple(lines)


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
    shared: tuple[Values, NDArray[np.int64]],
    trusted: Reliability,
) -> Line:
    own, base, (surprise, draws) = values[name], values[BASELINE], shared
    offered = ranked[rows][ranked[rows] >= 0]
    return Line(
        model=name,
        segment=segment,
        events=int(rows.sum()),
        metrics={metric: interval(own[metric][rows], draws) for metric in METRICS},
        over_popularity={metric: interval((own[metric] - base[metric])[rows], draws) for metric in METRICS}
        if name != BASELINE
        else {},
        coverage=len(np.unique(offered)) / len(surprise),
        novelty=float(surprise[offered].mean()) if len(offered) else 0.0,
        reliability=trusted,
    )
