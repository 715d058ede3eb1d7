"""How a customer looks to the models: the portfolio without the product in question, and a coarse profile.

Declared once, fitted on training rows only, stored as JSON with the model. Every block always has a value ("missing"
where nothing is known, "other" where it was rare or never seen), so no row is without features. A row sums to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy.sparse import csr_matrix

PORTFOLIO_WEIGHT = 2.0
NOTHING, OTHER, MISSING = "(nothing)", "(other)", "(missing)"
SENSITIVE = frozenset({"name", "phone", "email", "push_token", "deceased_on", "missing_documents", "amount"})
"""Columns no block may ever be declared on; nothing of claims or complaints is read at all."""


@dataclass(frozen=True)
class Declared:
    """A block of the profile: which column, cut at which `edges` (empty: the values themselves)."""

    name: str
    column: str
    edges: tuple[int, ...] = ()


PROFILE = (
    Declared("age", "age", (18, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70)),
    Declared("gender", "gender"),
    Declared("tenure", "tenure_years", (1, 2, 4, 7, 10, 15)),
    Declared("tier", "tier"),
    Declared("province", "province"),
    Declared("products held", "products_held", (1, 2, 3, 4, 6)),
    Declared("services used", "services_used", (1, 2, 4)),
)
HISTORY = (
    Declared("taken so far", "taken", (1, 2, 3, 5, 10)),
    Declared("days since the last", "since", (8, 31, 92, 183, 366)),
)
"""What an interaction has before it, where all that is known of a customer is what they took (`trial`)."""
OCCASION = (
    Declared("the last taken", "latest"),
    Declared("hour", "hour", (3, 5, 7, 8, 9, 12, 15, 16, 17, 18, 20, 22)),
    Declared("weekday", "weekday", (1, 2, 3, 4, 5, 6)),
)
"""When an interaction happens, where files have times. Not the month: a season or two of it foretell no other."""
LEAST_SEEN = 5
MOST_VALUES = 64


@dataclass(frozen=True)
class Block:
    """A fitted block: its values in column order, the last one for what is missing."""

    name: str
    column: str
    edges: tuple[int, ...]
    values: tuple[str, ...]

    def codes(self, profile: pa.Table) -> NDArray[np.int64]:
        """The position among `values` of each row."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = profile[self.column]
        missing = len(self.values) - 1
        if self.edges:
            numbers = column.cast(pa.float64()).to_numpy()  # null becomes NaN
            bands = np.searchsorted(np.asarray(self.edges, dtype=np.float64), numbers, side="right")
            return np.where(np.isnan(numbers), missing, bands)
        found = pc.index_in(column.cast(pa.string()), value_set=pa.array(self.values[:-2], pa.string()))
        codes = found.fill_null(missing - 1).to_numpy().astype(np.int64)
        return np.where(column.is_null().to_numpy(zero_copy_only=False), missing, codes)


@dataclass(frozen=True)
class FeatureSchema:
    """The columns of the feature matrix: one per item of the portfolio, one for an empty one, then the blocks."""

    items: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The name of every column, e.g. `portfolio=motor-basic` or `age=25-29`."""
        held = [f"portfolio={item}" for item in (*self.items, NOTHING)]
        return (*held, *(f"{block.name}={value}" for block in self.blocks for value in block.values))

    def encode(self, profile: pa.Table, portfolio: pa.Table) -> csr_matrix:
        """Encode `profile` (of `audience.described`) and `portfolio` (row, product_id): CSR, float32, rows sum to 1."""
        from scipy.sparse import csr_matrix

        n = profile.num_rows
        held_rows, held = self._held(portfolio)
        bare = np.setdiff1d(np.arange(n), held_rows)
        rows, columns = [held_rows, bare], [held, np.full(len(bare), len(self.items))]
        weights = [np.full(len(held) + len(bare), PORTFOLIO_WEIGHT)]
        offset = len(self.items) + 1
        for block in self.blocks:
            rows.append(np.arange(n))
            columns.append(offset + block.codes(profile))
            weights.append(np.ones(n))
            offset += len(block.values)
        row, weight = np.concatenate(rows), np.concatenate(weights)
        share = weight / np.bincount(row, weight, minlength=n)[row]
        matrix = csr_matrix((share.astype(np.float32), (row, np.concatenate(columns))), shape=(n, offset))
        matrix.sort_indices()
        return matrix

    def _held(self, portfolio: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        import pyarrow as pa
        import pyarrow.compute as pc

        item = pc.index_in(portfolio["product_id"].cast(pa.string()), value_set=pa.array(self.items, pa.string()))
        known = item.is_valid().to_numpy(zero_copy_only=False)
        rows = portfolio["row"].to_numpy().astype(np.int64)[known]
        return rows, item.drop_null().to_numpy().astype(np.int64)

    def as_dict(self) -> dict[str, object]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> FeatureSchema:
        """The schema again from `as_dict()`."""
        blocks = [Block(b["name"], b["column"], tuple(b["edges"]), tuple(b["values"])) for b in stored["blocks"]]
        return cls(tuple(stored["items"]), tuple(blocks))


def fit_features(profile: pa.Table, items: Sequence[str], declared: Sequence[Declared] = PROFILE) -> FeatureSchema:
    """Learn the values of each block from training rows; a value seen fewer than 5 times is "(other)"."""
    for block in declared:
        if block.column in SENSITIVE:
            raise ValueError(f"{block.column} is sensitive: it may not be a feature")
    fitted = [Block(d.name, d.column, d.edges, _values(profile, d)) for d in declared]
    return FeatureSchema(tuple(items), tuple(fitted))


def _values(profile: pa.Table, block: Declared) -> tuple[str, ...]:
    if block.edges:
        inner = [f"{a}-{b - 1}" for a, b in zip(block.edges, block.edges[1:], strict=False)]
        return (f"<{block.edges[0]}", *inner, f">={block.edges[-1]}", MISSING)
    counts = profile[block.column].drop_null().value_counts().to_pylist()
    common = sorted((-count["counts"], str(count["values"])) for count in counts if count["counts"] >= LEAST_SEEN)
    return (*sorted(value for _, value in common[:MOST_VALUES]), OTHER, MISSING)
