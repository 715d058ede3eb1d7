"""The scan for moments over millions of policies: each kind of trigger beside the same SQL written by hand.

    python benchmarks/scan.py [--size POLICIES] [--repeats N]

What is measured is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import BenchmarkError, conclude, measured, say, show

QUICK = 1_000_000
WORKER = Path(__file__).with_name("scan_worker.py")


@dataclass(frozen=True)
class Scan:
    """One size: per kind the moments, and median seconds of the engine and of the SQL; the peak of the process."""

    size: int
    kinds: dict[str, dict[str, Any]]
    peak_rss_mb: float

    def seconds(self, who: str) -> float:
        """All kinds together."""
        return float(sum(kind[who] for kind in self.kinds.values()))


def scan(size: int, repeats: int) -> Scan:
    """Measure one size in a process of its own."""
    say(f"{size:,} policies")
    spent = measured([WORKER, str(size), str(repeats)])
    kinds = json.loads(spent.output.strip().splitlines()[-1])
    for name, kind in kinds.items():
        if kind["engine_hash"] != kind["sql_hash"]:
            raise BenchmarkError(f"{name}: the engine and the SQL found different moments")
    return Scan(size, kinds, spent.peak_rss_mb)


def main(arguments: list[str]) -> None:
    """Measure a tenth of the size and the size, and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=QUICK, help="policies")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each query, in turn; the median counts")
    asked = parser.parse_args(arguments)
    small, large = scan(max(asked.size // 10, 1), asked.repeats), scan(asked.size, asked.repeats)
    rows = [
        (
            name,
            kind["moments"],
            kind["engine"],
            kind["sql"],
            kind["ratio"],
            kind["engine"] / small.kinds[name]["engine"],
        )
        for name, kind in large.kinds.items()
    ]
    names = ("kind", "moments", "engine s", "SQL s", "ratio", "growth")
    show(f"{large.size:,} policies (growth: seconds beside those of {small.size:,})", names, rows)
    ratios = {
        "engine_over_sql": median(kind["ratio"] for kind in large.kinds.values()),
        "worst_engine_over_sql": max(kind["ratio"] for kind in large.kinds.values()),
        "all_engine_over_sql": large.seconds("engine") / large.seconds("sql"),
        "growth": large.seconds("engine") / small.seconds("engine"),
    }
    figures = {
        "policies": large.size,
        "engine_seconds": large.seconds("engine"),
        "sql_seconds": large.seconds("sql"),
        "peak_rss_mb": large.peak_rss_mb,
        "peak_rss_mb_of_a_tenth": small.peak_rss_mb,
        "kinds": {
            name: {"seconds": kind["engine"], "moments": kind["moments"], "ratio": kind["ratio"]}
            for name, kind in large.kinds.items()
        },
    }
    conclude("scan", figures, ratios)


if __name__ == "__main__":
    main(sys.argv[1:])
