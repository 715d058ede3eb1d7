"""How long `kairos recommend fit` learns, how that grows with customers, and which share of it is LightFM's.

    python benchmarks/fit.py [--size CUSTOMERS] [--seed N]

What is measured is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.common import conclude, kairos, measured, say, show

QUICK, PARTS = 8_000, 4
AS_OF = "2026-11-23"


def fitted(workspace: Path, seed: int) -> dict[str, Any]:
    """Fit once, in this process: seconds of each stage, and what was learnt from."""
    from kairos.workspace import Workspace
    from recommender import fit

    place, stages, begun = Workspace(workspace), {}, {}
    now = place.instant(AS_OF, lambda: datetime.now(UTC))

    def progress(stage: str, done: int, of: int) -> None:
        if done < of:
            begun[stage] = perf_counter()
        else:
            stages[stage] = perf_counter() - begun[stage]

    with place.facts(now) as facts:
        report = fit(facts.db, place.models, now, seed=seed, progress=progress)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"stages": stages, "rows": report.training_rows, "available": report.available_rows, "peak_rss_mb": peak}


def one(size: int, seed: int) -> dict[str, Any]:
    """Make an insurer and fit on it, each in a process of its own."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "demo"
        say(f"{size:,} customers: generating")
        kairos("init", place, "--demo", "--customers", str(size), "--seed", str(seed), "--as-of", AS_OF)
        say("fitting")
        return measured([Path(__file__), "--fit", place, "--seed", str(seed)]).report


def main(arguments: list[str]) -> None:
    """Fit on a quarter of the customers and on all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=QUICK, help="customers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.fit:
        print(json.dumps(fitted(asked.fit, asked.seed)))
        return
    sizes = (asked.size // PARTS, asked.size)
    found = {size: one(size, asked.seed) for size in sizes}
    few, many = (found[size]["stages"] for size in sizes)
    show(
        f"Seconds of a fit on {found[sizes[0]]['rows']:,} and {found[sizes[1]]['rows']:,} rows",
        ("stage", *(f"{size:,} customers" for size in sizes), "growth"),
        [(stage, few[stage], seconds, seconds / few[stage]) for stage, seconds in many.items()],
    )
    total, before = sum(many.values()), sum(few.values())
    learning = sum(seconds for stage, seconds in many.items() if stage.startswith("fitting"))
    figures = {
        "customers": asked.size,
        "seconds": total,
        "training_rows": found[asked.size]["rows"],
        "available_rows": found[asked.size]["available"],
        "peak_rss_mb": found[asked.size]["peak_rss_mb"],
        "seconds_by_stage": many,
    }
    ratios = {
        "growth": total / before,
        "customers": float(PARTS),
        "lightfm_growth": many["fitting lightfm"] / few["fitting lightfm"],
        "lightfm_share_of_fitting": many["fitting lightfm"] / learning,
    }
    conclude("fit", figures, ratios)


if __name__ == "__main__":
    main(sys.argv[1:])
