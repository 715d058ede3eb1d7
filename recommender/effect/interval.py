"""An interval of numbers; an end that is not known is infinite."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float
    high: float

    @classmethod
    def around(cls, centre: float, half: float) -> Interval:
        """As far on either side."""
        return cls(centre - half, centre + half)

    @classmethod
    def reaching(cls, centre: float, critical: float, error: float) -> Interval:
        """So many standard errors on either side; everything where rows that are all alike tell no error."""
        return cls.around(centre, critical * error) if error > 0 else cls(-inf, inf)

    def holds(self, value: float) -> bool:
        """Whether a value lies in it; an interval of NaN excludes nothing."""
        return not (value < self.low or value > self.high)

    def as_list(self) -> list[float | None]:
        """For JSON, which knows no infinity: an open end is null."""
        return [value if isfinite(value) else None for value in (self.low, self.high)]
