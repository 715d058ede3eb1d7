"""What a fit learns from and is measured on: customers' products, hidden one by one, and what came of offers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.audience import audience, described, portfolio
from recommender.candidates import Rules
from recommender.catalogue import item_ids, read_catalogue
from recommender.eligibility import EligibilityProblem
from recommender.errors import NothingToFitError
from recommender.features import FeatureSchema, fit_features
from recommender.interactions import (
    Fingerprint,
    Split,
    fingerprint,
    outcome_rows,
    split,
    training_rows,
    validation_rows,
)
from recommender.learning import Learning
from recommender.outcomes import NO, Feedback, judge, voted, weights_of
from recommender.tuning import Study, faded

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from scipy.sparse import csr_matrix

    from recommender.topk import Mask

WINDOW, MOST_WINDOW = 0.1, 10_000
"""Share of the training rows that settings are chosen on, and how many of them at most."""
OF_OUTCOMES = 4
"""Outcomes of offers make up at most one in so many of the rows drawn."""


@dataclass(frozen=True)
class Training:
    """Rows to learn from (`tuning.Lessons`): features, the item taken, what the row counts, days since, and the window."""

    items: tuple[str, ...]
    features: csr_matrix
    targets: NDArray[np.int64]
    weight: NDArray[np.float32]
    age: NDArray[np.float64]
    draw: NDArray[np.int64]
    window: Mask


@dataclass(frozen=True)
class Validation:
    """Rows of customers kept apart: features, the item taken, what could have been offered, what the row counts.

    `measured`: the latest product of each, which quality is told of; what came of offers calibrates alone.
    """

    features: csr_matrix
    targets: NDArray[np.int64]
    candidates: Mask
    weight: NDArray[np.float64]
    measured: Mask


@dataclass(frozen=True)
class Material:
    """All there is to fit with. `window`: where settings are chosen, if asked for.

    `set_aside`: held-out customers whose hidden product could not be offered to them. `outcomes`: how many offers ended how.
    """

    found: Fingerprint
    schema: FeatureSchema
    training: Training
    validation: Validation
    window: Study | None
    set_aside: int
    outcomes: dict[str, int]
    problems: tuple[EligibilityProblem, ...]


@dataclass(frozen=True)
class Gathering:
    """How material is gathered: the facts as of `now`, what is on record of offers, and the draw."""

    db: duckdb.DuckDBPyConnection
    now: datetime
    seed: int
    rows: int
    learning: Learning = field(default_factory=Learning)
    feedback: Feedback | None = None

    def material(self, *, windowed: bool) -> Material:
        """Draw the rows. Raises `NothingToFitError` where the catalogue is empty."""
        items = item_ids(self.db)
        if not items:
            raise NothingToFitError
        found = fingerprint(self.db, self.now)
        shares = split(found, self.rows)
        ended = judge(self.db, self.feedback, self.learning, self.now) if self.feedback else {}
        asked = training_rows(self.db, self.now, shares, rows=self.rows, seed=self.seed)
        with audience(self.db, asked, self.now):
            profile, held = described(self.db), portfolio(self.db)
        schema = fit_features(profile, items)
        rules = Rules(self.db, read_catalogue(self.db, items))
        training = _organic(asked, schema.encode(profile, held), items)
        window = None
        if windowed:
            training = _with_window(training, asked)
            window = self._study(training, asked, rules)
        validation, aside = self._apart(shares, schema, rules)
        if ended:
            popular = np.bincount(training.targets, minlength=len(items)).astype(np.float64)
            training = self._with_outcomes(training, shares, schema, rules, popular)
            validation = self._calibrating(validation, shares, schema, rules, popular)
            window = window and replace(window, trial=training)
            self.db.execute("DROP TABLE IF EXISTS recommender_outcomes")
        if window is not None:
            window = faded(window)
        return Material(found, schema, training, validation, window, aside, ended, tuple(rules.problems))

    def _study(self, training: Training, asked: pa.Table, rules: Rules) -> Study:
        """The window: rows whose product could not be offered today teach, but choose nothing."""
        import pyarrow as pa

        at = np.flatnonzero(training.window)
        some = asked.take(pa.array(at)).set_column(0, "row", [pa.array(np.arange(len(at)))])
        with audience(self.db, some, self.now):
            candidates = rules.candidates(self.db, some.num_rows)
        targets = training.targets[at]
        candidates[np.arange(len(at)), targets] = True
        return Study(training, 0.0, self.seed, targets, candidates, None, biased=True)

    def _apart(self, shares: Split, schema: FeatureSchema, rules: Rules) -> tuple[Validation, int]:
        """Rows to measure on; those whose hidden product could not be offered to them today are set aside and counted."""
        asked = validation_rows(self.db, self.now, shares, seed=self.seed)
        features, candidates = self._described(asked, schema, rules)
        targets = _places(asked, schema.items)
        kept = candidates[np.arange(len(targets)), targets]
        ones = np.ones(int(kept.sum()))
        return Validation(features[kept], targets[kept], candidates[kept], ones, ones > 0), int((~kept).sum())

    def _described(self, asked: pa.Table, schema: FeatureSchema, rules: Rules) -> tuple[csr_matrix, Mask]:
        with audience(self.db, asked, self.now):
            return schema.encode(described(self.db), portfolio(self.db)), rules.candidates(self.db, asked.num_rows)

    def _outcomes(
        self, shares: Split, schema: FeatureSchema, rules: Rules, popular: NDArray[np.float64], *, apart: bool
    ) -> tuple[Validation, pa.Table]:
        """What offers taught, each as of when it was made, laid out as rows; and where each comes from."""
        import pyarrow as pa
        import pyarrow.compute as pc

        asked = outcome_rows(self.db, shares, apart=apart, rows=self.rows // OF_OUTCOMES, seed=self.seed)
        features, candidates = self._described(asked, schema, rules)
        against = pc.is_in(asked["outcome"], value_set=pa.array(NO)).to_numpy(zero_copy_only=False).astype(bool)
        rows, targets, share = voted(_places(asked, schema.items), against, candidates, popular, self.seed)
        candidates = candidates[rows]
        candidates[np.arange(len(rows)), targets] = True
        weight = weights_of(self.learning, asked)[rows] * share
        made = Validation(features[rows], targets, candidates, weight, np.zeros(len(rows), dtype=bool))
        return made, asked.take(pa.array(rows))

    def _with_outcomes(
        self, training: Training, shares: Split, schema: FeatureSchema, rules: Rules, popular: NDArray[np.float64]
    ) -> Training:
        """The training rows and what offers to the same customers taught, in the order of the draw.

        Customers settings are chosen on stay out of it.
        """
        from scipy.sparse import vstack

        made, asked = self._outcomes(shares, schema, rules, popular, apart=False)
        draw = asked["draw"].to_numpy()
        age = np.array(
            [(self.now - at).total_seconds() / 86_400 for at in asked["seen_at"].to_pylist()], dtype=np.float64
        )
        kept = (made.weight > 0) & ~np.isin(draw, training.draw[training.window])
        draws = np.concatenate([training.draw, draw[kept]])
        order = np.argsort(-draws, kind="stable")
        return Training(
            items=training.items,
            features=vstack([training.features, made.features[kept]], format="csr")[order],
            targets=np.concatenate([training.targets, made.targets[kept]])[order],
            weight=np.concatenate([training.weight, made.weight[kept].astype(np.float32)])[order],
            age=np.concatenate([training.age, age[kept]])[order],
            draw=draws[order],
            window=np.concatenate([training.window, np.zeros(int(kept.sum()), dtype=bool)])[order],
        )

    def _calibrating(
        self, known: Validation, shares: Split, schema: FeatureSchema, rules: Rules, popular: NDArray[np.float64]
    ) -> Validation:
        """Calibration hears the outcomes of customers kept apart, too: else it would put right again what offers taught."""
        from scipy.sparse import vstack

        made, _ = self._outcomes(shares, schema, rules, popular, apart=True)
        return Validation(
            vstack([known.features, made.features], format="csr"),
            np.concatenate([known.targets, made.targets]),
            np.concatenate([known.candidates, made.candidates]),
            np.concatenate([known.weight, made.weight]),
            np.concatenate([known.measured, made.measured]),
        )


def _organic(asked: pa.Table, features: csr_matrix, items: tuple[str, ...]) -> Training:
    rows = asked.num_rows
    return Training(
        items=items,
        features=features,
        targets=_places(asked, items),
        weight=np.ones(rows, dtype=np.float32),
        age=asked["age"].to_numpy().astype(np.float64),
        draw=asked["draw"].to_numpy().astype(np.int64),
        window=np.zeros(rows, dtype=bool),
    )


def _with_window(training: Training, asked: pa.Table) -> Training:
    """A window of whole customers, the last by their draw."""
    customers = np.asarray(asked["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy())
    size = min(round(WINDOW * len(customers)), MOST_WINDOW)
    first = len(customers) - size
    whole = size and first and customers[first - 1] == customers[first]
    begin = int(np.argmax(customers > customers[first])) if whole and (customers > customers[first]).any() else first
    return replace(training, window=np.arange(len(customers)) >= begin)


def _places(asked: pa.Table, items: tuple[str, ...]) -> NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(asked["hidden"], value_set=pa.array(items, pa.string()))
    return np.asarray(found.to_numpy(), dtype=np.int64)
