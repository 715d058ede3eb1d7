"""Uplift learners on public trials: how well each ranks, beside scikit-uplift and causalml where they are installed.

    python benchmarks/uplift.py [--size SPLITS] [--all] [--data FOLDER] [--peer PYTHON]

What is measured is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.common import conclude, say, show
from benchmarks.uplift_peers import agreement
from recommender.uplift.comparison import Comparison, compare_files, compare_splits
from recommender.uplift.frame import Columns, read_frame
from recommender.uplift.gains import rank_files, rank_splits
from recommender.uplift.trial import Plan, plan_names

SPLITS, DRAWS, SEED = 2, 200, 1
CAUSALML = 0.0606
"""Its X-learner with boosting on the same mail, over six splits of its own, as measured beside it in November 2026."""
LINEAR = ("class-transformation", "single", "two-model", "x")
DATA = Path(os.environ.get("KAIROS_DATA", Path(__file__).parents[2] / "shared" / "data"))
MAILS = {"women": "Womens E-Mail", "men": "Mens E-Mail"}


def hillstrom(data: Path, mail: str, splits: int, plan: Plan, outcome: str = "visit") -> Comparison:
    """One mail against none: halves of seeds 1, 2, ..., each tried by models of the other."""
    ignore = tuple({"visit", "conversion", "spend"} - {outcome})
    columns = Columns(outcome, "segment", MAILS[mail], "No E-Mail", ignore=ignore)
    return compare_splits(read_frame(data / "uplift-hillstrom" / "hillstrom.csv.gz", columns), splits, plan)


def insurance(data: Path, plan: Plan) -> Comparison:
    """Learnt from the file `train`, tested on `valid`."""
    columns = Columns("PURCHASE", "TREATMENT", ignore=("UNIQUE_ID",))
    folder = data / "uplift-insurance-direct-marketing"
    train, test = (read_frame(folder / f"{name}.csv.gz", columns) for name in ("train", "valid"))
    return compare_files(train, test, plan)


def calls(data: Path, splits: int) -> dict[str, Any]:
    """Whom to call first: halves by chance, and the calls of the last third of the time foreseen from those before."""
    import numpy as np

    frame = read_frame(data / "bank-telemarketing" / "bank-additional-full.csv.gz", Columns("y", ignore=("duration",)))
    cut = 2 * len(frame) // 3
    later = rank_files(frame.take(np.arange(cut)), frame.take(np.arange(cut, len(frame))), SEED, DRAWS)
    return {"halves": rank_splits(frame, splits, SEED, DRAWS).as_dict(), "later": later.as_dict()}


def shown(title: str, found: Comparison) -> None:
    """The learners of a trial and what may be said of them."""
    rows = []
    for line in found.lines:
        over = line.over_response
        told = ("", "", "") if over is None else (_four(over.value), _span(over), f"{line.over_response_p:.3g}")
        worth = "" if line.worth is None else f"{line.worth.share:.0%}"
        rows.append(
            (line.name, _four(line.qini.value), _span(line.qini), str(line.sd), _four(line.auuc.value), *told, worth)
        )
    show(title, ("learner", "Qini", "95 %", "sd", "AUUC", "over response", "95 %", "p", "worth it"), rows)
    print(f"{found.verdict.finding}: {'; '.join(found.verdict.words)}")


def _four(value: float) -> str:
    return f"{value:.4f}"


def _span(value: Any) -> str:
    return f"{value.low:.4f} to {value.high:.4f}"


def main(arguments: list[str]) -> None:
    """Three trials and a telephone campaign; with --peer the libraries on the same rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=SPLITS, help="splits into halves")
    parser.add_argument("--all", action="store_true", help="all learners; the linear ones where absent")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--peer", type=Path, help="Python of an environment with scikit-uplift and causalml")
    asked = parser.parse_args(arguments)
    plan = Plan(plan_names(() if asked.all else LINEAR), SEED, DRAWS)
    figures: dict[str, Any] = {"splits": asked.size, "draws": DRAWS}
    start = perf_counter()
    trials = [
        (f"hillstrom_{mail}_visit", lambda mail=mail: hillstrom(asked.data, mail, asked.size, plan)) for mail in MAILS
    ]
    trials.append(
        ("hillstrom_women_conversion", lambda: hillstrom(asked.data, "women", asked.size, plan, "conversion"))
    )
    trials.append(("insurance", lambda: insurance(asked.data, plan)))
    for name, run in trials:
        say(name)
        found = run()
        shown(name, found)
        figures[name] = {line.name: _four(line.qini.value) for line in found.lines} | {
            "finding": str(found.verdict.finding)
        }
    say("calls")
    ranked = calls(asked.data, min(asked.size, 2))
    for name, report in ranked.items():
        rows = [
            (
                each["learner"],
                *(" to ".join(_four(each[what][k]) for k in ("low", "high")) for what in ("gains", "reached_by_half")),
            )
            for each in report["learners"]
        ]
        show(
            f"Calls, {name}",
            ("model", "area under the gains curve, 95 %", "outcomes reached by the better half, 95 %"),
            rows,
        )
        figures[f"calls_{name}"] = {each["learner"]: _four(each["gains"]["value"]) for each in report["learners"]}
    figures["seconds"] = perf_counter() - start
    ratios = {}
    if asked.peer:
        told = agreement(asked.peer, asked.data)
        show("The same rows in the libraries", ("what", "furthest apart"), [(k, f"{v:.2e}") for k, v in told.items()])
        figures["furthest_apart"] = {name: f"{value:.2e}" for name, value in told.items()}
    best = max(float(value) for name, value in figures["hillstrom_women_visit"].items() if name != "finding")
    ratios["women_best_over_causalml_x"] = best / CAUSALML
    conclude("uplift", figures, ratios)


if __name__ == "__main__":
    main(sys.argv[1:])
