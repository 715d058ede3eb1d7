"""An uplift model in service: a versioned folder under its name, applied to any table with the columns it was fitted on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.errors import NoModelError, TornModelError, UpliftError
from recommender.store import as_json, packed, read_version, unpacked, write_version
from recommender.uplift.features import Schema, fit_schema
from recommender.uplift.frame import Frame
from recommender.uplift.learner import Floats, Served
from recommender.uplift.learners import learners
from recommender.uplift.trial import Plan, propensities

if TYPE_CHECKING:
    import pyarrow as pa

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
BLOCK = 100_000
"""Rows laid out as features at once: memory does not grow with the table."""


@dataclass(frozen=True)
class UpliftModel:
    """A fitted learner with the features it knows; `report`: what was measured when it was fitted."""

    learner: Served
    schema: Schema
    report: Mapping[str, Any]
    version: str = ""

    def effect(self, table: pa.Table) -> Floats:
        """What a contact adds to the probability of the outcome, one number a row. Raises UpliftError for lacking columns."""
        starts = range(0, max(table.num_rows, 1), BLOCK)
        return np.concatenate([self.learner.effect(self.schema.encode(table.slice(each, BLOCK))) for each in starts])


def fit_model(frame: Frame, name: str, plan: Plan, report: Mapping[str, Any]) -> UpliftModel:
    """Fit a learner on all rows of a frame. Raises UpliftError where the learner cannot be served."""
    kind = learners()[name]
    if not issubclass(kind, Served) or not kind.causal:
        raise UpliftError(f"{name} cannot be served; these can: {', '.join(servable())}")
    schema = fit_schema(frame.table, frame.names)
    features = schema.encode(frame.table)
    propensity = propensities(frame, features, plan, plan.seed)
    learner = kind(plan.seed).fit(features, frame.treatment, frame.outcome, propensity)
    return UpliftModel(learner, schema, report)


def servable() -> list[str]:
    """The learners whose effects can be stored and served: linear in the end, a few numbers anybody can read."""
    return [name for name, kind in learners().items() if issubclass(kind, Served) and kind.causal]


def save(model: UpliftModel, folder: Path, name: str, now: datetime) -> str:
    """Write a version into `folder/<name>` and put it in service; gives the version. The same fit has the same name."""
    if not NAME.fullmatch(name):
        raise UpliftError(f"{name!r} is no name of a model: small letters, digits and hyphens, e.g. renewal-call")
    files = {
        "learner.npz": packed(model.learner.arrays()),
        "schema.json": as_json(model.schema.as_dict()),
        "report.json": as_json({"learner": model.learner.name, **model.report}),
    }
    return write_version(folder / name, files, now)


def load(folder: Path, name: str) -> UpliftModel:
    """The model of this name in service, every byte checked; needs no scikit-learn. Raises UpliftError."""
    try:
        version, files = read_version(folder / name)
    except NoModelError:
        there = sorted(each.parent.name for each in folder.glob("*/current"))
        told = f"there are {', '.join(there)}" if there else "there is none yet"
        raise UpliftError(
            f"no uplift model {name!r}; {told}: fit one with `kairos uplift model --save {name}`"
        ) from None
    except TornModelError as error:
        raise UpliftError(
            f"the uplift model in {error.folder} is torn ({error.detail}): save it again, or write the name of an intact "
            f"version into {folder / name / 'current'}"
        ) from error
    report = json.loads(files["report.json"])
    kind = learners().get(report["learner"])
    if kind is None or not issubclass(kind, Served):
        raise UpliftError(
            f"the uplift model {name!r} is of the learner {report['learner']!r}; this release has {', '.join(servable())}"
        )
    schema = Schema.from_dict(json.loads(files["schema.json"]))
    return UpliftModel(kind.restore(unpacked(files["learner.npz"])), schema, report, version)
