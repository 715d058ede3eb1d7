"""Are the groups as large as they were meant to be? If not, somebody was lost on the way, and nothing else may be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SUSPECT = 0.001
"""Probability below which the sizes are no chance."""


@dataclass(frozen=True)
class SampleRatio:
    """Rows counted and expected by group, and the probability of sizes at least as far off by chance."""

    counted: dict[str, int]
    expected: dict[str, float]
    p_value: float

    @property
    def sound(self) -> bool:
        """Whether the sizes may be chance."""
        return not self.p_value < SUSPECT


def sample_ratio(counted: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Chi-square of the counts against the intended shares (which need not add up to 1).

    Fabijan and others, Diagnosing sample ratio mismatch in online controlled experiments, KDD 2019: p < .001 as there.
    Raises ValueError where a group has no share, or a share is not above 0.
    """
    from scipy.special import chdtrc

    if set(counted) != set(shares) or min(shares.values(), default=0) <= 0:
        raise ValueError(f"groups {sorted(counted)} need one share above 0 each, not {dict(shares)}")
    rows, whole = sum(counted.values()), sum(shares.values())
    expected = {name: rows * shares[name] / whole for name in counted}
    if len(counted) < 2 or not rows:
        return SampleRatio(dict(counted), expected, 1.0)
    off = sum((n - expected[name]) ** 2 / expected[name] for name, n in counted.items())
    return SampleRatio(dict(counted), expected, float(chdtrc(len(counted) - 1, off)))
