"""Do the intervals keep what they promise? Simulated trials with a known effect: coverage, errors under peeking, leaks found.

Whole groups are drawn as sums (binomial), so that thousands of trials are one array. The plain way of doing it stands beside each.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
from common import conclude, show

from recommender.effect.difference import difference
from recommender.effect.looks import boundaries
from recommender.effect.metric import Metric
from recommender.effect.plan import even_looks
from recommender.effect.sample_ratio import sample_ratio
from recommender.effect.sequence import critical
from recommender.effect.sums import Sums

SIZE = 2_000
PLAIN = 1.959964
METRIC = Metric("y")


def main() -> None:
    """Simulate, print, and end with the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help=f"trials of each kind; default {SIZE:,}")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    start, rng = perf_counter(), np.random.default_rng(chosen.seed)
    covered = coverage(rng, chosen.size)
    false, held = peeking(rng, chosen.size)
    leaks = leak(rng, chosen.size)
    show("95 % intervals that hold the truth", ("effect", "share"), list(covered.items()))
    show("A/A trials in which something is found", ("judged by", "share"), list(false.items()))
    show("A leak found", ("leak", "share"), list(leaks.items()))
    figures = {
        "trials": chosen.size,
        "coverage": covered,
        "false_finds": false,
        "sequence_holds_every_day": held,
        "leaks_found": leaks,
        "seconds": perf_counter() - start,
    }
    conclude(
        "promises",
        figures,
        {"plain_over_sequence": false["plain, 200 days"] / max(false["sequence, 200 days"], 1 / chosen.size)},
    )


def groups(rng: np.random.Generator, n: int, p: float, trials: int) -> list[Sums]:
    """So many groups of n rows, of whom a share p reaches the outcome."""
    return [Sums.about(("y",), n, [r], [r], [0.0]) for r in rng.binomial(n, p, trials).tolist()]


def coverage(rng: np.random.Generator, trials: int) -> dict[str, float]:
    """Nine of ten treated; the reversed one has +.04 in one half of the customers and -.04 in the other."""
    found = {}
    for effect in (0.0, 0.01, 0.05, -0.03):
        pairs = zip(groups(rng, 4_500, 0.2 + effect, trials), groups(rng, 500, 0.2, trials), strict=True)
        held = [difference(one, other, METRIC).interval().holds(effect) for one, other in pairs]
        found[f"{effect:+.2f}"] = float(np.mean(held))
    north, south, rest = (groups(rng, 2_000, p, trials) for p in (0.24, 0.16, 0.2))
    more = groups(rng, 2_000, 0.2, trials)
    drawn = list(zip(north, south, rest, more, strict=True))
    found["reversed, south"] = float(
        np.mean([difference(s, r, METRIC).interval().holds(-0.04) for _, s, r, _ in drawn])
    )
    found["reversed, all"] = float(
        np.mean([difference(n + s, r + m, METRIC).interval().holds(0.0) for n, s, r, m in drawn])
    )
    return found


def z_by_day(rng: np.random.Generator, trials: int, days: int, a_day: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors between two equal groups on each day, and rows in all by then."""
    n = a_day * np.arange(1, days + 1)
    one, other = (rng.binomial(a_day, 0.2, (trials, days)).cumsum(axis=1) / n for _ in range(2))
    error = np.sqrt(one * (1 - one) / (n - 1) + other * (1 - other) / (n - 1))
    return (one - other) / error, 2 * n


def peeking(rng: np.random.Generator, trials: int) -> tuple[dict[str, float], float]:
    """A/A trials looked at every day, and at 20 planned looks."""
    z, n = z_by_day(rng, trials, 200, 100)
    looks, _ = z_by_day(rng, trials, 20, 1_000)
    inside = (np.abs(z) <= critical(n)).all(axis=1)
    found = {
        "plain, 200 days": (np.abs(z) > PLAIN).any(axis=1),
        "sequence, 200 days": ~inside,
        "plain, 20 looks": (np.abs(looks) > PLAIN).any(axis=1),
        "O'Brien-Fleming, 20 looks": (np.abs(looks) > np.array(boundaries(even_looks(20, 20)))).any(axis=1),
    }
    return {name: float(each.mean()) for name, each in found.items()}, float(inside.mean())


def leak(rng: np.random.Generator, trials: int) -> dict[str, float]:
    """Half of 50,000 meant to be treated: none lost, and one of a hundred moved to the other group."""
    even, found = {"a": 1.0, "b": 1.0}, {}
    for name, share in (("none", 0.5), ("49 % instead of 50 %", 0.49)):
        counts = rng.binomial(50_000, share, trials).tolist()
        found[name] = float(np.mean([not sample_ratio({"a": n, "b": 50_000 - n}, even).sound for n in counts]))
    return found


if __name__ == "__main__":
    main()
