"""The last thousandth of an allocation: customers change channels in circles, as long as a circle gains.

An allocation is the best there is exactly where no circle of changes gains (Klein, *A primal method for minimal cost flows*,
1967). The circles run over channels, of which there are few, never over customers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NEAR = 1e-5
"""Nearer to the bound than this share nobody looks for circles."""
WORK = 400_000_000
"""Values looked at before one is content."""


def improve(values: np.ndarray, capacity: np.ndarray, chosen: np.ndarray, most: float) -> None:
    """Change `chosen` (column per customer, -1 for none) in place while that gains and is worth the work."""
    circles = _Circles(values, capacity, chosen)
    for _ in range(max(int(WORK / max(values.size, 1)), 1)):
        if most - circles.worth <= NEAR * most or not circles.turn():
            return


class _Circles:
    """Places are the channels, then `out` for those without one, then `room`: wherever another one fits in."""

    def __init__(self, values: np.ndarray, capacity: np.ndarray, chosen: np.ndarray) -> None:
        import numpy as np

        self.values, self.chosen = values, chosen
        self.channels = values.shape[1]
        self.out, self.room = self.channels, self.channels + 1
        self.free = capacity - np.bincount(chosen[chosen >= 0], minlength=self.channels)
        taken = np.flatnonzero(chosen >= 0)
        self.worth = float(values[taken, chosen[taken]].sum())
        size = self.channels + 2
        self.gain = np.full((size, size), -np.inf)
        self.who = np.full((size, size), -1, dtype=np.int64)
        for place in range(self.channels + 1):
            self._look(place)

    def _look(self, place: int) -> None:
        """Who gains most (or loses least) by going from a place to each other one."""
        import numpy as np

        here = np.flatnonzero(self.chosen == (place if place < self.channels else -1))
        self.gain[place, : self.out + 1], self.who[place] = -np.inf, -1
        fits = place == self.out or self.free[place] > 0
        self.gain[place, self.room] = 0.0 if fits else -np.inf
        self.gain[self.room, place] = 0.0
        if not len(here):
            return
        own = self.values[here, place] if place < self.channels else np.zeros(len(here))
        there = np.where(self.values[here] > 0, self.values[here], -np.inf) - own[:, None]
        best = there.argmax(axis=0)
        self.gain[place, : self.channels] = there[best, np.arange(self.channels)]
        self.who[place, : self.channels] = here[best]
        if place < self.channels:
            least = int(own.argmin())
            self.gain[place, self.out], self.who[place, self.out] = -own[least], here[least]
        self.gain[place, place] = -np.inf

    def turn(self) -> bool:
        """Turn one circle that gains; False where there is none."""
        circle = self._circle()
        if not circle:
            return False
        moves = [(a, b) for a, b in zip(circle, circle[1:] + circle[:1], strict=True) if self.room not in (a, b)]
        changes = [(self.who[a, b], a, b, float(self.gain[a, b])) for a, b in moves]
        for who, a, b, gain in changes:
            self.chosen[who] = b if b < self.channels else -1
            self.worth += gain
            if a < self.channels:
                self.free[a] += 1
            if b < self.channels:
                self.free[b] -= 1
        for place in {place for move in moves for place in move}:
            self._look(place)
        return True

    def _circle(self) -> list[int]:
        """The places of a circle with a gain, by the longest paths from everywhere (Bellman and Ford)."""
        import numpy as np

        size, hair = len(self.gain), 1e-12 * max(self.worth, 1.0)
        far, before = np.zeros(size), np.full(size, -1)
        last = -1
        for _ in range(size):
            through = far[:, None] + self.gain
            best = through.argmax(axis=0)
            better = through[best, np.arange(size)] > far + hair
            if not better.any():
                return []
            far = np.where(better, through[best, np.arange(size)], far)
            before = np.where(better, best, before)
            last = int(np.flatnonzero(better)[0])
        for _ in range(size):  # whoever was still moved after so many steps hangs on a circle
            last = int(before[last])
        circle = [last]
        while int(before[circle[-1]]) != last:
            circle.append(int(before[circle[-1]]))
        return circle[::-1]
