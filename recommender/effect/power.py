"""What could have been seen, and how much more is needed to see what matters.

`critical` is how many standard errors away from 0 an estimate must be to count: 1.96 where one looks once, more where one
looks as often as one likes.
"""

from __future__ import annotations

from math import ceil, isfinite, nan

POWER = 0.8


def _reach(critical: float, power: float) -> float:
    from scipy.special import ndtri

    return critical + float(ndtri(power))


def seen(error: float, critical: float, power: float = POWER) -> float:
    """The smallest difference that is found with probability `power`: (critical + z_{power}) standard errors."""
    return _reach(critical, power) * error


def power_of(error: float, size: float, critical: float) -> float:
    """Probability to find a true difference of `size` with this standard error, two-sided normal test."""
    from scipy.special import ndtr

    if not error > 0:
        return nan
    return float(ndtr(abs(size) / error - critical) + ndtr(-abs(size) / error - critical))


def rows_needed(error: float, n: int, size: float, critical: float, power: float = POWER) -> int | None:
    """Rows in all at which a difference of `size` is found with probability `power`, groups in the same proportion.

    n error^2 is the variance a row; it divided by the square of size / (critical + z_{power}). None where that is
    not to be told (Chow, Shao, Wang, Sample size calculations in clinical research, 2008, 3.2).
    """
    if not error > 0 or not size or not isfinite(error):
        return None
    return ceil(n * (error * _reach(critical, power) / size) ** 2)


def days_needed(needed: int | None, n: int, a_day: float) -> int | None:
    """Days still to wait for so many rows at the pace so far; 0 where they are in."""
    if needed is None or (needed > n and a_day <= 0):
        return None
    return 0 if needed <= n else ceil((needed - n) / a_day)
