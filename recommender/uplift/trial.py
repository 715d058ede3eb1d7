"""Learners fitted on some customers and tried on others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from recommender.errors import UnfitInputError, UpliftError
from recommender.uplift.curves import Coefficients
from recommender.uplift.features import Schema, fit_schema
from recommender.uplift.frame import Frame
from recommender.uplift.learner import Floats, Learner, check_rows
from recommender.uplift.learners import learners
from recommender.uplift.measures import Measured, Unseen, measure
from recommender.uplift.policy import Money
from recommender.uplift.propensity import estimated, share_treated
from recommender.uplift.rates import Effect
from recommender.uplift.resampling import DRAWS, drawn

Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Plan:
    """How learners are compared. `best`: the share whose effect is told; `estimate`: propensities come from the features."""

    names: tuple[str, ...]
    seed: int = 1
    draws: int = DRAWS
    best: float = 0.3
    money: Money = field(default_factory=Money)
    estimate: bool = False


@dataclass(frozen=True)
class Half:
    """What the learners did on the customers kept apart; scores are by learner, one a test row."""

    schema: Schema
    average: Effect
    scores: Mapping[str, Floats]
    measured: Mapping[str, Measured]
    draws: Mapping[str, Coefficients]


def plan_names(asked: tuple[str, ...]) -> tuple[str, ...]:
    """The learners asked for, all where none is, always with the response models they have to beat. Raises UpliftError."""
    known = learners()
    wrong = [name for name in asked if name not in known]
    if wrong:
        raise UpliftError(f"there is no learner {wrong[0]!r}; there are {', '.join(known)}")
    baselines = [name for name, kind in known.items() if not kind.causal]
    return tuple(known) if not asked else tuple(dict.fromkeys((*asked, *baselines)))


def tried(train: Frame, test: Frame, plan: Plan, seed: int, progress: Progress = silent) -> Half:
    """Fit on `train`, measure on `test`; both need columns of the same names. Raises UpliftError, UnfitInputError."""
    schema = fit_schema(train.table, train.names)
    known, new = schema.encode(train.table), schema.encode(test.table)
    propensity = propensities(train, known, plan, seed)
    scores = {}
    for number, name in enumerate(plan.names):
        progress(f"fitting {name}", number, len(plan.names))
        learner: Learner = learners()[name](seed)
        scores[name] = learner.fit(known, train.treatment, train.outcome, propensity).effect(new)
    tested = Unseen(test.treatment, test.outcome, propensities(test, new, plan, seed))
    _check(tested, new)
    progress("measuring", len(plan.names), len(plan.names))
    return Half(
        schema=schema,
        average=tested.average(),
        scores=scores,
        measured={
            name: measure(each, tested, best=plan.best, money=plan.money, causal=learners()[name].causal)
            for name, each in scores.items()
        },
        draws=drawn(scores, tested.treatment, tested.outcome, tested.weight, plan.draws, seed),
    )


def _check(tested: Unseen, features: Floats) -> None:
    try:
        check_rows(features, tested.treatment, tested.outcome, tested.propensity)
    except UnfitInputError as error:
        raise UpliftError(f"nothing can be told of the customers tested on: {error}") from error


def propensities(frame: Frame, features: Floats, plan: Plan, seed: int) -> Floats:
    """Those of the file, estimated ones where asked for, else the share treated."""
    if frame.propensity is not None:
        return frame.propensity
    if plan.estimate:
        return estimated(features, frame.treatment, seed)
    if frame.treatment.min() == frame.treatment.max():
        raise UpliftError(
            "everybody was treated, or nobody: keep some customers out by chance to learn what a contact does"
        )
    return share_treated(frame.treatment)


def halves(frame: Frame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two halves of the rows by chance: the first half of numpy's permutation under the seed, and the rest."""
    order = np.random.default_rng(seed).permutation(len(frame))
    return order[: len(frame) // 2], order[len(frame) // 2 :]
