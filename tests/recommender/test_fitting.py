"""Fitting: every model measured on customers it never saw, the choice said aloud, the same facts the same model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from recommender import FitReport, NothingToFitError, fit, load
from recommender.calibration import uncalibrated
from recommender.evaluation import Quality
from recommender.fitting import Fitted, choose
from recommender.models.lightfm import LightFM
from recommender.models.popularity import Popularity
from recommender.report import ModelReport

Make = Callable[..., dict[str, Any]]
Insurer = Callable[..., duckdb.DuckDBPyConnection]


def _quality(report: FitReport, name: str) -> Quality:
    found = {model.name: model.quality for model in report.models}[name]
    assert found is not None
    return found


def test_lightfm_finds_hidden_tastes_that_popularity_cannot(fitted: tuple[Path, FitReport]) -> None:
    report = fitted[1]
    ours, popular = _quality(report, "lightfm"), _quality(report, "popularity")
    assert ours.customers == popular.customers == report.validation_customers > 300
    assert ours.hr_at_1 > popular.hr_at_1 + 0.3
    assert ours.hr_at_3 > popular.hr_at_3 + 0.2
    assert ours.mrr_at_3 > popular.mrr_at_3 + 0.3
    assert ours.log_loss < popular.log_loss - 0.5
    assert report.served == "lightfm"
    assert "lightfm measured no worse than popularity" in report.why


def test_logistic_regression_can_stand_in(fitted: tuple[Path, FitReport]) -> None:
    assert _quality(fitted[1], "logistic").mrr_at_3 > _quality(fitted[1], "lightfm").mrr_at_3 - 0.05


def test_fitting_twice_gives_the_same_bytes(
    tasteful: duckdb.DuckDBPyConnection, fitted: tuple[Path, FitReport], tmp_path: Path, now: datetime
) -> None:
    again = fit(tasteful, tmp_path, now, seed=1)
    assert again.version == fitted[1].version
    for path in fitted[1].folder.iterdir():
        assert (tmp_path / again.version / path.name).read_bytes() == path.read_bytes(), path.name


def test_another_seed_is_another_model(
    tasteful: duckdb.DuckDBPyConnection, fitted: tuple[Path, FitReport], tmp_path: Path, now: datetime
) -> None:
    assert fit(tasteful, tmp_path, now, seed=2).version != fitted[1].version


def test_the_report_is_plain_values_and_the_model_describes_itself(fitted: tuple[Path, FitReport]) -> None:
    folder, report = fitted
    told = json.loads(json.dumps(report.as_dict()))
    described = load(folder).describe()
    assert load(folder).version == described["version"] == told["version"]
    assert described["models"] == told["models"]
    assert [model["name"] for model in told["models"]] == [
        "ease",
        "itemknn",
        "lightfm",
        "logistic",
        "popularity",
    ]
    assert told["models"][0]["hr_at_3"] == pytest.approx(_quality(report, "ease").hr_at_3, abs=1e-6)
    assert told["not_fitted"] == []
    assert told["fingerprint"]["customers"] == 2000
    assert told["available_rows"] > told["training_rows"] > 3000


def test_steps_are_told(tasteful: duckdb.DuckDBPyConnection, tmp_path: Path, now: datetime) -> None:
    steps: list[tuple[str, int, int]] = []
    fit(tasteful, tmp_path, now, seed=1, progress=lambda *step: steps.append(step))
    assert {step[1:] for step in steps[::2]} == {(0, 1)}
    assert [stage for stage, done, of in steps if done == of] == [
        "reading what customers hold and use",
        "fitting ease",
        "fitting itemknn",
        "fitting lightfm",
        "fitting logistic",
        "fitting popularity",
        "storing the models",
    ]


def test_where_the_extension_is_missing_logistic_regression_serves(
    tasteful: duckdb.DuckDBPyConnection, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightfm", None)
    report = fit(tasteful, tmp_path, now, seed=1)
    assert report.served == load(tmp_path).served.model.name == "logistic"
    missing = next(model for model in report.models if model.name == "lightfm")
    assert missing.quality is None
    assert report.as_dict()["not_fitted"] == [{"name": "lightfm", "note": missing.note}]
    assert "cannot be imported" in missing.note


def test_an_empty_catalogue_cannot_be_fitted(insurer: Insurer, tmp_path: Path, now: datetime) -> None:
    with pytest.raises(NothingToFitError, match=r"sources\.yaml"):
        fit(insurer({}), tmp_path, now, seed=1)
    assert not list(tmp_path.iterdir())


def test_a_catalogue_nobody_took_from_yet_serves_popularity_and_says_so(
    insurer: Insurer, tmp_path: Path, now: datetime, products: list[dict[str, Any]], ask: Callable[..., Any]
) -> None:
    db = insurer({"products": products, "customers": [{"customer_id": "A"}]})
    report = fit(db, tmp_path, now, seed=1)
    assert (report.served, report.why) == ("popularity", "no other model could be fitted")
    assert {model.note for model in report.models} == {"only 0 training rows", ""}
    assert load(tmp_path).top(db, ask("A"), kind=None, top=3, now=now).num_rows == 3


def test_twenty_customers_are_enough_to_fit(
    insurer: Insurer, policy: Make, tmp_path: Path, now: datetime, products: list[dict[str, Any]]
) -> None:
    people = [{"customer_id": f"C{i}"} for i in range(20)]
    terms = [policy(f"C{i}", item) for i in range(20) for item in (("motor", "travel"), ("home", "life"))[i % 2]]
    report = fit(insurer({"customers": people, "policies": terms, "products": products}), tmp_path, now, seed=1)
    assert report.validation_customers + report.training_rows // 2 == 20
    assert report.served in {"lightfm", "popularity"}
    assert report.served in report.why or "popularity" in report.why


def test_a_product_with_a_broken_condition_is_a_problem_of_the_fit(
    insurer: Insurer, tmp_path: Path, now: datetime, products: list[dict[str, Any]]
) -> None:
    products[0]["eligibility"] = "agee > 18"
    report = fit(insurer({"products": products}), tmp_path, now, seed=1)
    assert [problem.product_id for problem in report.problems] == ["home"]


def test_held_out_customers_whose_product_could_not_be_offered_are_set_aside(
    insurer: Insurer, policy: Make, tmp_path: Path, now: datetime, products: list[dict[str, Any]]
) -> None:
    products[0]["eligibility"] = "age > 90"
    people = [{"customer_id": f"C{i}"} for i in range(60)]
    terms = [policy(f"C{i}", ("home", "motor")[i % 2]) for i in range(60)]
    report = fit(insurer({"customers": people, "policies": terms, "products": products}), tmp_path, now, seed=1)
    assert report.validation_set_aside > 0
    assert report.validation_customers > 0


def _measured(mrr_at_3: float, customers: int = 100) -> tuple[Fitted, Fitted]:
    ours, popular = LightFM.__new__(LightFM), Popularity.__new__(Popularity)
    quality = Quality(customers, 0.1, 0.5, mrr_at_3, 1.0)
    return (
        Fitted(ours, uncalibrated(1), ModelReport("lightfm", 10, quality)),
        Fitted(popular, uncalibrated(1), ModelReport("popularity", 10, replace(quality, mrr_at_3=0.3))),
    )


@pytest.mark.parametrize(
    ("mrr_at_3", "customers", "served", "why"),
    [
        (0.31, 100, "lightfm", "MRR@3 0.310 against 0.300 on 100 held-out customers"),
        (0.30, 100, "lightfm", "no worse than popularity"),
        (0.29, 100, "popularity", "popularity measured better than lightfm: MRR@3 0.290 against 0.300"),
        (0.31, 0, "popularity", "no held-out customer"),
    ],
)
def test_popularity_serves_only_when_it_measures_better_and_the_report_says_so(
    mrr_at_3: float, customers: int, served: str, why: str
) -> None:
    ours, popular = _measured(mrr_at_3, customers)
    name, sentence = choose({"lightfm": ours, "popularity": popular})
    assert name == served
    assert why in sentence


@pytest.mark.parametrize(
    "code",
    [
        "import recommender; from recommender import check_eligibility; check_eligibility({'p': 'age > 1'})",
        "import recommender.serving, pathlib, sys; recommender.serving.load(pathlib.Path(sys.argv[1]))",
    ],
)
def test_neither_lint_nor_loading_a_model_imports_what_it_was_fitted_with(
    code: str, fitted: tuple[Path, FitReport]
) -> None:
    heavy = "import sys; print(sorted({'pandas', 'sklearn', 'lightfm', 'scipy'} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; {heavy}", str(fitted[0])],
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    assert run.stdout.strip() == "[]"
