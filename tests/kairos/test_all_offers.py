"""The offers of every customer in one file: here, or part by part on a cluster, the same."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from kairos.cli.app import app

AS_OF = ("--as-of", "2026-11-23")
JAVA = shutil.which("java") or os.environ.get("JAVA_HOME")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo insurer of 400 customers with a fitted model."""
    folder = tmp_path_factory.mktemp("offers") / "w"
    for command in (["init", str(folder), "--demo", "--customers", "400"], ["recommend", "fit", "-w", str(folder)]):
        answer = CliRunner().invoke(app, [*command, *AS_OF, "--json"])
        assert answer.exit_code == 0, answer.output
    return folder


def ask(folder: Path, *options: str) -> object:
    answer = CliRunner().invoke(app, ["recommend", "top", "-w", str(folder), *AS_OF, "--json", *options])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def alike(one: list[dict], other: list[dict]) -> bool:
    """Numbers are reckoned in single precision, many customers at once: how many, changes their last digits."""
    numbers = ("probability", "score")
    for name in numbers:
        assert [row[name] for row in one] == pytest.approx([row[name] for row in other], abs=1e-5)
    return [row | dict.fromkeys(numbers) for row in one] == [row | dict.fromkeys(numbers) for row in other]


def test_every_customer_with_an_offer_stands_in_the_file_best_first(fitted, tmp_path):
    told = ask(fitted, "--all", str(tmp_path / "offers.parquet"), "--top", "2")
    table = pq.read_table(tmp_path / "offers.parquet").to_pandas()
    assert (told["offers"], told["served"]) == (len(table), table["customer_id"].nunique())
    assert told["served"] > 300
    assert table[["customer_id", "rank"]].apply(tuple, axis=1).is_monotonic_increasing
    one = table["customer_id"].iloc[0]
    shown = ask(fitted, "--customer", one, "--top", "2")
    assert alike(table[table["customer_id"] == one].to_dict("records"), shown)


def test_a_run_that_fails_leaves_the_file_as_it_was(fitted, tmp_path):
    target = tmp_path / "offers.parquet"
    target.write_bytes(b"as before")
    answer = CliRunner().invoke(
        app, ["recommend", "top", "-w", str(fitted), "--as-of", "2029-01-01", "--all", str(target)]
    )
    assert answer.exit_code != 0
    assert "recommend fit" in str(answer.exception)
    assert (target.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (b"as before", ["offers.parquet"])


@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or not JAVA,
    reason="PySpark and a Java runtime are needed (scripts/setup-spark)",
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning")
def test_scored_part_by_part_on_spark_they_are_the_same(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr("kairos.offers.PART", 150)
    here = ask(fitted, "--all", str(tmp_path / "here.parquet"))
    settings = fitted / "kairos.yaml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r"(?m)^engine: .*", "engine: local[2]", before), encoding="utf-8")
    try:
        there = ask(fitted, "--all", str(tmp_path / "there.parquet"))
    finally:
        settings.write_text(before, encoding="utf-8")
    assert {**here, "file": ""} == {**there, "file": ""}
    assert alike(*(pq.read_table(tmp_path / f"{name}.parquet").to_pylist() for name in ("here", "there")))
