"""The fitted versions of a folder: when, how good, which one serves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recommender.errors import NoModelError, TornModelError
from recommender.store import CURRENT, read_files, versions


@dataclass(frozen=True)
class Version:
    """One version. `served` is the model it serves, `mrr_at_3` that model's on customers held out (0 without any);
    `torn` says what is wrong with its files, empty: nothing.
    """

    version: str
    current: bool
    now: str
    served: str
    mrr_at_3: float
    training_rows: int
    torn: str

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def inventory(folder: Path) -> list[Version]:
    """Every version in the folder, the newest first. Raises `NoModelError` where there is none."""
    names = versions(folder)
    if not names:
        raise NoModelError(folder)
    pointer = folder / CURRENT
    current = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""
    return [_version(folder / name, name == current) for name in reversed(names)]


def _version(place: Path, current: bool) -> Version:
    try:
        metrics = json.loads(read_files(place)["metrics.json"])
    except TornModelError as error:
        return Version(place.name, current, "", "", 0.0, 0, error.detail)
    quality = {model["name"]: model["mrr_at_3"] for model in metrics["models"]}
    served = metrics["served"]
    return Version(place.name, current, metrics["now"], served, quality.get(served, 0.0), metrics["training_rows"], "")
