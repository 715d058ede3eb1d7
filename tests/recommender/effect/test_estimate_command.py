"""`kairos uplift estimate` on published trials, on files with faults, and against the rows themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from kairos.cli.app import app
from recommender.effect.files import control_of, read_groups
from recommender.effect.groups import Columns
from recommender.errors import EffectError


def run(*arguments: str | Path) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["uplift", "estimate", *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("outcome", "men", "women", "levels"),
    [
        ("visit", 0.0766, 0.0452, (0.182757, 0.151400, 0.106167)),
        ("conversion", 0.0068, 0.0031, (0.012531, 0.008837, 0.005726)),
        ("spend", 0.770, 0.424, (1.422617, 1.077202, 0.652789)),
    ],
)
def test_the_known_effects_of_the_mail_trial_come_out(real_data, outcome, men, women, levels):
    file = real_data("uplift-hillstrom") / "hillstrom.csv.gz"
    report = run("--data", file, "--treatment", "segment", "--outcome", outcome, "--control", "No E-Mail")
    found = {each["group"]: each for each in report["effects"]}
    digits = 3 if outcome == "spend" else 4
    assert round(found["Mens E-Mail"]["estimate"], digits) == men
    assert round(found["Womens E-Mail"]["estimate"], digits) == women
    assert {each["group"]: round(each["level"], 6) for each in report["groups"]} == dict(
        zip(("Mens E-Mail", "Womens E-Mail", "No E-Mail"), levels, strict=True)
    )
    assert [each["verdict"] for each in report["effects"]] == ["effect", "effect"]
    assert report["sample_ratio"]["sound"]


@pytest.mark.real_data
@pytest.mark.parametrize(("file", "difference"), [("train", 0.0082), ("valid", -0.0046)])
def test_the_insurers_offer_has_no_proven_effect(real_data, file, difference):
    data = real_data("uplift-insurance-direct-marketing") / f"{file}.csv.gz"
    [effect] = run("--data", data, "--treatment", "TREATMENT", "--outcome", "PURCHASE")["effects"]
    assert (round(effect["estimate"], 4), effect["verdict"]) == (difference, "no proven effect")
    low, high = effect["fixed"]
    assert low < 0 < high


ROWS = "arm,y,policies,before,place,spent\n" + "".join(
    f"{'mail' if i % 2 else 'none'},{int(i % 50 < (25 if i % 2 else 20))},{1 + i % 3},{i % 50},{'north' if i % 4 < 2 else 'south'},{1.5 if i % 2 else 0}\n"
    for i in range(2_000)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two thousand rows, half of them written to."""
    (tmp_path / "trial.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path / "trial.csv"


CALL = ("--treatment", "arm", "--outcome", "y", "--control", "none")


def test_a_csv_file_a_zipped_one_and_parquet_say_the_same(file, tmp_path):
    parquet, zipped = tmp_path / "trial.parquet", tmp_path / "trial.csv.gz"
    duckdb.sql(f"copy (from '{file}') to '{parquet}'")
    duckdb.sql(f"copy (from '{file}') to '{zipped}'")
    reports = [run("--data", each, *CALL, "--covariate", "before")["effects"] for each in (file, zipped, parquet)]
    assert reports[0] == reports[1] == reports[2]


def test_a_ratio_segments_cost_and_covariates_are_told(file):
    more = ("--per", "policies", "--covariate", "before", "--segment", "place", "--cost", "spent")
    report = run("--data", file, *CALL, *more)
    assert [(each["segment"], each["group"]) for each in report["segments"]] == [("north", "mail"), ("south", "mail")]
    [effect] = report["effects"]
    assert effect["cuped"]["variance_cut"] > 0.1
    assert set(effect["cost_per_outcome"]) == {"value", "fixed", "bounded"}
    assert report["metric"] == {"outcome": "y", "per": "policies", "covariates": ["before"]}


def test_the_query_in_the_report_gives_its_counts(file):
    report = run("--data", file, *CALL)
    with duckdb.connect() as db:
        db.execute(f"create view data as from read_csv('{file}')")
        rows = db.execute(report["query"]).fetchall()
    assert [(row[0], row[2], row[4]) for row in rows] == [(g["group"], g["n"], g["total"]) for g in report["groups"]]


def test_a_planned_look_is_judged_by_its_boundary(file):
    early, last, peeking = (
        run("--data", file, *CALL, *how) for how in (("--look", "1/5"), ("--look", "1/1"), ("--peeking",))
    )
    [early], [last], [peeking] = early["effects"], last["effects"], peeking["effects"]
    assert last["planned"] == pytest.approx(last["fixed"], rel=0.01)
    assert early["planned"][0] < peeking["always_valid"][0] < last["fixed"][0]
    assert (early["verdict"], last["verdict"]) == ("not enough data yet", "effect")


def test_shares_that_were_meant_are_checked(file):
    even = run("--data", file, *CALL)
    assert even["sample_ratio"]["assumed_equal"]
    odd = run("--data", file, *CALL, "--share", "mail=0.6", "--share", "none=0.4")
    assert not odd["sample_ratio"]["sound"]
    assert odd["effects"][0]["verdict"] == "groups not comparable"


def test_the_table_says_the_verdict_in_words(file):
    done = CliRunner().invoke(app, ["uplift", "estimate", "--data", str(file), *CALL, "--segment", "place"])
    assert done.exit_code == 0, done.output
    assert "Sample ratio: fits" in done.stdout
    assert "mail: effect. The interval excludes 0: more with the treatment." in done.stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--share", "mail=0"), "write GROUP=0.5"),
        (("--share", "mail=0.5"), "and the share of none?"),
        (("--look", "6/5"), "look 6 of 5 is not planned"),
        (("--look", "soon"), "as 2/5"),
        (("--look", "1/5", "--peeking"), "give one of --look and --peeking"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_way_out(file, wrong, said):
    done = CliRunner().invoke(app, ["uplift", "estimate", "--data", str(file), *CALL, *wrong], env={"COLUMNS": "200"})
    assert (done.exit_code, said in done.output) == (2, True), done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arm,y\na,1\nb,\n", ":3: y is empty; write a number"),
        ("arm,y\na,1\nb,yes\na,no\n", ":3: y is 'yes', no number (rows like it: 2)"),
        ("arm,y\na,1\nb,inf\n", ":3: y is 'inf', no number"),
        ("arm,y\na,1\nb,nan\n", ":3: y is 'nan', no number"),
        ("arm,y\na,1\n,0\n", ":3: arm is empty; say for every row which group"),
        ("arm,z\na,1\n", "has no column y; it has arm, z"),
        ("arm,y\na,1\na,0\n", "has arm = 'a': nothing to compare with"),
        ("arm,y\n" + "".join(f"{i},1\n" for i in range(30)), "arm has 30 values"),
        ("arm,y\n", "no rows below its header"),
    ],
)
def test_a_faulty_file_is_told_with_its_place(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(EffectError) as found:
        read_groups(tmp_path / "t.csv", Columns("arm", "y"))
    assert said in str(found.value)


def test_a_denominator_below_0_is_told_with_its_place(tmp_path):
    (tmp_path / "t.csv").write_text("arm,y,p\na,1,2\nb,1,-1\n", encoding="utf-8")
    with pytest.raises(EffectError, match=r":3: p is '-1', below 0; what an outcome is divided by"):
        read_groups(tmp_path / "t.csv", Columns("arm", "y", per="p"))


def test_a_file_in_another_encoding_or_with_rows_of_other_lengths_is_told_so(tmp_path):
    (tmp_path / "t.csv").write_bytes("组,y\n试验,1\n对照,0\n".encode("gb18030"))
    with pytest.raises(EffectError, match="is not in UTF-8: save it as UTF-8"):
        read_groups(tmp_path / "t.csv", Columns("组", "y"))
    (tmp_path / "u.csv").write_text("arm,y\na,1\nb\na,0,5\n" + "a,0\n" * 9, encoding="utf-8")
    with pytest.raises(EffectError, match="was read as the one column 'arm,y'"):
        read_groups(tmp_path / "u.csv", Columns("arm", "y"))


def test_a_tiny_p_value_is_never_told_as_0(tmp_path):
    rows = "".join(f"{i % 2},{int(i % 20 > 8 * (i % 2))}\n" for i in range(20_000))
    (tmp_path / "t.csv").write_text("arm,y\n" + rows, encoding="utf-8")
    call = ["uplift", "estimate", "--data", str(tmp_path / "t.csv"), "--treatment", "arm", "--outcome", "y"]
    done = CliRunner().invoke(app, call, env={"COLUMNS": "200"})
    assert ("< 0.0001" in done.output, "0.0000" in done.output) == (True, False), done.output


def test_a_file_that_is_not_there_and_a_control_nobody_is_in_are_told(tmp_path, file):
    with pytest.raises(EffectError, match="there is no file"):
        read_groups(tmp_path / "none.csv", Columns("arm", "y"))
    columns = Columns("arm", "y")
    groups = read_groups(file, columns)
    with pytest.raises(EffectError, match="which of mail, none is the control group"):
        control_of(groups, columns, None)
    with pytest.raises(EffectError, match="no row has arm = 'x'"):
        control_of(groups, columns, "x")
