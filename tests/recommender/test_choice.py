"""Any model may serve, the blend and the trees too: fitted, tuned, stored, loaded, scored for all and for one, explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from recommender import FitReport, UnfitInputError, fit, load
from recommender.fitting import Choice
from recommender.models import models
from recommender.models.blend import Blend
from recommender.reasons import CHINESE, LINES, NEUTRAL
from recommender.store import read_version

Served = tuple[Path, FitReport]


@pytest.fixture(scope="module", params=["blend", "boosting", "ease", "itemknn", "logistic", "popularity"])
def served(request: pytest.FixtureRequest, tasteful: duckdb.DuckDBPyConnection, tmp_path_factory: Any) -> Served:
    """A fit whose served model was asked for."""
    folder = tmp_path_factory.mktemp("models")
    instant = datetime.fromisoformat("2026-06-01T04:00:00+00:00")
    return folder, fit(tasteful, folder, instant, seed=1, choice=Choice(request.param))


@pytest.fixture(scope="module")
def tuned(tasteful: duckdb.DuckDBPyConnection, tmp_path_factory: Any) -> Served:
    """A tuned fit that serves the blend."""
    folder = tmp_path_factory.mktemp("tuned")
    instant = datetime.fromisoformat("2026-06-01T04:00:00+00:00")
    return folder, fit(tasteful, folder, instant, seed=1, choice=Choice("blend", tune=True))


def test_the_model_asked_for_serves_and_the_report_says_what_it_measured(served: Served) -> None:
    folder, report = served
    assert load(folder).served.model.name == report.served
    assert report.why.startswith(f"{report.served} was asked for: MRR@3 0.")
    quality = {model.name: model.quality for model in report.models}
    ours, popular = quality[report.served], quality["popularity"]
    assert ours and popular
    assert report.served == "popularity" or ours.mrr_at_3 > popular.mrr_at_3 + 0.2


def test_one_customer_is_scored_as_among_all(
    served: Served, tasteful: duckdb.DuckDBPyConnection, ask: Callable[..., pa.Table], now: datetime
) -> None:
    model = load(served[0])
    names = [name for (name,) in tasteful.execute("select customer_id from customers order by 1").fetchall()]
    offers = model.top(tasteful, ask(*names), kind=None, top=3, now=now).to_pylist()
    assert len({o["customer_id"] for o in offers}) > 1_900
    for name in names[5:8]:
        among = [o for o in offers if o["customer_id"] == name]
        alone = model.top(tasteful, ask(name), kind=None, top=3, now=now).to_pylist()
        assert [o["product_id"] for o in alone] == [o["product_id"] for o in among]
        assert [o["reason"] for o in alone] == [o["reason"] for o in among]
        np.testing.assert_allclose([o["probability"] for o in alone], [o["probability"] for o in among], atol=1e-6)


def test_a_reason_names_a_line_that_may_be_named_or_none(
    served: Served, tasteful: duckdb.DuckDBPyConnection, ask: Callable[..., pa.Table], now: datetime
) -> None:
    names = [name for (name,) in tasteful.execute("select customer_id from customers").fetchall()]
    found = load(served[0]).top(tasteful, ask(*names, locale="zh-CN"), kind=None, top=3, now=now)
    said = set(found["reason"].to_pylist())
    nameable = {line[CHINESE].insured for line in LINES.values()} | {line[CHINESE].services for line in LINES.values()}
    for reason in said - {NEUTRAL[CHINESE]}:
        assert any(name in reason for name in nameable), reason
        assert not any(word in reason for word in ("医疗", "寿险", "健康", "体检")), reason
    assert (len(said) > 1) == (served[1].served != "popularity")


def test_a_stored_blend_scores_what_the_fitted_one_did(tuned: Served, tasteful: duckdb.DuckDBPyConnection) -> None:
    blend = load(tuned[0]).served.model
    assert isinstance(blend, Blend)
    report = tuned[1].as_dict()
    assert set(blend.members) == set(report["blend"]) <= set(models())
    assert "popularity" not in blend.members
    assert all(weight > 0 for weight in report["blend"].values())


def test_a_tuned_fit_stores_what_was_chosen_and_each_choice_is_one_there_was(tuned: Served) -> None:
    stored = json.loads(read_version(tuned[0])[1]["metrics.json"])
    chosen = {model["name"]: model["settings"] for model in stored["models"] if "settings" in model}
    assert set(chosen) == {"boosting", "ease", "itemknn", "lightfm", "logistic"}
    for name, settings in chosen.items():
        assert set(settings) == set(models()[name].choices)
        assert all(value in models()[name].choices[setting] for setting, value in settings.items())
    assert stored["half_life_days"] in (0.0, 365.0, 180.0, 90.0)


def test_the_blend_is_no_worse_than_its_best_member_by_what_it_was_chosen_by(tuned: Served) -> None:
    losses = {model.name: model.quality.log_loss for model in tuned[1].models if model.quality}
    assert losses["blend"] < min(losses.values()) + 0.01


def test_choosing_settings_is_repeatable(
    tuned: Served, tasteful: duckdb.DuckDBPyConnection, tmp_path: Path, now: datetime
) -> None:
    again = fit(tasteful, tmp_path, now, seed=1, choice=Choice("blend", tune=True))
    assert again.version == tuned[1].version


def test_a_model_that_cannot_be_fitted_is_said_and_changes_nothing(
    insurer: Callable[..., Any], products: list[dict[str, Any]], tmp_path: Path, now: datetime
) -> None:
    db = insurer({"products": products, "customers": [{"customer_id": "A"}]})
    with pytest.raises(UnfitInputError, match="boosting was asked for and cannot be fitted: only 0 training rows"):
        fit(db, tmp_path, now, seed=1, choice=Choice("boosting"))
    with pytest.raises(UnfitInputError, match="blend was asked for and cannot be fitted: there are no rows"):
        fit(db, tmp_path, now, seed=1, choice=Choice("blend", tune=True))
    with pytest.raises(UnfitInputError, match="there is no model crystal"):
        fit(db, tmp_path, now, seed=1, choice=Choice("crystal"))
    assert not list(tmp_path.iterdir())
