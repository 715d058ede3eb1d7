"""The best offers of every customer under eligibility, beside implicit's top-k and a loop over `LightFM.predict`.

    python benchmarks/topk.py [--size CUSTOMERS] [--large CUSTOMERS] [--repeats N] [--peer PYTHON]

What is measured is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.common import conclude, measured, say, show

MILLION, LARGE = 1_000_000, 100_000
SHAPES = {"small": (50, 32, 5), "large": (5_000, 64, 20)}
"""Items, dimensions, offers wanted."""
FEATURES, EACH, GROUPS, SAMPLE = 400, 10, 64, 300
PEER = """
import json, sys, time
import numpy as np
from threadpoolctl import threadpool_limits
from implicit.cpu.topk import topk
customers, items, dimensions, top, repeats, seed = map(int, sys.argv[1:])
draw = np.random.default_rng(seed)
rows = draw.normal(size=(customers, dimensions + 1)).astype(np.float32)
columns = draw.normal(size=(items, dimensions + 1)).astype(np.float32)
seconds = []
with threadpool_limits(1):
    for _ in range(repeats):
        start = time.perf_counter()
        topk(columns, rows, top, num_threads=2)
        seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds}))
"""


def learnt(items: int, dimensions: int, seed: int) -> Any:
    """A LightFM model as if fitted: its embeddings drawn, one per feature and item."""
    from recommender.models.lightfm import LightFM

    draw = np.random.default_rng(seed)
    shapes = ((FEATURES, dimensions), (FEATURES,), (items, dimensions), (items,))
    return LightFM(*(draw.normal(size=shape).astype(np.float32) for shape in shapes))


def described(customers: int, seed: int) -> Any:
    """Customers x features: a few of each customer, summing to 1."""
    from scipy.sparse import csr_matrix

    draw = np.random.default_rng(seed)
    columns = draw.integers(0, FEATURES, customers * EACH, dtype=np.int32)
    values = np.full(customers * EACH, 1 / EACH, dtype=np.float32)
    return csr_matrix((values, columns, np.arange(0, customers * EACH + 1, EACH)), shape=(customers, FEATURES))


def ours(customers: int, shape: str, repeats: int, seed: int) -> dict[str, Any]:
    """Seconds of representations and of products under a mask, and with none; memory of this process."""
    from recommender.selection import best_products

    items, dimensions, top = SHAPES[shape]
    model, features = learnt(items, dimensions, seed), described(customers, seed)
    draw = np.random.default_rng(seed + 1)
    eligible, group = draw.random((GROUPS, items)) < 0.7, draw.integers(0, GROUPS, customers)
    columns = np.hstack([model.item_factors, model.item_bias[:, None]])
    factors = np.hstack([model.feature_factors, np.zeros((FEATURES, 1), dtype=np.float32)])  # and room for the bias
    times: dict[str, list[float]] = {"representations": [], "masked": [], "plain": []}
    for _ in range(repeats):
        start = perf_counter()
        rows = features @ factors
        rows[:, -1] = 1.0
        times["representations"].append(perf_counter() - start)
        start = perf_counter()
        found, _ = best_products(rows, columns, top, candidates=lambda part: eligible[group[part]])
        times["masked"].append(perf_counter() - start)
        start = perf_counter()
        best_products(rows, columns, top)
        times["plain"].append(perf_counter() - start)
    few = slice(0, 500)
    scores = np.where(eligible[group[few]], rows[few] @ columns.T, -np.inf)
    assert (found[few] == np.argsort(-scores, axis=1, kind="stable")[:, :top]).mean() > 0.999
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**times, "peak_rss_mb": peak, "predict": predicting(model, features, items, dimensions)}


def predicting(model: Any, features: Any, items: int, dimensions: int) -> float:
    """Seconds a customer of the loop a developer writes first: `predict` for each, then the best; on a sample."""
    import lightfm

    engine = lightfm.LightFM(no_components=dimensions)
    engine._initialize(dimensions, items, FEATURES)
    engine.user_embeddings, engine.user_biases = model.feature_factors, model.feature_bias
    engine.item_embeddings, engine.item_biases = model.item_factors, model.item_bias
    few, every = features[:SAMPLE], np.arange(items, dtype=np.int32)
    start = perf_counter()
    for customer in range(SAMPLE):
        np.argsort(-engine.predict(customer, every, user_features=few))[:5]
    return (perf_counter() - start) / SAMPLE


def stand_in(customers: int, shape: str, repeats: int, seed: int) -> dict[str, Any]:
    """The peer where implicit is not to be had: its method, products and a partial sort by blocks, in NumPy."""
    items, dimensions, top = SHAPES[shape]
    draw = np.random.default_rng(seed)
    rows, columns = (draw.normal(size=(size, dimensions + 1)).astype(np.float32) for size in (customers, items))
    seconds, height = [], max(64, 400_000 // items)
    for _ in range(repeats):
        start = perf_counter()
        for begin in range(0, customers, height):
            scores = rows[begin : begin + height] @ columns.T
            picks = np.argpartition(scores, items - top, axis=1)[:, items - top :]
            np.argsort(-np.take_along_axis(scores, picks, axis=1), axis=1)
        seconds.append(perf_counter() - start)
    return {"seconds": seconds}


def peer(customers: int, shape: str, repeats: int, seed: int, python: str) -> tuple[str, list[float]]:
    """Who was compared with, and its seconds, without a mask and without representations: it knows neither."""
    import subprocess

    items, dimensions, top = SHAPES[shape]
    numbers = [str(value) for value in (customers, items, dimensions, top, repeats, seed)]
    done = subprocess.run([python, "-c", PEER, *numbers], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return "implicit", json.loads(done.stdout)["seconds"]
    say(f"{python} has no implicit; its method in NumPy stands in")
    return "numpy stand-in", stand_in(customers, shape, repeats, seed)["seconds"]


def one(customers: int, shape: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Ours and the peer in turn, each in a process of its own."""
    say(f"{customers:,} customers x {SHAPES[shape][0]:,} items")
    part = [str(Path(__file__)), "--part", shape, "--size", str(customers), "--repeats", str(asked.repeats)]
    mine = measured([*part, "--seed", str(asked.seed)]).report
    name, theirs = peer(customers, shape, asked.repeats, asked.seed, asked.peer)
    seconds = {what: statistics.median(mine[what]) for what in ("representations", "masked", "plain")}
    return {
        "customers": customers,
        "seconds": seconds["representations"] + seconds["masked"],
        **{f"{what}_seconds": value for what, value in seconds.items()},
        "peak_rss_mb": mine["peak_rss_mb"],
        "peer": name,
        "peer_seconds": statistics.median(theirs),
        "predict_loop_seconds_extrapolated": mine["predict"] * customers,
    }


def main(arguments: list[str]) -> None:
    """Measure both shapes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=MILLION, help="customers with a catalogue of 50")
    parser.add_argument("--large", type=int, default=LARGE, help="customers with a catalogue of 5,000; 0: none")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--peer", default=os.environ.get("KAIROS_PEER_PYTHON", sys.executable), help="a Python with implicit"
    )
    parser.add_argument("--part", choices=SHAPES, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.part:
        print(json.dumps(ours(asked.size, asked.part, asked.repeats, asked.seed)))
        return
    figures = {"small": one(asked.size, "small", asked)}
    if asked.large:
        figures["large"] = one(asked.large, "large", asked)
    names = (
        "catalogue",
        "customers",
        "with mask, s",
        "representations, s",
        "without mask, s",
        "peer",
        "peer, s",
        "predict loop, s *",
        "MiB",
    )
    rows = [
        (
            f"{SHAPES[shape][0]:,} items", each["customers"], each["masked_seconds"], each["representations_seconds"],
            each["plain_seconds"], each["peer"], each["peer_seconds"], each["predict_loop_seconds_extrapolated"],
            each["peak_rss_mb"],
        )
        for shape, each in figures.items()
    ]  # fmt: skip
    show("The best offers of every customer", names, rows)
    print(f"* extrapolated from {SAMPLE} customers")
    small = figures["small"]
    ratios = {"ours_over_implicit": small["masked_seconds"] / small["peer_seconds"]}
    ratios["ours_with_representations_over_implicit"] = small["seconds"] / small["peer_seconds"]
    ratios["predict_loop_over_ours"] = small["predict_loop_seconds_extrapolated"] / small["seconds"]
    if "large" in figures:
        ratios["large_ours_over_implicit"] = figures["large"]["masked_seconds"] / figures["large"]["peer_seconds"]
    conclude("topk", figures, ratios)


if __name__ == "__main__":
    main(sys.argv[1:])
