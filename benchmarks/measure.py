"""The effect of a campaign on many customers in 20 segments: one DuckDB aggregation and sums, against the same in pandas."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from common import BenchmarkError, Spent, conclude, measured, say, show

HERE = Path(__file__).parent
SIZE = 1_000_000
EXACT = 1e-7
"""How far two ways of counting may be apart, relatively."""


def main() -> None:
    """Make the customers, tell the effect both ways in processes of their own, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help=f"customers; default {SIZE:,}")
    parser.add_argument("--repeats", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "customers.parquet"
        say(f"{chosen.size:,} customers into a Parquet file ...")
        measured([HERE / "measure_facts.py", file, str(chosen.size), str(chosen.seed)])
        found = {}
        for name in ("kairos", "pandas"):
            say(f"the effect with {name} ...")
            found[name] = _fastest(name, file, chosen.repeats)
        _same(found["kairos"].report, found["pandas"].report)
        _tell(chosen.size, file.stat().st_size, found)


def _fastest(name: str, file: Path, repeats: int) -> Spent:
    tries = [measured([HERE / f"measure_{name}.py", file]) for _ in range(repeats)]
    return min(tries, key=lambda each: each.seconds)


def _same(ours: dict[str, object], theirs: dict[str, object]) -> None:
    """Both must have found the same, or there is no figure."""
    for name, value in theirs.items():
        told = ours[name]
        if isinstance(value, list):
            for one, other in zip(told, value, strict=True):  # type: ignore[call-overload]
                _near(name, one, other)
        elif isinstance(value, float) and name != "seconds":
            _near(name, told, value)  # type: ignore[arg-type]


def _near(name: str, one: float, other: float) -> None:
    if abs(one - other) > EXACT * max(abs(one), abs(other), 1e-12):
        raise BenchmarkError(f"{name}: {one} and {other} are not the same")


def _tell(size: int, length: int, found: dict[str, Spent]) -> None:
    rows = [
        (name, each.report["seconds"], each.seconds, each.cpu_seconds, each.peak_rss_mb) for name, each in found.items()
    ]
    names = ("", "seconds", "process s", "CPU s", "peak MiB")
    show(f"Effect on {size:,} customers in 20 segments, {length / 2**20:,.0f} MiB of Parquet", names, rows)
    ours, theirs = found["kairos"], found["pandas"]
    print(
        f"\neffect {ours.report['estimate']:+.6f}, put in +0.020; in segments +0.020 and, in one, -0.020: {ours.report['verdicts']}"
    )
    figures = {
        "customers": size,
        **{f"{name}_seconds": each.report["seconds"] for name, each in found.items()},
        **{f"{name}_process_seconds": each.seconds for name, each in found.items()},
        **{f"{name}_peak_rss_mb": each.peak_rss_mb for name, each in found.items()},
        "customers_per_s": size / ours.report["seconds"],
    }
    ratios = {
        "seconds_pandas_over_kairos": theirs.report["seconds"] / ours.report["seconds"],
        "memory_pandas_over_kairos": theirs.peak_rss_mb / ours.peak_rss_mb,
    }
    conclude("measure", figures, ratios)


if __name__ == "__main__":
    main()
