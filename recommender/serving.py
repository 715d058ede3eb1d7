"""Serving: the best offers of every customer asked about, each with a probability and a reason, from stored weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.audience import audience, described, portfolio
from recommender.calibrated import Calibrated
from recommender.calibration import Calibration, probabilities
from recommender.candidates import Rules
from recommender.catalogue import Catalogue, read_catalogue
from recommender.eligibility import EligibilityProblem
from recommender.errors import TornModelError
from recommender.features import FeatureSchema
from recommender.models import models
from recommender.offers import Offers, offer_table
from recommender.ranking import BLOCK, Ranked, best, joined
from recommender.reasons import Reasons
from recommender.store import read_version, unpacked

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from scipy.sparse import csr_matrix

BASELINE = "popularity"
AUDIENCE = 100_000
"""Customers laid out at once: memory does not grow with how many are asked about."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recommender:
    """A fitted model in service. `served` scores everyone but those who refused personalisation or are not known."""

    version: str
    schema: FeatureSchema
    served: Calibrated
    popular: Calibrated
    metrics: dict[str, Any]

    def top(
        self,
        db: duckdb.DuckDBPyConnection,
        customers: pa.Table,
        *,
        kind: Literal["insurance", "service"] | None,
        top: int,
        now: datetime,
        only: Collection[str] | None = None,
        personal: bool = True,
    ) -> pa.Table:
        """The `top` best offers of each of `customers` (customer_id, locale), in the order asked, best first.

        Columns: customer_id, rank (from 1), product_id, name and reason in the customer's locale, probability (that the
        customer's next product is this one), score (its logarithm but for a constant of the row), model. Offered is
        only what is active, not possessed and eligible; a customer with nothing left has no rows. `kind` None = both,
        `only` narrows the choice to these product ids. Without `personal` everybody gets the popular ones.
        """
        if top < 1:
            raise ValueError(f"top must be at least 1, got {top}")
        rules = Rules(db, read_catalogue(db, self.schema.items))
        wanted = rules.catalogue.asked_for(kind, None if only is None else frozenset(only))
        names = (self.popular.model.name, self.served.model.name)
        parts = []
        for start in range(0, max(customers.num_rows, 1), AUDIENCE):
            some = customers.slice(start, AUDIENCE)
            with audience(db, _asked(some), now):
                profile = described(db)
                features = self.schema.encode(profile, portfolio(db))
                candidates = rules.candidates(db, some.num_rows)
            known = profile["personal"].to_numpy() & (personal and self.served.model.personal)
            offers = self._offers(features, known, candidates, rules.catalogue, (wanted, top))
            parts.append(offer_table(some, offers, rules.catalogue, names))
        for problem in rules.problems:
            log.warning("product %s is not offered: %s", problem.product_id, problem.message)
        import pyarrow as pa

        return pa.concat_tables(parts)

    def problems(self, db: duckdb.DuckDBPyConnection) -> list[EligibilityProblem]:
        """Products that are offered to nobody for a reason somebody should mend."""
        catalogue = read_catalogue(db, self.schema.items)
        new = [
            EligibilityProblem(item, "", "it came after the model was fitted", hint="run `kairos recommend fit`")
            for item in catalogue.unfitted
        ]
        silent = [
            EligibilityProblem(item, "", "the source does not say whether it is active", hint="map products.active")
            for item in catalogue.undeclared
        ]
        return [*Rules(db, catalogue).problems, *new, *silent]

    def describe(self) -> dict[str, Any]:
        """Version, model in service and why, counts, quality of every model on held-out customers, data fingerprint."""
        return {"version": self.version, **self.metrics}

    def _offers(
        self,
        features: csr_matrix,
        personal: NDArray[np.bool_],
        candidates: NDArray[np.bool_],
        catalogue: Catalogue,
        wanted: tuple[NDArray[np.bool_], int],
    ) -> Offers:
        ranked = joined(list(self._blocks(features, personal, candidates, wanted)))
        causes = Reasons.of(self.served.influence, catalogue).causes(features, ranked.row, ranked.item)
        return Offers(ranked, np.where(personal[ranked.row], causes, -1), personal[ranked.row])

    def _blocks(
        self,
        features: csr_matrix,
        personal: NDArray[np.bool_],
        candidates: NDArray[np.bool_],
        wanted: tuple[NDArray[np.bool_], int],
    ) -> Iterator[Ranked]:
        asked_for, top = wanted
        for start in range(0, max(len(personal), 1), BLOCK):
            rows = slice(start, start + BLOCK)
            block, mask = features[rows], candidates[rows]
            logits = np.where(personal[rows, None], self.served.logits(block), self.popular.logits(block))
            found = best(logits, mask & asked_for, probabilities(logits, mask), top)
            yield Ranked(found.row + start, found.rank, found.item, found.score, found.probability)


def load(folder: Path) -> Recommender:
    """The model in service in `folder`, every byte checked; needs neither lightfm nor scikit-learn.

    Raises `NoModelError` where none was fitted, `TornModelError` where files are missing or changed.
    """
    version, files = read_version(Path(folder))
    metrics = json.loads(files["metrics.json"])
    calibrations = json.loads(files["calibration.json"])
    schema = FeatureSchema.from_dict(json.loads(files["features.json"]))

    def restored(name: str) -> Calibrated:
        if name not in models():
            raise TornModelError(Path(folder) / version, f"its model {name} is not one of {', '.join(models())}")
        stored = calibrations[name]
        calibration = Calibration(stored["sharpness"], np.asarray(stored["bias"], dtype=np.float64))
        return Calibrated(models()[name].restore(unpacked(files[f"{name}.npz"])), calibration)

    return Recommender(version, schema, restored(metrics["served"]), restored(BASELINE), metrics)


def _asked(customers: pa.Table) -> pa.Table:
    import pyarrow as pa

    rows = customers.num_rows
    ids = customers["customer_id"].cast(pa.string())
    columns = {"row": pa.array(np.arange(rows)), "customer_id": ids, "hidden": pa.nulls(rows, pa.string())}
    return pa.table(columns)
