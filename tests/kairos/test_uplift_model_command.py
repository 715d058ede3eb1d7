"""`kairos uplift model` on small files of one's own."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from kairos.cli import main


@pytest.fixture
def trial(tmp_path):
    """Two files of a trial whose contact helps the young and puts the old off, whoever buys anyway."""

    def write(name, seed, rows=4_000):
        rng = np.random.default_rng(seed)
        age, tier = rng.integers(18, 80, rows), rng.choice(["gold", "basic"], rows)
        arm = rng.choice(["sms", "none", "call"], rows)
        rate = 0.1 + 0.2 * (tier == "gold") + 0.45 * (age >= 50) + (arm == "sms") * np.where(age < 50, 0.25, -0.2)
        bought = rng.random(rows) < rate
        path = tmp_path / name
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["customer_id", "age", "tier", "arm", "bought"])
            out.writerows(
                zip([f"C{i}" for i in range(rows)], age, tier, arm, np.where(bought, "yes", "no"), strict=True)
            )
        return path

    return [write("train.csv", 1), write("test.csv", 2)]


ROLES = ["--treatment", "arm", "--treated", "sms", "--control", "none", "--outcome", "bought"]
QUICK = ["--learner", "two-model", "--learner", "single", "--draws", "100"]


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["uplift", "model", *map(str, arguments)])
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


def test_an_effect_of_its_own_is_found_scored_and_drawn(trial, capsys, tmp_path):
    files = ["--train", trial[0], "--test", trial[1]]
    made = ["--scores", tmp_path / "out" / "scores.csv", "--html", tmp_path / "page.html"]
    code, out, _ = run(capsys, *files, *ROLES, *QUICK, *made, "--ignore", "customer_id", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["verdict"]["finding"] == "targeting beats the response model"
    assert report["learners"][0]["learner"] in ("two-model", "single")
    assert 0.4 < report["learners"][0]["worth_contacting"]["share"] < 0.7
    scores = list(csv.DictReader((tmp_path / "out" / "scores.csv").read_text().splitlines()))
    assert list(scores[0]) == [
        "row",
        "customer_id",
        "arm",
        "bought",
        "two-model",
        "single",
        "response",
        "response-boosted",
    ]
    assert len(scores) == report["rows"]["test"]
    assert {row["arm"] for row in scores} == {"sms", "none"}
    assert all(row["customer_id"] == f"C{int(row['row']) - 1}" for row in scores)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    HTMLParser().feed(page)
    assert "Targeting beats the response model" in page
    assert page.count("<polyline") == 4 + 3
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_speaks_chinese_too(trial, capsys, tmp_path):
    page = tmp_path / "page.html"
    run(capsys, "--train", trial[0], "--test", trial[1], *ROLES, *QUICK, "--html", page, "--locale", "zh-CN")
    assert '<html lang="zh-CN">' in page.read_text(encoding="utf-8")
    assert "按增量选人优于响应模型" in page.read_text(encoding="utf-8")


def test_one_file_is_cut_into_halves_and_people_read_the_verdict_last(trial, capsys):
    code, out, _ = run(
        capsys, "--data", trial[0], "--splits", 2, *ROLES, *QUICK, "--feature", "age", "--feature", "tier"
    )
    assert code == 0
    assert "2 splits into halves" in out
    assert "scikit-uplift" in out
    assert "ranks better than the response model" in out
    assert out.rstrip().splitlines()[-1].startswith("- ")


def test_without_a_treatment_customers_are_ranked_by_response(trial, capsys, tmp_path):
    scores = tmp_path / "scores.parquet"
    code, out, _ = run(
        capsys, "--train", trial[0], "--test", trial[1], "--outcome", "bought", "--ignore", "arm", "--draws", "100",
        "--scores", scores, "--json",
    )  # fmt: skip
    report = json.loads(out)
    assert code == 0
    assert report["verdict"]["finding"] == "ranked by response only"
    assert report["left_out"] == {"customer_id": "has another value in most rows: an id or a text"}
    assert report["learners"][0]["gains"]["low"] > 0.5
    assert scores.is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--data", "{0}", "--outcome", "bought", "--treatment", "arm"], 1, "Name the arms compared"),
        (["--data", "{0}", *ROLES, "--learner", "magic"], 1, "there is no learner 'magic'; there are"),
        (["--data", "no.csv", *ROLES], 1, "there is no file no.csv"),
        (["--data", "{0}", "--train", "{0}", *ROLES], 2, "--train and --test, or --data"),
        (["--train", "{0}", *ROLES], 2, "--train and --test, or --data"),
        (["--data", "{0}", "--outcome", "bought", "--control", "none"], 2, "who was treated"),
    ],
)
def test_what_is_asked_wrongly_is_told(trial, capsys, arguments, code, words):
    found, _, err = run(capsys, *(each.format(trial[0]) for each in arguments))
    assert found == code
    assert words in " ".join(err.replace("│", " ").split())
