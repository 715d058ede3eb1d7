"""The other protocol: learn from the test events themselves, in parts, what each could have taken being on record.

For data whose training part does not say what a customer has or may take, but whose test part does. A part is foreseen
by models that learnt from the others; a user is in one part only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.foresight import Asked, Foresight, Progress, foresee, silent
from recommender.trial import Trial

if TYPE_CHECKING:
    from recommender.topk import Mask

FLAG = 1.0
"""What one product of the portfolio adds to a row, as much as all else that is known of it: it says most."""
WINDOW = 0.2


def fold(trial: Trial, folds: int, seed: int, asked: Asked, progress: Progress = silent) -> Foresight:
    """Foresee every test event from those of the other parts, what was not eligible counting as held.

    The half-life, settings and weights told are the first part's.
    """
    found: list[Foresight] = []
    parts = list(_parts(trial, folds, seed))
    for number, (_, part) in enumerate(parts):
        progress(f"part {number + 1}", number, folds)
        found.append(foresee(part, seed, asked))
    progress("measuring", folds, folds)
    names = [name for name in found[0].logits if all(name in each.logits for each in found)]
    logits = {name: np.zeros(trial.relevant.shape, dtype=np.float32) for name in names}
    for (rows, _), each in zip(parts, found, strict=True):
        for name in names:
            logits[name][rows] = each.logits[name]
    first = found[0]
    not_fitted = {name: why for each in found for name, why in each.not_fitted.items()}
    return Foresight(logits, not_fitted, first.half_life, first.settings, first.weights, False)


def _parts(trial: Trial, folds: int, seed: int) -> Iterator[tuple[NDArray[np.int64], Trial]]:
    from scipy.sparse import csr_matrix, hstack

    draw = np.random.default_rng(seed)
    of_person = draw.integers(0, folds, int(trial.person.max(initial=0)) + 1)
    part = of_person[trial.person]
    held = csr_matrix((~trial.candidates).astype(np.float32) * np.float32(FLAG))
    features = hstack([held, trial.test], format="csr", dtype=np.float32)
    event, item = np.nonzero(trial.relevant)
    for number in range(folds):
        rows = part[event] != number
        yield np.flatnonzero(part == number), _part(trial, features, (event[rows], item[rows]), part == number, draw)


def _part(
    trial: Trial,
    features: object,
    learnt: tuple[NDArray[np.int64], NDArray[np.int64]],
    own: Mask,
    draw: np.random.Generator,
) -> Trial:
    event, item = learnt
    known: Trial = trial
    return Trial(
        items=known.items,
        features=features[event],  # type: ignore[index]
        targets=item.astype(np.int64),
        age=np.zeros(len(event)),
        weight=np.ones(len(event), dtype=np.float32),
        window=draw.random(len(event)) < WINDOW,
        test=features[own],  # type: ignore[index]
        relevant=known.relevant[own],
        candidates=known.candidates[own],
        history=known.history[own],
        person=known.person[own],
        given=True,
        choice=known.candidates[event],
    )
