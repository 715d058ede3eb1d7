"""What a fit did: which models were tried, how well each did on customers it never saw, and which one serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from recommender.eligibility import EligibilityProblem
from recommender.evaluation import Quality


@dataclass(frozen=True)
class ModelReport:
    """One model: its quality on held-out customers (None where it was not fitted, `note` says why).

    `settings`: those chosen on a window, where they were.
    """

    name: str
    training_rows: int
    quality: Quality | None
    note: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As plain values; the figures are there only if the model was fitted."""
        if self.quality is None:
            return {"name": self.name, "note": self.note}
        told = {"name": self.name, "training_rows": self.training_rows, **self.quality.as_dict()}
        return {**told, "settings": dict(self.settings)} if self.settings else told


@dataclass(frozen=True)
class FitReport:
    """The whole fit. `available_rows` is how many training rows the facts hold, of which `training_rows` were drawn.

    `half_life`: days after which a row counts half, 0: never. `blend`: what each member's score is multiplied by.
    `outcomes`: how many offers ended how, where the ledger told of any.
    """

    version: str
    folder: Path
    now: datetime
    seed: int
    served: str
    why: str
    models: tuple[ModelReport, ...]
    items: int
    features: int
    training_rows: int
    available_rows: int
    validation_customers: int
    validation_set_aside: int
    fingerprint: Mapping[str, Any]
    problems: tuple[EligibilityProblem, ...]
    half_life: float = 0.0
    blend: Mapping[str, float] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON; shares and losses are of held-out customers."""
        return {
            "version": self.version,
            "folder": str(self.folder),
            **self.content(),
            "problems": [problem.as_dict() for problem in self.problems],
        }

    def content(self) -> dict[str, Any]:
        """What is stored with the model: everything that does not depend on where it is stored."""
        return {
            "now": self.now.isoformat(),
            "seed": self.seed,
            "served": self.served,
            "why": self.why,
            "models": [model.as_dict() for model in self.models if model.quality is not None],
            "not_fitted": [model.as_dict() for model in self.models if model.quality is None],
            "items": self.items,
            "features": self.features,
            "training_rows": self.training_rows,
            "available_rows": self.available_rows,
            "validation_customers": self.validation_customers,
            "validation_set_aside": self.validation_set_aside,
            "fingerprint": dict(self.fingerprint),
            "half_life_days": self.half_life,
            "blend": {name: round(weight, 6) for name, weight in self.blend.items()},
            "outcomes": dict(self.outcomes),
        }
