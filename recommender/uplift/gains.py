"""Who answers first, where nobody was left out: a ranking by response, and how much of the response its best reach.

Without a control group nothing is said about what a contact causes. The cumulative gains curve tells the share of all
outcomes among the best share of the customers; the area under it is 0.5 by chance (ALIFT in Moro, Cortez, Rita 2014,
Decision Support Systems 62).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.errors import UnfitInputError
from recommender.uplift.bases import Predict, boosted_rate, linear_rate
from recommender.uplift.curves import Cells, cells_of, groups_of
from recommender.uplift.features import fit_schema
from recommender.uplift.frame import Frame
from recommender.uplift.learner import LEAST, Floats, one_thread
from recommender.uplift.pooling import pooled
from recommender.uplift.rates import Span
from recommender.uplift.resampling import DRAWS, GROUPS, counts_of
from recommender.uplift.trial import Progress, halves, silent

REACHED = 0.5
WORDS = (
    "nobody was left out: this ranks by who answers, and says nothing of what a contact causes",
    "keep some customers out by chance (a holdout) to learn whom a contact changes",
)


@dataclass(frozen=True)
class Gains:
    """One model: area under its cumulative gains curve, and the share of all outcomes among its better half."""

    name: str
    area: Span
    reached: Span

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"learner": self.name, "gains": self.area.as_dict(), "reached_by_half": self.reached.as_dict()}


@dataclass(frozen=True)
class Ranking:
    """What was found, the best first; `scores` by model, one a test row."""

    rows: Mapping[str, int]
    splits: int
    rate: float
    lines: tuple[Gains, ...]
    left_out: Mapping[str, str]
    scores: Mapping[str, Floats]

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "definition": "area under the cumulative gains curve: 0.5 by chance, 1 less half the rate at most",
            "rows": dict(self.rows),
            "splits": self.splits,
            "rate": round(self.rate, 6),
            "left_out": dict(self.left_out),
            "verdict": {"finding": "ranked by response only", "words": list(WORDS)},
            "learners": [line.as_dict() for line in self.lines],
        }


def rank_files(train: Frame, test: Frame, seed: int, draws: int = DRAWS) -> Ranking:
    """Learn from one table, rank the other. Raises UpliftError, UnfitInputError."""
    scores, left_out = _scores(train, test, seed)
    lines = [_line(name, [(each, test.outcome)], seed, draws) for name, each in scores.items()]
    return _ranking({"train": len(train), "test": len(test)}, 1, test, lines, (left_out, scores))


def rank_splits(frame: Frame, splits: int, seed: int, draws: int = DRAWS, progress: Progress = silent) -> Ranking:
    """Learn from one half and rank the other, several times (seeds `seed`, `seed` + 1, ...)."""
    tried: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in MODELS}
    total = {name: np.zeros(len(frame)) for name in MODELS}
    left_out: Mapping[str, str] = {}
    for number in range(splits):
        progress("splits", number, splits)
        one, other = halves(frame, seed + number)
        for known, new in ((one, other), (other, one)):
            scores, left_out = _scores(frame.take(known), frame.take(new), seed + number)
            for name, each in scores.items():
                tried[name].append((each, frame.outcome[new]))
                total[name][new] += each / splits
    lines = [_line(name, each, seed, draws) for name, each in tried.items()]
    return _ranking({"data": len(frame)}, splits, frame, lines, (left_out, total))


def area(cells: Cells) -> Floats:
    """Under the cumulative gains curve; of several draws one each."""
    rows, found = _shares(cells)
    under: Floats = (np.diff(rows, axis=-1) * (found[..., 1:] + found[..., :-1]) / 2).sum(axis=-1)
    return under


def reached(cells: Cells, share: float = REACHED) -> Floats:
    """Share of all outcomes among the best `share` of the rows; of several draws one each."""
    rows, found = _shares(cells)
    flat = zip(rows.reshape(-1, rows.shape[-1]), found.reshape(-1, rows.shape[-1]), strict=True)
    return np.array([np.interp(share, x, y) for x, y in flat]).reshape(rows.shape[:-1])


def _linear(features: Floats, outcome: Floats, _seed: int) -> Predict:
    return linear_rate(features, outcome).rate


MODELS: Mapping[str, Callable[[Floats, Floats, int], Predict]] = {"response": _linear, "response-boosted": boosted_rate}


def _scores(train: Frame, test: Frame, seed: int) -> tuple[dict[str, Floats], Mapping[str, str]]:
    fewest = int(min(train.outcome.sum(), (1 - train.outcome).sum()))
    if fewest < LEAST:
        raise UnfitInputError(f"{fewest} rows with or without the outcome: at least {LEAST} of each are needed")
    schema = fit_schema(train.table, train.names)
    known, new = schema.encode(train.table), schema.encode(test.table)
    with one_thread():
        return {name: model(known, train.outcome, seed)(new) for name, model in MODELS.items()}, schema.left_out


def _line(name: str, tried: list[tuple[Floats, Floats]], seed: int, draws: int) -> Gains:
    areas, halves_ = [], []
    for scores, outcome in tried:
        rng = np.random.default_rng(seed)
        group, ones = groups_of(scores, GROUPS), np.ones(len(outcome))
        cells = np.stack([cells_of(group, ones, outcome, counts_of(len(outcome), rng)) for _ in range(draws)])
        exact = cells_of(groups_of(scores), ones, outcome)
        areas.append((float(area(exact)), area(cells)))
        halves_.append((float(reached(exact)), reached(cells)))
    return Gains(name, *(pooled([v for v, _ in each], [d for _, d in each]) for each in (areas, halves_)))


def _ranking(
    rows: Mapping[str, int],
    splits: int,
    test: Frame,
    lines: list[Gains],
    rest: tuple[Mapping[str, str], Mapping[str, Floats]],
) -> Ranking:
    lines.sort(key=lambda line: -line.area.value)
    return Ranking(rows, splits, float(test.outcome.mean()), tuple(lines), *rest)


def _shares(cells: Cells) -> tuple[Floats, Floats]:
    added = np.cumsum(cells, axis=-2)
    start = np.zeros((*added.shape[:-2], 1, 4))
    whole = np.concatenate([start, added], axis=-2)
    rows, outcomes = whole.sum(axis=-1), whole[..., 1] + whole[..., 3]
    return rows / rows[..., -1:], outcomes / np.maximum(outcomes[..., -1:], 1e-12)
