"""Uplift models of a workspace: saved where they may be, applied to its customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kairos.errors import KairosError
from kairos.workspace import Progress, Workspace

if TYPE_CHECKING:
    from recommender.uplift.comparison import Comparison
    from recommender.uplift.frame import Frame


def save_model(
    place: Workspace,
    name: str,
    frame: Frame,
    found: Comparison,
    report: Mapping[str, Any],
    now: datetime,
    *,
    unproven: bool,
) -> dict[str, str]:
    """Fit the best learner that can be served on all rows and put it in service under a name.

    Raises KairosError where nothing was proven and `unproven` does not say that it shall serve all the same.
    """
    from recommender.uplift.serving import fit_model, save, servable
    from recommender.uplift.verdict import Finding

    if found.verdict.finding is not Finding.PAYS and not unproven:
        raise KairosError(f"not saved: {found.verdict.finding}. With --unproven it is saved all the same")
    able = servable()
    chosen = next((line.name for line in found.lines if line.name in able), None)
    if chosen is None:
        raise KairosError(f"none of the learners tried can be served; add one of these: --learner {', '.join(able)}")
    told = {key: report[key] for key in ("files", "columns", "rows", "average_effect", "verdict", "definition", "seed")}
    line = next(each for each in report["learners"] if each["learner"] == chosen)
    measured = {key: line[key] for key in ("qini", "auuc", "over_response", "worth_contacting")}
    model = fit_model(frame, chosen, found.plan, {**told, "measured": measured})
    return {"name": name, "learner": chosen, "version": save(model, place.uplift_models, name, now)}


def apply_model(
    place: Workspace,
    name: str,
    campaigns: Sequence[str],
    now: datetime,
    *,
    data: Path | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score the customers, from the facts or a file, and write rows of the view `uplift`. Raises KairosError, UpliftError."""
    import numpy as np
    import pyarrow as pa

    from recommender.uplift.frame import read_table
    from recommender.uplift.people import among_customers, known_customers
    from recommender.uplift.scorefile import write_table
    from recommender.uplift.serving import load

    _check(place, campaigns)
    model, left_out = load(place.uplift_models, name), 0
    with place.facts(now, progress) as facts:
        if data is None:
            table = known_customers(facts.db, now)
        else:
            table, left_out = among_customers(read_table(data), facts.db)
    if not table.num_rows:
        raise KairosError("there are no customers to score")
    effect, told = model.effect(table), f"{name}@{model.version}"
    size = len(campaigns)
    columns = {
        "customer_id": pa.array(np.repeat(table["customer_id"].cast(pa.string()).to_numpy(zero_copy_only=False), size)),
        "campaign": pa.array(np.tile(np.array(campaigns, dtype=object), len(effect))),
        "propensity": pa.nulls(size * len(effect), pa.float64()),
        "uplift": pa.array(np.repeat(effect, size)),
        "model": pa.array([told] * (size * len(effect))),
    }
    file = out or place.folder / "facts" / "uplift" / f"{name}.parquet"
    write_table(pa.table(columns), file)
    return {
        "model": told,
        "campaigns": list(campaigns),
        "customers": len(effect),
        "left_out": left_out,
        "put_off": int((effect < 0).sum()),
        "mean": round(float(effect.mean()), 6),
        "low": round(float(effect.min()), 6),
        "high": round(float(effect.max()), 6),
        "file": str(file),
    }


def _check(place: Workspace, campaigns: Sequence[str]) -> None:
    known = sorted(path.stem for path in place.campaign_files())
    for name in campaigns:
        if name not in known:
            raise KairosError(f"there is no campaign {name!r}; there are {', '.join(known)}")
