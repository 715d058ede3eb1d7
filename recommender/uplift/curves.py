"""Qini and uplift curves of a ranking, and the areas under them, as scikit-uplift defines them.

Rows are taken in falling order of score, equal scores at once. After n rows, of whom nt treated with yt outcomes and nc
untreated with yc outcomes:

    Qini curve    yt - yc nt / nc           (Radcliffe 2007, Direct Marketing Analytics Journal 3)
    uplift curve  (yt / nt - yc / nc) n     (Devriendt, Guns, Verbeke 2020, arXiv 2002.05897)

with 0 for a rate of nobody. A coefficient is the area between curve and diagonal over the same of the perfect ranking,
which knows the outcomes: 0 for a ranking by chance, 1 at most. Other libraries divide otherwise: never compare across.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.uplift.learner import Floats

DEFINITION = (
    "area between curve and diagonal over that of the perfect ranking, negative effects included "
    "(scikit-uplift: qini_auc_score, uplift_auc_score)"
)
Cells = NDArray[np.float64]
"""Groups x 4: untreated without and with the outcome, treated without and with it; how many of each, best group first."""


@dataclass(frozen=True)
class Coefficients:
    """Qini coefficient and normalised area under the uplift curve, of one ranking or one a draw."""

    qini: Floats
    auuc: Floats


def cells_of(group: NDArray[np.int64], treatment: Floats, outcome: Floats, weight: Floats | None = None) -> Cells:
    """Count the rows of each group, numbered from the best."""
    code = 4 * group + (2 * treatment + outcome).astype(np.int64)
    size = 4 * (int(group.max()) + 1)
    counted: Cells = np.bincount(code, weights=weight, minlength=size).reshape(-1, 4).astype(np.float64)
    return counted


def groups_of(scores: Floats, most: int | None = None) -> NDArray[np.int64]:
    """The group of each row: equal scores together, the best first; neighbours share a group where `most` is said."""
    distinct, place, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    if most is None or len(distinct) <= most:
        return place.astype(np.int64)
    middle = np.cumsum(counts) - counts / 2
    coarse = np.minimum((middle * most / len(scores)).astype(np.int64), most - 1)
    return np.unique(coarse, return_inverse=True)[1].astype(np.int64)[place]


def qini_curve(cells: Cells) -> tuple[Floats, Floats]:
    """Rows taken, and outcomes gained over the untreated, after each group; (0, 0) first. Cells may have leading draws."""
    rows, nc, yc, nt, yt = _running(cells)
    return rows, yt - yc * _over(nt, nc)


def uplift_curve(cells: Cells) -> tuple[Floats, Floats]:
    """Rows taken, and the difference in rates among them times their number; (0, 0) first."""
    rows, nc, yc, nt, yt = _running(cells)
    return rows, (_over(yt, nt) - _over(yc, nc)) * rows


def coefficients(cells: Cells) -> Coefficients:
    """Both coefficients of a ranking; cells draws x groups x 4 give one a draw. NaN where no ranking could be better."""
    total = cells.sum(axis=-2)
    qini = _over_perfect(_area(*qini_curve(cells)), _area(*qini_curve(_ideal(total, (3,), (0, 2), (1,)))))
    yes_control, no_treated = _ideal(total, (3,), (0,), (1,), (2,)), _ideal(total, (3,), (0,), (2,), (1,))
    more = total[..., 1] > total[..., 2]
    best = np.where(more, _area(*uplift_curve(yes_control)), _area(*uplift_curve(no_treated)))
    return Coefficients(qini, _over_perfect(_area(*uplift_curve(cells)), best))


def _ideal(total: Floats, *order: tuple[int, ...]) -> Cells:
    """Cells of a ranking that takes the kinds of rows one after the other."""
    made = np.zeros((*total.shape[:-1], len(order), 4))
    for place, kinds in enumerate(order):
        made[..., place, kinds] = total[..., kinds]
    return made


def _running(cells: Cells) -> tuple[Floats, ...]:
    added = np.cumsum(cells, axis=-2)
    start = np.zeros((*added.shape[:-2], 1, 4))
    none_c, some_c, none_t, some_t = np.moveaxis(np.concatenate([start, added], axis=-2), -1, 0)
    return none_c + some_c + none_t + some_t, none_c + some_c, some_c, none_t + some_t, some_t


def _over(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _area(rows: Floats, value: Floats) -> Floats:
    """Between the curve and its diagonal."""
    under = (np.diff(rows, axis=-1) * (value[..., 1:] + value[..., :-1]) / 2).sum(axis=-1)
    found: Floats = under - rows[..., -1] * value[..., -1] / 2
    return found


def _over_perfect(area: Floats, perfect: Floats) -> Floats:
    return np.divide(area, perfect, out=np.full_like(np.asarray(area), np.nan), where=np.abs(perfect) > 1e-12)
