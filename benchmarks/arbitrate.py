"""Contacts under daily budgets of the channels: prices on channels beside choosing first and cutting after, and beside greed.

    python benchmarks/arbitrate.py [--size CUSTOMERS] [--actions N] [--seed N]

What is measured is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.common import conclude, say, show
from campaigns.allocation import allocate, bound, worth_of

QUICK, ACTIONS, CHANNELS = 1_000_000, 20, 5
SHARES = (0.02, 0.05, 0.1, 0.15, 0.2)
"""What each channel carries in a day, as a share of the customers: calls are few, messages many."""


@dataclass(frozen=True)
class Result:
    """One way to choose: what it is worth, in how many seconds."""

    worth: float
    seconds: float


def market(size: int, actions: int, seed: int) -> np.ndarray:
    """Customers x actions: expected values with a customer's own level, an action's own level, and a lot of luck."""
    rng = np.random.default_rng(seed)
    levels = rng.lognormal(0, 0.6, actions).astype(np.float32)
    customers = rng.lognormal(0, 0.8, (size, 1)).astype(np.float32)
    return customers * levels * rng.uniform(0.2, 1.8, (size, actions)).astype(np.float32)


def by_channel(values: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """A customer's best action on each channel: with one action a customer the others never count."""
    return np.stack([values[:, channel == at].max(axis=1) for at in range(CHANNELS)], axis=1)


def choose_then_cut(values: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Everybody's best channel, and of those who chose one the best it can carry."""
    best = values.argmax(axis=1)
    chosen = np.full(len(values), -1)
    for at, room in enumerate(capacity.astype(int)):
        here = np.flatnonzero(best == at)
        chosen[here[np.argsort(-values[here, at], kind="stable")[:room]]] = at
    return chosen


def greedy(values: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """All pairs of customer and channel, the most valuable first, as long as there is room."""
    order = np.argsort(-values, axis=None, kind="stable")
    room, chosen = capacity.astype(int).tolist(), [-1] * len(values)
    width, left = values.shape[1], int(capacity.sum())
    for pair in order.tolist():
        customer, at = divmod(pair, width)
        if chosen[customer] < 0 and room[at]:
            chosen[customer] = at
            room[at] -= 1
            left -= 1
            if not left:
                break
    return np.array(chosen)


def timed(rule: object, values: np.ndarray, capacity: np.ndarray) -> Result:
    """What a rule reaches, checked against the capacities."""
    start = perf_counter()
    chosen = rule(values, capacity)  # type: ignore[operator]
    seconds = perf_counter() - start
    assert (np.bincount(chosen[chosen >= 0], minlength=len(capacity)) <= capacity).all()
    return Result(worth_of(values, chosen), seconds)


def main(arguments: list[str]) -> None:
    """Make a market, choose in three ways, compare with what no choice can be worth more than."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=QUICK, help="customers")
    parser.add_argument("--actions", type=int, default=ACTIONS, help="actions each of them could get")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    say(f"{asked.size:,} customers x {asked.actions} actions on {CHANNELS} channels")
    channel = np.arange(asked.actions) % CHANNELS
    capacity = np.floor(np.array(SHARES) * asked.size)
    values = by_channel(market(asked.size, asked.actions, asked.seed), channel)
    start = perf_counter()
    ours = allocate(values, capacity)
    seconds = perf_counter() - start
    most = bound(values, capacity, ours.prices)
    results = {
        "prices": timed(lambda *_: ours.channel, values, capacity),
        "greedy": timed(greedy, values, capacity),
        "choose_then_cut": timed(choose_then_cut, values, capacity),
    }
    results["prices"] = Result(results["prices"].worth, seconds)
    rows = [
        (name.replace("_", " "), each.worth, 100 * each.worth / most, each.seconds) for name, each in results.items()
    ]
    show("Contacts under budgets", ("way", "worth", "% of the bound", "seconds"), [("bound", most, 100.0, ""), *rows])
    figures = {"customers": asked.size, "actions": asked.actions, "channels": CHANNELS, "bound": most}
    figures |= {f"{name}_worth": each.worth for name, each in results.items()}
    figures |= {f"{name}_seconds": each.seconds for name, each in results.items()}
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    conclude(
        "arbitrate", figures, {f"{name}_over_bound": round(each.worth / most, 6) for name, each in results.items()}
    )


if __name__ == "__main__":
    main(sys.argv[1:])
