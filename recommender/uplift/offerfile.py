"""Files about offers: read, checked, and told as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import UpliftError
from recommender.uplift.frame import Columns, Frame, read_frame
from recommender.uplift.interleaving import preference_of
from recommender.uplift.offers import effects_by, fatigue

MOST = 100
"""Values of a column that could be an offer or a segment; more are ids."""


def offer_report(
    path: Path,
    treatment: tuple[str, str | None, str | None],
    outcome: str,
    offer: str,
    segment: str | None,
    exposure: str | None,
) -> dict[str, Any]:
    """Effects by offer, by segment, by both, and by exposure where the columns are named. Raises UpliftError."""
    named = [name for name in (offer, segment, exposure) if name]
    frame = read_frame(path, Columns(outcome, *treatment, features=tuple(named)))
    words = {name: _words(frame, name, path) for name in (offer, segment) if name}
    groups = [(name,) for name in words] + ([tuple(words)] if len(words) > 1 else [])
    effects = {
        ", ".join(each): effects_by({name: words[name] for name in each}, frame.treatment, frame.outcome)
        for each in groups
    }
    report: dict[str, Any] = {"file": str(path), "rows": len(frame)}
    report["effects"] = {name: found.as_dict() for name, found in effects.items()}
    if exposure:
        report["fatigue"] = fatigue(_times(frame, exposure, path), frame.treatment, frame.outcome).as_dict()
    return report


def interleaving_report(path: Path, customer: str, team: str, taken: str) -> dict[str, Any]:
    """Who was voted for, by the two values of `team` in order. Raises UpliftError."""
    frame = read_frame(path, Columns(taken, features=(customer, team)))
    words = _words(frame, team, path)
    models = sorted(set(words))
    if len(models) != 2:
        raise UpliftError(f"{path}: {team} has the values {', '.join(models)}; an interleaved list is of two models")
    people, place = np.unique(_text(frame, customer), return_inverse=True)
    votes = [np.bincount(place, weights=frame.outcome * (words == model), minlength=len(people)) for model in models]
    found = preference_of(*(each.astype(np.int64) for each in votes))
    verdict = found.verdict
    for which, model in zip(("first", "second"), models, strict=True):
        verdict = verdict.replace(f"the {which} model's", f"{model}'s")
    return {"file": str(path), "models": models, **found.as_dict(), "verdict": verdict}


def _text(frame: Frame, name: str) -> NDArray[np.object_]:
    import pyarrow as pa

    column = frame.table[name].cast(pa.string()).to_pandas().fillna("(missing)")
    found: NDArray[np.object_] = column.to_numpy(dtype=object)
    return found


def _words(frame: Frame, name: str, path: Path) -> NDArray[np.object_]:
    found = _text(frame, name)
    count = len(set(found))
    if count > MOST:
        raise UpliftError(f"{path}: {name} has {count:,} values; name a column with at most {MOST}")
    return found


def _times(frame: Frame, name: str, path: Path) -> NDArray[np.int64]:
    import pyarrow as pa

    try:
        values: NDArray[np.int64] = frame.table[name].cast(pa.int64()).combine_chunks().to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UpliftError(f"{path}: {name} is no whole number in every row: {error}") from error
    if frame.table[name].null_count or values.min() < 1 or len(np.unique(values)) > MOST:
        raise UpliftError(f"{path}: {name} says which time it was, from 1 to {MOST}, in every row")
    return values
