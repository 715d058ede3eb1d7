"""What can go wrong in the recommender, and the way out of each."""

from __future__ import annotations

from pathlib import Path


class RecommenderError(Exception):
    """The recommender cannot do what it was asked."""


class NoModelError(RecommenderError):
    """No model has been fitted in this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no fitted model in {folder}: run `kairos recommend fit` first")
        self.folder = folder


class TornModelError(RecommenderError):
    """A stored model is incomplete or was changed after it was written."""

    def __init__(self, folder: Path, detail: str) -> None:
        super().__init__(
            f"the model in {folder} is torn ({detail}): run `kairos recommend fit` again, "
            f"or write the name of an intact version into {folder.parent / 'current'}"
        )
        self.folder = folder
        self.detail = detail


class NoVersionError(RecommenderError):
    """There is no such version to put into service."""

    def __init__(self, folder: Path, which: str, known: list[str]) -> None:
        there = f"there are {', '.join(known)}" if known else "run `kairos recommend fit` first"
        super().__init__(f"no version {which} in {folder}: {there}")


class StaleModelError(RecommenderError):
    """The facts are no longer those the model was fitted on."""

    def __init__(self, version: str, reasons: list[str]) -> None:
        super().__init__(f"the model {version} is stale ({'; '.join(reasons)}): run `kairos recommend fit`")
        self.reasons = reasons


class NothingToFitError(RecommenderError):
    """The facts hold nothing that could be recommended."""

    def __init__(self) -> None:
        super().__init__("there is no product to recommend: map `products` in sources.yaml to the catalogue")


class UpliftError(RecommenderError):
    """A file cannot be used for uplift models, or a stored one cannot be applied to it."""


class UnfitInputError(RecommenderError, ValueError):
    """A matrix handed to a model would be taken without complaint and give wrong scores."""


class TrialError(RecommenderError):
    """A file of interactions cannot be used for a trial of models."""


class EffectError(RecommenderError):
    """A file cannot be read as treatment and outcome; the message says where and what to change."""


class QualityError(RecommenderError):
    """What customers said of the service cannot be told, or not where it was asked for."""
