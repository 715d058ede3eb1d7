"""Where queries for moments run: in the facts' own database, or on a cluster. The query tree is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow
    from sqlglot import exp

    from triggers.facts import Facts

CLASSIC = ("local", "spark://", "yarn", "k8s://")
"""How the address of a Spark master begins."""


Work = Callable[[Mapping[str, str], int, int], "Iterable[pyarrow.RecordBatch]"]
"""Given tables as Parquet files, the number of a part, and how many parts there are: the rows of that part. It travels to other
machines, so it holds nothing but values, and is defined in a module they have."""


class Engine(Protocol):
    """Runs a query over the facts and gives its rows in batches, in the order the query says."""

    def batches(self, query: exp.Select, facts: Facts, rows: int) -> Iterator[pyarrow.RecordBatch]:
        """The rows, at most `rows` a batch."""
        ...

    def spread(
        self, work: Work, parts: int, facts: Facts, tables: Sequence[str], schema: pyarrow.Schema, order: str
    ) -> Iterator[pyarrow.RecordBatch]:
        """Do the work of each part where there is room for it; all rows, in the order of the columns `order` names.

        `schema` holds texts, whole and other numbers.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def is_engine(address: str) -> bool:
    """Whether an `engine:` is one there is: duckdb, or a Spark master."""
    return address == "duckdb" or address.startswith(CLASSIC)


def open_engine(address: str) -> Engine | None:
    """The engine at an address; None for DuckDB, which the facts bring themselves. Raises FactsError where it is missing."""
    if address == "duckdb":
        return None
    from triggers.spark import SparkEngine

    return SparkEngine(address)
