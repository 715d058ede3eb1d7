"""Who gets which channel when a day's channels cannot carry everybody: prices on the channels, one per channel.

The problem is a transport problem: at most one channel a customer, at most its capacity a channel, the greatest sum of
values. Its dual gives each channel a price, and each customer takes what is worth most above its price (Bertsekas,
*Network Optimization*, 1998, ch. 7; the prices are those that clear a market of substitutes, Kelso and Crawford 1982). One
price is set at a time, where demand meets capacity with the others as they are, then all are moved together, which single
prices cannot do where channels are worth the same; a sample gives the first ones. Whatever the prices, they bound what
can be reached, so that how far one is from it is known. What is missing is made up by moving customers around in circles
that gain (`campaigns.exchange`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from campaigns.exchange import improve

if TYPE_CHECKING:
    import numpy as np

SAMPLE, ROUNDS, LAST_ROUNDS = 20_000, 60, 4
"""Customers the first prices come from, and how often all prices are set on the sample and on everybody."""
ROWS = 200_000
STILL = 1e-6
"""Prices that move by less than this share of the largest value have settled."""


@dataclass(frozen=True)
class Allocation:
    """`channel`: column chosen per customer, -1 for none. `prices`: one per channel. `bound`: no choice is worth more."""

    channel: np.ndarray
    prices: np.ndarray
    worth: float
    bound: float


def allocate(values: np.ndarray, capacity: np.ndarray) -> Allocation:
    """Choose at most one channel per customer for the greatest worth, no channel beyond its capacity.

    `values`: customers x channels, float; what is not above nought (or NaN) is no choice. `capacity`: one whole number per channel,
    infinite where there is no limit. Deterministic. ValueError where the shapes do not fit.
    """
    import numpy as np

    if values.ndim != 2 or capacity.shape != (values.shape[1],):
        raise ValueError(f"{values.shape} values do not fit {capacity.shape} capacities")
    values = np.where(values > 0, values, 0).astype(np.float64, copy=False)
    prices = clearing_prices(values, capacity)
    chosen = _chosen(values, prices)
    chosen = _repaired(values, prices, capacity, chosen)
    _fill(values, prices, capacity, chosen)
    most = bound(values, capacity, prices)
    improve(values, capacity, chosen, most)
    return Allocation(chosen, prices, worth_of(values, chosen), most)


def worth_of(values: np.ndarray, chosen: np.ndarray) -> float:
    """The sum of what was chosen."""
    import numpy as np

    taken = np.flatnonzero(chosen >= 0)
    return float(values[taken, chosen[taken]].sum())


def clearing_prices(values: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """A price for each channel at which as many want it as it can carry; nought where it can carry all who want it."""
    import numpy as np

    size = len(values)
    prices = np.zeros(values.shape[1])
    if size > 2 * SAMPLE:
        step = size // SAMPLE
        sample = values[::step]
        prices = _settled(sample, capacity * (len(sample) / size), prices, ROUNDS)
    return _settled(values, capacity, prices, LAST_ROUNDS if size > 2 * SAMPLE else ROUNDS)


def bound(values: np.ndarray, capacity: np.ndarray, prices: np.ndarray) -> float:
    """What no allocation can be worth more than (weak duality): the channels at their prices, and what customers gain above them."""
    import numpy as np

    limited = np.isfinite(capacity)
    gain = sum(
        float(np.maximum((values[at : at + ROWS] - prices).max(axis=1, initial=0.0), 0).sum())
        for at in range(0, len(values), ROWS)
    )
    return gain + float((capacity[limited] * prices[limited]).sum())


def _settled(values: np.ndarray, capacity: np.ndarray, prices: np.ndarray, rounds: int) -> np.ndarray:
    """Set one price after the other until none moves."""
    import numpy as np

    prices, top = prices.copy(), float(values.max(initial=0.0))
    limited = [at for at in range(len(prices)) if np.isfinite(capacity[at])]
    values = np.asfortranarray(values)  # one channel after the other is read, over all customers
    net = np.asfortranarray(values - prices)
    for _ in range(rounds):
        moved = _shift(net, prices, capacity, limited)
        for at in limited:
            price = _price(values[:, at], _elsewhere(net, at), int(capacity[at]))
            moved = max(moved, abs(price - prices[at]))
            prices[at] = price
            net[:, at] = values[:, at] - price
        if moved <= STILL * top:
            break
    return prices


def _shift(net: np.ndarray, prices: np.ndarray, capacity: np.ndarray, limited: list[int]) -> float:
    """Move the prices of all limited channels by the same, to where together they carry as many as want any of them."""
    import numpy as np

    if len(limited) < 2:
        return 0.0
    outside = np.zeros(len(net))
    for other in set(range(net.shape[1])) - set(limited):
        np.maximum(outside, net[:, other], out=outside)
    room = int(capacity[limited].sum())
    worth = net[:, limited].max(axis=1) - outside
    by = float(np.partition(worth, len(net) - room - 1)[len(net) - room - 1]) if room < len(net) else -np.inf
    by = max(by, -float(prices[limited].min()))
    prices[limited] += by
    net[:, limited] -= by
    return abs(by)


def _elsewhere(net: np.ndarray, at: int) -> np.ndarray:
    """What each customer gains at best without this channel; nought is always to be had."""
    import numpy as np

    best: np.ndarray = np.zeros(len(net))
    for other in range(net.shape[1]):
        if other != at:
            np.maximum(best, net[:, other], out=best)
    return best


def _price(values: np.ndarray, elsewhere: np.ndarray, capacity: int) -> float:
    """The price at which just as many gain more here than elsewhere as there is room for."""
    import numpy as np

    size = len(values)
    if capacity >= size:
        return 0.0
    worth = values - elsewhere  # what the channel is worth to each, everything else being as it is
    inside = float(np.partition(worth, size - capacity - 1)[size - capacity - 1])  # the first who finds no room
    return max(inside, 0.0)


def _chosen(values: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """What each customer takes at these prices."""
    import numpy as np

    chosen = np.empty(len(values), dtype=np.int64)
    for at in range(0, len(values), ROWS):
        net = values[at : at + ROWS] - prices
        best = net.argmax(axis=1)
        chosen[at : at + ROWS] = np.where(net[np.arange(len(net)), best] > 0, best, -1)
    return chosen


def _repaired(values: np.ndarray, prices: np.ndarray, capacity: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Send away whom a channel has no room for: those who lose least by it."""
    import numpy as np

    chosen = chosen.copy()
    for at in np.flatnonzero(np.isfinite(capacity)):
        here = np.flatnonzero(chosen == at)
        over = len(here) - int(capacity[at])
        if over > 0:
            net = values[here] - prices
            loss = net[:, at] - np.maximum(np.delete(net, at, axis=1).max(axis=1, initial=0.0), 0.0)
            chosen[here[np.argsort(loss, kind="stable")[:over]]] = -1
    return chosen


def _fill(values: np.ndarray, prices: np.ndarray, capacity: np.ndarray, chosen: np.ndarray) -> None:
    """Give the room that is left to those without a channel: each asks for the best it can have, channels take the best who ask."""
    import numpy as np

    room = capacity - np.bincount(chosen[chosen >= 0], minlength=len(capacity))
    while True:
        waiting = np.flatnonzero(chosen < 0)
        open_ = np.flatnonzero(room > 0)
        if not len(waiting) or not len(open_):
            return
        wanted = np.where(values[np.ix_(waiting, open_)] > 0, values[np.ix_(waiting, open_)] - prices[open_], -np.inf)
        asks = wanted.argmax(axis=1)
        gain = wanted[np.arange(len(waiting)), asks]
        if not np.isfinite(gain).any():
            return
        for place, at in enumerate(open_):
            who = np.flatnonzero((asks == place) & np.isfinite(gain))
            first = who[np.argsort(-gain[who], kind="stable")[: int(min(room[at], len(who)))]]
            chosen[waiting[first]] = at
            room[at] -= len(first)
