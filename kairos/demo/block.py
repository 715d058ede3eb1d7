"""A block: the fixed number of customers that are drawn together, from random streams of their own.

Everything about a customer depends on the seed, the day and the block alone, so the facts are the same however many
blocks go into one file or in which order they are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zlib import crc32

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

CUSTOMERS_PER_BLOCK = 10_000

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """Customers `first` to `first + size - 1` of the insurer, counted from 0."""

    seed: int
    number: int
    size: int
    as_of: date

    @property
    def first(self) -> int:
        """Number of the block's first customer."""
        return self.number * CUSTOMERS_PER_BLOCK

    def rng(self, topic: str) -> Generator:
        """The random stream of one topic: drawing more for one topic never changes another."""
        return default_rng(SeedSequence(self.seed, spawn_key=(crc32(topic.encode()), self.number)))


def blocks(customers: int, seed: int, as_of: date) -> Iterator[Block]:
    """The blocks that hold this many customers; only the last may be smaller."""
    for number in range(-(-customers // CUSTOMERS_PER_BLOCK)):
        size = min(CUSTOMERS_PER_BLOCK, customers - number * CUSTOMERS_PER_BLOCK)
        yield Block(seed, number, size, as_of)
