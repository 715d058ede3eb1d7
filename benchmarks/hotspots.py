"""Where the time of a nightly run goes: the run once more under cProfile, its slowest functions."""

from __future__ import annotations

import pstats
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.common import measured, say, show

ROOT = Path(__file__).parent.parent
PACKAGES = ("triggers", "recommender", "campaigns", "templates", "channels", "kairos")
TOP = 25
PROFILED = """
import cProfile, sys
from kairos.cli import main
profile, target = cProfile.Profile(), sys.argv.pop(1)
try:
    profile.runcall(main)
finally:
    profile.dump_stats(target)
"""


@dataclass(frozen=True)
class Hotspot:
    """One function: how often it was called, seconds in itself, seconds with all it called."""

    file: str
    line: int
    function: str
    calls: int
    own: float
    cumulative: float

    @property
    def ours(self) -> bool:
        """Whether it is a function of Kairos."""
        path = Path(self.file)
        return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES

    @property
    def name(self) -> str:
        """Where it is, as short as one can find it again."""
        if not self.line:
            return self.function
        file = str(Path(self.file).relative_to(ROOT)) if self.ours else _short(self.file)
        return f"{file}:{self.line} {self.function}"


def _short(file: str) -> str:
    """The path below the folder where libraries are installed, or the name of a file of Python's own."""
    _, installed, below = file.rpartition("site-packages/")
    return below if installed else Path(file).name


def show_hotspots(workspace: Path, as_of: date) -> None:
    """Run again, into a ledger made empty before, under the profiler; print the slowest functions by cumulative and own time."""
    say("the nightly run under the profiler")
    target = workspace / "run.prof"
    measured(["-c", PROFILED, target, "run", "-w", workspace, "--as-of", str(as_of), "--json", "--workers", "1"])
    found = read_hotspots(target)
    total = sum(spot.own for spot in found)
    ours = sorted((spot for spot in found if spot.ours), key=lambda spot: -spot.cumulative)[:TOP]
    _print(
        "Functions of Kairos by cumulative seconds; the profiler slows Python down, not DuckDB or SQLite", ours, total
    )
    _print("All functions by their own seconds", sorted(found, key=lambda spot: -spot.own)[:TOP], total)


def read_hotspots(path: Path) -> list[Hotspot]:
    """Every function of a profile."""
    table = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # typeshed leaves it out
    return [
        Hotspot(file, line, function, calls, own, cumulative)
        for (file, line, function), (_, calls, own, cumulative, _) in table.items()
    ]


def _print(title: str, spots: list[Hotspot], total: float) -> None:
    rows = [(spot.name, spot.calls, spot.own, spot.cumulative, f"{spot.cumulative / total:.0%}") for spot in spots]
    show(title, ("function", "calls", "own", "cumulative", "share"), rows)
