"""The effect in a Parquet file as Kairos tells it; one JSON line."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

start = perf_counter()

from recommender.effect.estimate import estimate  # noqa: E402 - loading it is part of the time
from recommender.effect.files import read_groups  # noqa: E402
from recommender.effect.groups import Columns  # noqa: E402
from recommender.effect.plan import Plan  # noqa: E402

columns = Columns("arm", "renewed", covariates=("before",), segment="segment", cost="cost")
groups = read_groups(Path(sys.argv[1]), columns)
found = estimate(groups, columns, "held_out", Plan(), {"mailed": 0.9, "held_out": 0.1})
[effect] = found.effects
print(
    json.dumps(
        {
            "seconds": perf_counter() - start,
            "estimate": effect.best.estimate,
            "error": effect.best.error,
            "unadjusted": effect.plain.estimate,
            "unadjusted_error": effect.plain.error,
            "cost": effect.cost.value if effect.cost else None,
            "segments": [each.best.estimate for each in found.segments],
            "segment_errors": [each.best.error for each in found.segments],
            "verdicts": dict(Counter(str(each.judged.verdict) for each in found.segments)),
        }
    )
)
