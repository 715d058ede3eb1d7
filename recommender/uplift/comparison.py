"""Every learner on the same customers: how well each ranks them, and whether any ranks better than the response model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recommender.uplift.curves import DEFINITION
from recommender.uplift.frame import Frame, same_features
from recommender.uplift.learner import Floats
from recommender.uplift.learners import learners
from recommender.uplift.measures import Measured, Tenth
from recommender.uplift.policy import Gain
from recommender.uplift.pooling import effects, gains, pooled, pooled_p
from recommender.uplift.rates import Effect, Span, rounded
from recommender.uplift.resampling import best_by_chance
from recommender.uplift.trial import Half, Plan, Progress, halves, silent, tried
from recommender.uplift.verdict import Verdict, judge

Splits = Sequence[Sequence[Half]]


@dataclass(frozen=True)
class Line:
    """One learner. `sd`: of its Qini over halves; `over_response`: its Qini less that of the better response model, with the
    adjusted p-value of it; `p_value` the same of the Qini itself. None for the response models, `worth` too."""

    name: str
    qini: Span
    sd: float | None
    auuc: Span
    p_value: float | None
    over_response: Span | None
    over_response_p: float | None
    best: Effect
    worth: Gain | None
    tenths: tuple[Tenth, ...]
    curve: tuple[tuple[float, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        over = None if self.over_response is None else {**self.over_response.as_dict(), "p_value": self.over_response_p}
        return {
            "learner": self.name,
            "source": learners()[self.name].source,
            "qini": {**self.qini.as_dict(), "sd": self.sd, "p_value": self.p_value},
            "auuc": self.auuc.as_dict(),
            "over_response": over,
            "best": {"rows": self.best.rows, "effect": self.best.difference.as_dict()},
            "worth_contacting": None if self.worth is None else self.worth.as_dict(),
            "tenths": [each.as_dict() for each in self.tenths],
            "curve": [list(point) for point in self.curve],
        }


@dataclass(frozen=True)
class Comparison:
    """What was found, the best Qini first; `scores` by learner, one a test row (of splits: the mean of those it was not learnt from)."""

    plan: Plan
    rows: Mapping[str, int]
    splits: int
    average: Effect
    lines: tuple[Line, ...]
    verdict: Verdict
    features: int
    left_out: Mapping[str, str]
    scores: Mapping[str, Floats]

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "definition": DEFINITION,
            "rows": dict(self.rows),
            "splits": self.splits,
            "seed": self.plan.seed,
            "draws": self.plan.draws,
            "best_share": self.plan.best,
            "least_effect": self.plan.money.least,
            "features": self.features,
            "left_out": dict(self.left_out),
            "average_effect": {
                "treated_rate": rounded(self.average.treated),
                "untreated_rate": rounded(self.average.untreated),
                **self.average.difference.as_dict(),
            },
            "verdict": self.verdict.as_dict(),
            "learners": [line.as_dict() for line in self.lines],
        }


def compare_files(
    train: Frame, test: Frame, plan: Plan, asked: Sequence[str] = (), progress: Progress = silent
) -> Comparison:
    """Learn from one table, test on the other. Raises UpliftError, UnfitInputError."""
    names = same_features(train, test, asked)
    half = tried(replace(train, names=names), test, plan, plan.seed, progress)
    rows = {"train": len(train), "test": len(test), "other_arms": train.dropped + test.dropped}
    return _compared([[half]], plan, rows, half.scores)


def compare_splits(frame: Frame, splits: int, plan: Plan, progress: Progress = silent) -> Comparison:
    """Cut the table into halves several times (seeds `seed`, `seed` + 1, ...), each half tried by models of the other."""
    made, total = [], {name: np.zeros(len(frame)) for name in plan.names}
    for number in range(splits):
        progress("splits", number, splits)
        seed = plan.seed + number
        one, other = halves(frame, seed)
        pair = [tried(frame.take(a), frame.take(b), plan, seed) for a, b in ((one, other), (other, one))]
        for name in plan.names:
            total[name][other] += pair[0].scores[name] / splits
            total[name][one] += pair[1].scores[name] / splits
        made.append(pair)
    progress("splits", splits, splits)
    return _compared(made, plan, {"data": len(frame), "other_arms": frame.dropped}, total)


def _compared(splits: Splits, plan: Plan, rows: Mapping[str, int], scores: Mapping[str, Floats]) -> Comparison:
    causal = [name for name in plan.names if learners()[name].causal]
    better = [_better_response(split, plan.names) for split in splits]
    over_nothing = _p_values(splits, causal, None)
    over_response = _p_values(splits, causal, better)
    lines = []
    for name in plan.names:
        lines.append(
            _line(name, splits, better if name in causal else None, over_nothing.get(name), over_response.get(name))
        )
    lines.sort(key=lambda line: (-line.qini.value, line.name))
    average = effects([[half.average for half in split] for split in splits])
    schema = splits[0][0].schema
    return Comparison(
        plan=plan, rows=rows, splits=len(splits), average=average, lines=tuple(lines),
        verdict=judge(average, lines), features=len(schema.columns), left_out=schema.left_out, scores=scores,
    )  # fmt: skip


def _qini(split: Sequence[Half], name: str) -> float:
    return float(np.mean([half.measured[name].qini for half in split]))


def _drawn(split: Sequence[Half], name: str) -> Floats:
    found: Floats = np.mean([half.draws[name].qini for half in split], axis=0)
    return found


def _better_response(split: Sequence[Half], names: Sequence[str]) -> str:
    """The response model with the higher Qini on the test rows themselves: the harder one to beat."""
    return max((name for name in names if not learners()[name].causal), key=lambda name: _qini(split, name))


def _p_values(splits: Splits, causal: Sequence[str], better: Sequence[str] | None) -> dict[str, float]:
    """Adjusted over the learners in each split, then pooled: of the Qini, or of what it has over the response model."""
    if not causal:
        return {}
    by_split = []
    for number, split in enumerate(splits):
        base = 0.0 if better is None else _qini(split, better[number])
        base_draws = 0.0 if better is None else _drawn(split, better[number])
        values = np.array([_qini(split, name) - base for name in causal])
        draws = np.column_stack([_drawn(split, name) - base_draws for name in causal])
        by_split.append(best_by_chance(values, draws))
    return {name: round(pooled_p([each[place] for each in by_split]), 6) for place, name in enumerate(causal)}


def _line(name: str, splits: Splits, better: Sequence[str] | None, p: float | None, over_p: float | None) -> Line:
    found: list[list[Measured]] = [[half.measured[name] for half in split] for split in splits]
    flat = [each for split in found for each in split]
    qini = pooled([_qini(split, name) for split in splits], [_drawn(split, name) for split in splits])
    auuc_draws = [np.mean([half.draws[name].auuc for half in split], axis=0) for split in splits]
    over = None
    if better is not None:
        pairs = list(zip(splits, better, strict=True))
        over = pooled(
            [_qini(split, name) - _qini(split, base) for split, base in pairs],
            [_drawn(split, name) - _drawn(split, base) for split, base in pairs],
        )
    worths = [[each.worth for each in split if each.worth is not None] for split in found]
    return Line(
        name=name,
        qini=qini,
        sd=rounded(float(np.std([each.qini for each in flat], ddof=1))) if len(flat) > 1 else None,
        auuc=pooled([float(np.mean([each.auuc for each in split])) for split in found], auuc_draws),
        p_value=p,
        over_response=over,
        over_response_p=over_p,
        best=effects([[each.best for each in split] for split in found]),
        worth=gains(worths) if worths[0] else None,
        tenths=tuple(
            _tenth([[each.tenths[place] for each in split] for split in found]) for place in range(len(flat[0].tenths))
        ),
        curve=_curve([each.curve for each in flat]),
    )


def _tenth(splits: Sequence[Sequence[Tenth]]) -> Tenth:
    score = float(np.mean([each.score for split in splits for each in split]))
    return Tenth(score, effects([[each.effect for each in split] for split in splits]))


def _curve(curves: Sequence[tuple[tuple[float, float], ...]]) -> tuple[tuple[float, float], ...]:
    mean = np.mean(np.array(curves), axis=0)
    return tuple((round(float(x), 4), round(float(y), 8)) for x, y in mean)
