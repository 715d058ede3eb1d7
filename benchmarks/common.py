"""What benchmarks share: a command measured in a process of its own, a table, and the one JSON line at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

from benchmarks.memory import Together

KAIROS = ("-c", "from kairos.cli import main; main()")
"""The command line as arguments to Python, so that no script has to be on the path."""


class BenchmarkError(Exception):
    """A command failed, or two ways of counting disagree: there is no figure to print."""


@dataclass(frozen=True)
class Spent:
    """What a process took: wall seconds from its start to its end, CPU seconds, peak memory in MiB, workers of its own included."""

    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    output: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON object it printed."""
        found: dict[str, Any] = json.loads(self.output)
        return found


def measured(arguments: Sequence[str | Path]) -> Spent:
    """Run Python with these arguments and wait for it; its standard error passes through. Raises BenchmarkError.

    `wait4` reports this one process and the CPU of those it waited for. A new process starts with the peak of the one that
    made it, so whoever calls this must be smaller than what is measured: benchmarks leave all heavy work to their children.
    """
    with TemporaryFile("w+", encoding="utf-8") as output:
        start = perf_counter()
        child = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=output)
        with Together(child.pid) as together:
            _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise BenchmarkError(f"{' '.join(map(str, arguments))} ended with {child.returncode}\n{text[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    peak = max(usage.ru_maxrss * unit / 2**20, together.peak_mb)
    return Spent(seconds, usage.ru_utime + usage.ru_stime, peak, text)


def kairos(*arguments: str | Path) -> Spent:
    """Run the `kairos` command in a process of its own."""
    return measured([*KAIROS, *arguments])


def say(words: str) -> None:
    """Tell whoever waits what is being done."""
    print(words, file=sys.stderr, flush=True)


def show(title: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; the first column is words, the others are numbers or words aligned right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[place]) for row in cells)) for place, name in enumerate(names)]
    print(f"\n{title}")
    for row in [list(names), ["-" * width for width in widths], *cells]:
        first, *rest = (
            f"{cell:<{w}}" if not place else f"{cell:>{w}}"
            for place, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *rest]).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def conclude(benchmark: str, figures: dict[str, Any], ratios: dict[str, float]) -> None:
    """Print the last line: one JSON object, numbers rounded to what can be meant."""
    print()
    print(json.dumps({"benchmark": benchmark, "figures": _rounded(figures), "ratios": _rounded(ratios)}))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value
