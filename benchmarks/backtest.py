"""A backtest of some days over a generated insurer: seconds a day, and what a year would take at that pace.

    python benchmarks/backtest.py [--size CUSTOMERS] [--days N] [--sample SHARE]

What is measured is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import conclude, kairos, say, show

QUICK, DAYS = 10_000, 7
AS_OF = date(2026, 11, 23)


def main(arguments: list[str]) -> None:
    """Generate, fit, run the days that end with the day the facts surround."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=QUICK, help="customers")
    parser.add_argument("--days", type=int, default=DAYS, help="days run")
    parser.add_argument("--sample", default="100%", help="share of the customers run, e.g. 5%%")
    asked = parser.parse_args(arguments)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "workspace"
        say(f"generating {asked.size:,} customers")
        kairos("init", folder, "--demo", "--customers", str(asked.size), "--as-of", str(AS_OF), "--json")
        kairos("recommend", "fit", "-w", folder, "--as-of", str(AS_OF), "--json")
        say(f"running {asked.days} days")
        first = AS_OF - timedelta(days=asked.days - 1)
        period = ("--from", str(first), "--to", str(AS_OF))
        spent = kairos("backtest", *period, "--sample", asked.sample, "-w", folder, "--json")
    report = spent.report
    facts, total = report["seconds"]["facts"], report["seconds"]["total"]
    a_day = (total - facts) / asked.days
    figures = {
        "customers": asked.size,
        "days": asked.days,
        "customers_run": report["sample"]["customers"] if "sample" in report else asked.size,
        "minutes": total / 60,
        "moments": report["totals"]["moments"],
        "messages": report["totals"]["messages"],
        "facts_seconds": facts,
        "seconds_a_day": a_day,
        "year_minutes_at_that_pace": (facts + 365 * a_day) / 60,
        "peak_rss_mb": spent.peak_rss_mb,
    }
    show("Backtest", ("figure", "value"), list(figures.items()))
    conclude("backtest", figures, {"a_day_over_facts": a_day / facts})


if __name__ == "__main__":
    main(sys.argv[1:])
