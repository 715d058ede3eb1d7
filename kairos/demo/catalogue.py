"""What the demo insurer offers, and how much each hidden trait of a customer makes them want it.

The trait loadings stay here: the facts show only who holds and uses what, and a recommender has to find out why.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from kairos.demo.block import Flags, Real, Whole
from kairos.demo.schemas import table

TRAITS = ("driver", "family", "health", "traveller", "wealthy")
LINES = ("motor", "health", "life", "home", "travel")
PUBLIC = ("product_id", "name", "name_en", "kind", "line", "eligibility")


@dataclass(frozen=True)
class Catalogue:
    """Products in file order; every array has one entry per product.

    `years` is the length of a term: 0 a single trip, 1 renewed every year, more is paid in yearly premiums. `loadings`
    are log odds per unit of each trait.
    """

    rows: tuple[dict[str, str], ...]
    line: Whole
    insurance: Flags
    active: Flags
    price: Real
    years: Whole
    base: Real
    loadings: Real

    @property
    def ids(self) -> list[str]:
        """Product ids in order."""
        return [row["product_id"] for row in self.rows]


@cache
def catalogue() -> Catalogue:
    """The products in the package's data file."""
    path = Path(__file__).parent / "data" / "products.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = tuple(csv.DictReader(file))
    return Catalogue(
        rows=rows,
        line=np.array([LINES.index(row["line"]) for row in rows]),
        insurance=np.array([row["kind"] == "insurance" for row in rows]),
        active=np.array([row["active"] == "true" for row in rows]),
        price=np.array([float(row["price"]) for row in rows]),
        years=np.array([int(row["years"]) for row in rows]),
        base=np.array([float(row["base"]) for row in rows]),
        loadings=np.array([[float(row[trait]) for trait in TRAITS] for row in rows]),
    )


def products() -> pa.Table:
    """The view `products`."""
    known = catalogue()
    return table(
        "products",
        {
            **{name: pa.array([row[name] for row in known.rows], pa.string()) for name in PUBLIC},
            "active": pa.array(known.active),
            "value": pa.array([float(row["value"]) for row in known.rows], pa.float64()),
        },
    )
