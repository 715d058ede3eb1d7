"""The columns of a table as features: numbers scaled, categories one by one, what is missing said; fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.errors import UpliftError
from recommender.uplift.learner import Floats

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_SEEN = 20
MOST_VALUES = 50
OTHER, MISSING = "(other)", "(missing)"
TAILS = (0.005, 0.995)
"""Numbers beyond these quantiles of the training rows count as the quantile: one rich customer must not steer a slope."""


@dataclass(frozen=True)
class Number:
    """A column of numbers: kept within `low` and `high`, less `centre`, over `scale`; `gaps`: a feature says where it is missing."""

    name: str
    low: float
    high: float
    centre: float
    scale: float
    gaps: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its features."""
        return (self.name, f"{self.name}={MISSING}") if self.gaps else (self.name,)

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """Rows x features; the mean where it is missing."""
        values = _numbers(column)
        known = np.isfinite(values)
        scaled = np.where(
            known, (np.clip(np.where(known, values, 0), self.low, self.high) - self.centre) / self.scale, 0
        )
        return np.column_stack([scaled, ~known]).astype(np.float64) if self.gaps else scaled[:, None]


@dataclass(frozen=True)
class Category:
    """A column of words: one feature a value; what was rare or never seen is "(other)"."""

    name: str
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its features."""
        return tuple(f"{self.name}={value}" for value in self.values)

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """Rows x features, one 1 a row."""
        import pyarrow as pa
        import pyarrow.compute as pc

        words = pc.fill_null(column.cast(pa.string()), MISSING)
        places = pc.index_in(words, value_set=pa.array(self.values, pa.string()))
        codes = places.fill_null(self.values.index(OTHER)).to_numpy().astype(np.int64)
        made = np.zeros((len(codes), len(self.values)))
        made[np.arange(len(codes)), codes] = 1
        return made


@dataclass(frozen=True)
class Schema:
    """The features of a model, in order, and the columns left out with the reason."""

    numbers: tuple[Number, ...]
    categories: tuple[Category, ...]
    left_out: Mapping[str, str]

    @property
    def blocks(self) -> tuple[Number | Category, ...]:
        """The columns of the table, in the order of their features."""
        return (*self.numbers, *self.categories)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(name for block in self.blocks for name in block.columns)

    @property
    def sources(self) -> tuple[str, ...]:
        """Columns a table must have."""
        return tuple(block.name for block in self.blocks)

    def encode(self, table: pa.Table) -> Floats:
        """Rows x features. Raises UpliftError where the table lacks a column or holds words where numbers were."""
        missing = [name for name in self.sources if name not in table.column_names]
        if missing:
            raise UpliftError(
                f"the model needs the columns {', '.join(missing)}; the table has {', '.join(table.column_names)}"
            )
        encoded = [block.encode(table[block.name]) for block in self.blocks]
        return np.hstack(encoded) if encoded else np.zeros((table.num_rows, 0))

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Schema:
        """Again from `as_dict()`."""
        numbers = tuple(Number(**each) for each in stored["numbers"])
        categories = tuple(Category(each["name"], tuple(each["values"])) for each in stored["categories"])
        return cls(numbers, categories, dict(stored["left_out"]))


def fit_schema(table: pa.Table, names: Sequence[str]) -> Schema:
    """Learn from training rows how each column becomes features. Raises UpliftError where none is of use."""
    numbers, categories, left_out = [], [], {}
    for name in names:
        block = _number(name, table[name]) if _is_number(table[name]) else _category(name, table[name])
        if isinstance(block, Number):
            numbers.append(block)
        elif isinstance(block, Category):
            categories.append(block)
        else:
            left_out[name] = block
    if not numbers and not categories:
        why = "; ".join(f"{name} {reason}" for name, reason in left_out.items()) or "there is none but those named"
        raise UpliftError(f"no column is of use as a feature: {why}")
    return Schema(tuple(numbers), tuple(categories), left_out)


def _is_number(column: pa.ChunkedArray) -> bool:
    import pyarrow.types as kinds

    kind = column.type
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind) or kinds.is_boolean(kind))


def _numbers(column: pa.ChunkedArray) -> Floats:
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_boolean(column.type):
        column = column.cast(pa.int8())
    try:
        values: Floats = column.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise UpliftError(f"a column was numbers when the model was fitted and is not now: {error}") from error
    return values


def _number(name: str, column: pa.ChunkedArray) -> Number | str:
    import pyarrow.types as kinds

    values = _numbers(column)
    known = values[np.isfinite(values)]
    if kinds.is_integer(column.type) and len(known) > LEAST_SEEN and len(np.unique(known)) == len(values):
        return "is another number in every row: an id"
    if not len(known):
        return "is empty"
    low, high = np.quantile(known, TAILS)
    if low == high:  # rare values are all there is to it
        low, high = known.min(), known.max()
    kept = np.clip(known, low, high)
    if low == high:
        return "is the same in every row"
    return Number(name, float(low), float(high), float(kept.mean()), float(kept.std()), len(known) < len(values))


def _category(name: str, column: pa.ChunkedArray) -> Category | str:
    import pyarrow as pa

    words = column.cast(pa.string()).drop_null()
    counted = sorted((-each["counts"], str(each["values"])) for each in words.value_counts().to_pylist())
    if len(counted) > max(len(column) // 2, MOST_VALUES):
        return "has another value in most rows: an id or a text"
    common = sorted(value for count, value in counted[:MOST_VALUES] if -count >= LEAST_SEEN)
    whole = len(common) == len(counted) and len(words) == len(column)
    if not common or (len(common) == 1 and whole):
        return "is the same, or rare, in every row"
    return Category(name, (*common, OTHER, MISSING))
