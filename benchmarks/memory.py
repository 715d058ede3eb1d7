"""What a process and those it has started hold in memory together, each page counted once."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from threading import Event, Thread

EVERY = 0.25
"""Seconds between two looks: to read it, the kernel walks the tables of all pages."""
PROC = Path("/proc")


class Together(Thread):
    """Watches a process for as long as the block lasts; `peak_mb` is the most its family held at a look, in MiB.

    Counted while it has children, as the sum of proportional set sizes (proc(5), smaps_rollup): what several share is
    divided among them. 0 for a process alone, and where there is no /proc.
    """

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak_mb = process, 0.0
        self._over = Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._over.wait(EVERY):
            family = _family(self.process)
            if len(family) > 1:
                self.peak_mb = max(self.peak_mb, sum(map(_held, family)) / 1024)

    def __enter__(self) -> Together:
        if sys.platform == "linux":
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self.is_alive():
            self.join()


def _family(process: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (stat := _read(folder / "stat")):
            children[int(stat.rpartition(")")[2].split()[1])].append(int(folder.name))
    found, new = [process], [process]
    while new:
        new = [child for parent in new for child in children[parent]]
        found += new
    return found


def _held(process: int) -> int:
    """KiB a process holds; 0 where it has just ended."""
    lines = _read(PROC / str(process) / "smaps_rollup").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
