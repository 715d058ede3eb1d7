"""Which offer helps this customer: fitted on what customers hold and use, served with a probability and a reason."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.eligibility import EligibilityProblem, check_eligibility
    from recommender.errors import NoModelError, NothingToFitError, RecommenderError, TornModelError, UnfitInputError
    from recommender.fitting import fit
    from recommender.report import FitReport, ModelReport
    from recommender.serving import Recommender, load

_HOMES = {
    "EligibilityProblem": "eligibility",
    "FitReport": "report",
    "ModelReport": "report",
    "NoModelError": "errors",
    "NothingToFitError": "errors",
    "Recommender": "serving",
    "RecommenderError": "errors",
    "TornModelError": "errors",
    "UnfitInputError": "errors",
    "check_eligibility": "eligibility",
    "fit": "fitting",
    "load": "serving",
}

__all__ = [
    "EligibilityProblem",
    "FitReport",
    "ModelReport",
    "NoModelError",
    "NothingToFitError",
    "Recommender",
    "RecommenderError",
    "TornModelError",
    "UnfitInputError",
    "check_eligibility",
    "fit",
    "load",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use, so that linting a workspace loads no numerics."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"recommender.{_HOMES[name]}"), name)
