"""From arrays of codes, days and seconds to columns of a table. Days and seconds count from `as_of`, 00:00 local."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator
from numpy.typing import NDArray

from kairos.demo.block import Flags, Real, Whole

DAY = 86_400
LOCAL_OFFSET = 8 * 3_600
"""Asia/Shanghai, the demo insurer's zone, is eight hours ahead of UTC all year."""

ABSENT = np.iinfo(np.int64).min
"""Stands for "no day" in arrays of days and of seconds."""


def numbered(prefix: str, numbers: Whole, width: int = 7) -> pa.Array:
    """Ids such as C0000042."""
    return pc.binary_join_element_wise(prefix, digits(numbers, width), "")


def digits(numbers: Whole, width: int = 1) -> pa.Array:
    """Numbers as text, filled with zeros to `width`."""
    return pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width=width, padding="0")


def joined(*parts: pa.Array | str) -> pa.Array:
    """Texts put together row by row; null where a part is null."""
    return pc.binary_join_element_wise(*parts, "")


def words(values: Sequence[str | None], codes: Whole) -> pa.Array:
    """`values[code]` for each code."""
    return pa.array(values, pa.string()).take(pa.array(codes))


def where(mask: Flags, left: pa.Array | str | None, right: pa.Array | str | None) -> pa.Array:
    """Texts of `left` where the mask holds, else of `right`; None is null."""
    sides = [pa.scalar(side, pa.string()) if side is None or isinstance(side, str) else side for side in (left, right)]
    return pc.if_else(pa.array(mask), *sides)


def days(as_of: date, offsets: Whole) -> pa.Array:
    """Dates; null where ABSENT."""
    absent = offsets == ABSENT
    return pa.array(np.datetime64(as_of, "D") + np.where(absent, 0, offsets), mask=absent)


def instants(as_of: date, seconds: Whole) -> pa.Array:
    """Points in time, UTC to the microsecond; null where ABSENT."""
    absent = seconds == ABSENT
    midnight = np.datetime64(as_of, "us") - np.timedelta64(LOCAL_OFFSET, "s")
    values = midnight + np.where(absent, 0, seconds).astype("timedelta64[s]")
    return pa.array(values, pa.timestamp("us"), mask=absent).cast(pa.timestamp("us", tz="UTC"))


def numbers(values: Real, absent: Flags | None = None) -> pa.Array:
    """Amounts to the cent; null where `absent`."""
    return pa.array(np.round(values, 2), mask=absent)


def code(rng: Generator, alphabet: str, size: int, length: int) -> NDArray[np.str_]:
    """Random texts of this length over the alphabet."""
    letters = np.array(list(alphabet), dtype="U1")
    return letters[rng.integers(0, len(alphabet), (size, length))].view(f"U{length}").ravel()


def between(rng: Generator, low: int, high: int | Whole, size: int) -> Whole:
    """Whole numbers from `low` to `high`, both included."""
    return rng.integers(low, high + 1, size)


def chance(rng: Generator, share: float, size: int) -> Flags:
    """True for about this share."""
    return rng.random(size) < share


def moment(rng: Generator, day: Whole, opens: int = 8, closes: int = 22) -> Whole:
    """A second of each day between two hours of the day."""
    return day * DAY + rng.integers(opens * 3_600, closes * 3_600, day.size)


def place_in_group(groups: Whole) -> Whole:
    """Position of each row within its run of equal, sorted groups, from 0."""
    if not groups.size:
        return groups
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    lengths = np.diff(np.r_[starts, groups.size])
    return np.arange(groups.size) - np.repeat(starts, lengths)


def sigmoid(values: Real) -> Real:
    """Log odds to probabilities."""
    return 1.0 / (1.0 + np.exp(-values))
