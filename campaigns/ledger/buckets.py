"""Customers by a number of their own: those who decide lock numbers, not customers, and share the work by them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from zlib import crc32

BUCKETS = 1024
"""As many locks fit into a PostgreSQL server's memory, where one a customer would not.

Those who want customers of the same number wait for each other though they need not; everybody takes the numbers in
rising order, so nobody waits in a circle.
"""


def bucket(customer: str) -> int:
    """The number of a customer, the same everywhere and for ever."""
    return crc32(customer.encode()) % BUCKETS


def buckets(customers: Iterable[str]) -> list[int]:
    """The numbers of some customers, each once, rising."""
    return sorted({bucket(customer) for customer in customers})


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers as (first, how many) of those that follow on one another."""
    for _, run in groupby(enumerate(numbers), key=lambda each: each[1] - each[0]):
        found = [number for _, number in run]
        yield found[0], len(found)


def lanes(customers: Collection[str], count: int) -> list[list[str]]:
    """The customers in `count` lanes that have no bucket in common, each in the order given: deciders of different lanes never wait."""
    found: list[list[str]] = [[] for _ in range(count)]
    for customer in customers:
        found[bucket(customer) * count // BUCKETS].append(customer)
    return found
