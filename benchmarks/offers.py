"""Every model of the recommender on public data sets, beside popularity.

    python benchmarks/offers.py [--data NAME ...] [--size ROWS] [--folds N] [--model NAME ...] [--ablate]

What is measured is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import recommender.tuning
from benchmarks.common import conclude, say, show
from benchmarks.offer_trials import TRIALS
from recommender.calibration import probabilities
from recommender.comparison import Comparison, Line, compare
from recommender.foresight import Asked, foresee
from recommender.trial import Trial

CARAVAN, PICKED = "coil2000-caravan", 800
QUICK = 60_000
"""Rows a trial learns from at most, thinned by chance; larger sizes take minutes on the larger sets."""
FOLDED = ("bruun-insurance-purchases", "cas-motor-guarantees")
"""Where what was taken later may be learnt from other customers' later takings."""
LIGHT = ("ease", "itemknn", "lightfm")


def thinned(trial: Trial, size: int, seed: int) -> Trial:
    """The trial with at most `size` rows to learn from."""
    rows = len(trial.targets)
    if rows <= size:
        return trial
    kept = np.sort(np.random.default_rng(seed).choice(rows, size, replace=False))
    return replace(
        trial,
        features=trial.features[kept],
        weight=trial.weight[kept],
        targets=trial.targets[kept],
        age=trial.age[kept],
        window=trial.window[kept],
    )


def holders(trial: Trial, seed: int, asked: Asked, picked: int = PICKED) -> dict[str, int]:
    """Of the `picked` test customers likeliest to hold a caravan policy by each model, those who do."""
    found = foresee(trial, seed, asked)
    yes = trial.items.index("caravan")
    every = np.ones(trial.candidates.shape, dtype=bool)
    counts = {}
    for name, logits in found.logits.items():
        order = np.argsort(-probabilities(logits, every)[:, yes], kind="stable")[:picked]
        counts[name] = int(trial.relevant[order, yes].sum())
    return dict(sorted(counts.items(), key=lambda each: -each[1]))


def lines_of(found: Comparison) -> list[Line]:
    return [line for line in found.lines if line.segment == "all"]


def tell(title: str, found: Comparison) -> dict[str, Any]:
    """Print a table of the models, and give their hit rates."""
    rows, figures = [], {}
    for line in lines_of(found):
        hit, more = line.metrics["hr"], line.over_popularity.get("hr")
        over = f"{more.value:+.4f} ({more.low:+.4f} to {more.high:+.4f})" if more else ""
        span = f"{hit.low:.4f} to {hit.high:.4f}"
        others = [f"{line.metrics[name].value:.4f}" for name in ("mrr", "ndcg", "recall")]
        brier = f"{line.reliability.brier:.4f}"
        rows.append((line.model, f"{hit.value:.4f}", span, over, *others, f"{line.novelty:.2f}", brier))
        figures[line.model] = {"hr": round(hit.value, 4), "mrr": round(line.metrics["mrr"].value, 4)}
    k = found.k
    names = (
        "model",
        f"HR@{k}",
        "95 %",
        "over popularity (95 %)",
        f"MRR@{k}",
        f"NDCG@{k}",
        "recall",
        "novelty",
        "Brier",
    )
    show(f"{title}: {lines_of(found)[0].events:,} events, {found.items} items", names, rows)
    for name, why in found.not_fitted.items():
        print(f"not fitted: {name}: {why}")
    return figures


def ablated(trial: Trial, seed: int, asked: Asked) -> list[tuple[str, Comparison]]:
    """The trial with one thing left out at a time."""
    found = [("everything", compare(trial, 3, seed, asked=asked))]
    found.append(("without exposure", compare(trial, 3, seed, asked=replace(asked, exposure=False))))
    lives, recommender.tuning.HALF_LIVES = recommender.tuning.HALF_LIVES, (0.0,)
    try:
        found.append(("without fading", compare(trial, 3, seed, asked=asked)))
    finally:
        recommender.tuning.HALF_LIVES = lives
    found.append(("without the search for settings", compare(trial, 3, seed, asked=replace(asked, search=False))))
    return found


def one(name: str, data: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Read, compare and tell one data set."""
    begin = perf_counter()
    say(f"reading {name}")
    layout, k = TRIALS[name]
    trial = thinned(layout(data), arguments.size, arguments.seed)
    large = len(trial.items) > 100
    asked = Asked(only=arguments.model or (LIGHT if large else None), search=not large)
    say(f"comparing on {len(trial.targets):,} rows, {trial.features.shape[1]:,} features")
    if name == CARAVAN:
        counts = holders(trial, arguments.seed, asked)
        show(
            f"{name}: holders among the {PICKED} picked of {len(trial.relevant):,}",
            ("model", "holders"),
            list(counts.items()),
        )
        return {"holders": counts, "seconds": perf_counter() - begin}
    if arguments.ablate:
        told = {what: tell(f"{name}, {what}", found) for what, found in ablated(trial, arguments.seed, asked)}
        return {"ablated": told, "seconds": perf_counter() - begin}
    figures = {"models": tell(name, compare(trial, k, arguments.seed, asked=asked))}
    if arguments.folds and name in FOLDED:
        found = compare(trial, k, arguments.seed, asked=asked, folds=arguments.folds)
        figures["folds"] = tell(f"{name}, learnt from the test events in {arguments.folds} parts", found)
    return {**figures, "seconds": perf_counter() - begin}


def main(arguments: list[str]) -> None:
    """Go through the data sets asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=[*TRIALS, "all"], default=["bruun-insurance-purchases"])
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("KAIROS_DATA", "../shared/data")))
    parser.add_argument("--size", type=int, default=QUICK, help="rows a trial learns from at most")
    parser.add_argument("--folds", type=int, default=0, help="beside it, learn from the test events in so many parts")
    parser.add_argument("--model", nargs="+", help="only these models, and popularity")
    parser.add_argument("--ablate", action="store_true", help="leave one thing out at a time")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    names = list(TRIALS) if "all" in asked.data else asked.data
    figures = {name: one(name, asked.folder, asked) for name in names}
    ratios = {
        f"{name}_best_over_popularity": max(m["hr"] for m in each["models"].values())
        / each["models"]["popularity"]["hr"]
        for name, each in figures.items()
        if "models" in each
    }
    conclude("offers", figures, ratios)


if __name__ == "__main__":
    main(sys.argv[1:])
