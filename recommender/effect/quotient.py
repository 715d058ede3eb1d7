"""A quotient of two estimates: what one more outcome costs, by how much a level rose."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

from recommender.effect.interval import Interval


@dataclass(frozen=True)
class Quotient:
    """`value` with its interval; `bounded` is false where the divisor may be 0, so that the interval is no bound."""

    value: float
    interval: Interval
    bounded: bool


def fieller(above: float, below: float, var_above: float, var_below: float, shared: float, critical: float) -> Quotient:
    """Fieller's interval of above / below, with `critical` standard errors (Some problems in interval estimation, JRSS B 16, 1954).

    The quotients r for which above - r below is within reach of 0. Where `below` is within reach of 0 itself they have no
    bound on one side or both, and the interval is everything.
    """
    square = critical**2
    a, b, c = (
        below**2 - square * var_below,
        above * below - square * shared,
        above**2 - square * var_above,
    )
    value = above / below if below else nan
    if isnan(a) or a <= 0:
        return Quotient(value, Interval(-inf, inf), False)
    root = sqrt(max(b * b - a * c, 0.0))
    return Quotient(value, Interval((b - root) / a, (b + root) / a), True)
