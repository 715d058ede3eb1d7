"""An interval of numbers; an end that is not known is infinite."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float
    high: float

    @classmethod
    def around(cls, centre: float, half: float) -> Interval:
        """As far on either side."""
        return cls(centre - half, centre + half)

    def holds(self, value: float) -> bool:
        """Whether a value lies in it; an interval of NaN excludes nothing."""
        return not (value < self.low or value > self.high)

    def as_list(self) -> list[float | None]:
        """For JSON, which knows no infinity: an open end is null."""
        return [value if isfinite(value) else None for value in (self.low, self.high)]
