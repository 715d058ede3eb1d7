"""From a trial to a campaign: a model is saved, applied to the customers, and a campaign leaves out whom it would put off."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from kairos.cli import main
from kairos.runs import run_workspace
from kairos.starter import write_starter
from kairos.workspace import Workspace

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    write_starter(folder, demo=False)
    return folder


@pytest.fixture
def trial(tmp_path):
    """A trial in which a contact helps customers up to 40 and puts older ones off."""
    rng = np.random.default_rng(1)
    rows = 4_000
    age, sent = rng.integers(18, 80, rows), rng.integers(0, 2, rows)
    bought = rng.random(rows) < 0.2 + 0.5 * (age > 40) + sent * np.where(age <= 40, 0.25, -0.25)
    path = tmp_path / "trial.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["age", "sent", "bought"])
        out.writerows(zip(age, sent, bought.astype(int), strict=True))
    return path


FIT = ["--treatment", "sent", "--outcome", "bought", "--learner", "two-model", "--splits", "1", "--draws", "100"]


def test_a_model_is_saved_applied_and_a_campaign_leaves_out_whom_it_would_put_off(workspace, trial, capsys, tmp_path):
    code, out, _ = run(
        capsys, "uplift", "model", "--data", trial, *FIT, "--save", "reminder", "-w", workspace, "--json"
    )
    saved = json.loads(out)["saved"]
    assert (code, saved["learner"]) == (0, "two-model")
    campaign = "motor-renewal"
    code, out, _ = run(
        capsys,
        "uplift",
        "apply",
        "reminder",
        "--campaign",
        campaign,
        "-w",
        workspace,
        "--as-of",
        "2026-11-23",
        "--json",
    )
    report = json.loads(out)
    assert (code, report["model"]) == (0, f"reminder@{saved['version']}")
    assert report["hint"] == "add to sources.yaml: `uplift: facts/uplift/*.parquet`"
    assert (report["customers"], report["put_off"]) == (4, 2)
    with (workspace / "sources.yaml").open("a") as file:
        file.write("uplift: facts/uplift/*.parquet\n")
    code, out, _ = run(
        capsys, "uplift", "apply", "reminder", "--campaign", campaign, "-w", workspace, "--as-of", "2026-11-23"
    )
    assert "next:" not in out
    path = workspace / "campaigns" / f"{campaign}.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\nuplift: {model: reminder, least: 0.2}\n", encoding="utf-8")
    lines = run_workspace(Workspace(workspace), NOW, only=[campaign], rehearsal=True, progress=lambda *_: None)[
        "campaigns"
    ]
    assert lines[0]["reasons"] == {"uplift.put_off": lines[0]["moments"]}
    assert lines[0]["moments"] > 0


def test_a_file_of_ones_own_is_scored_and_others_are_counted(workspace, trial, capsys, tmp_path):
    run(capsys, "uplift", "model", "--data", trial, *FIT, "--save", "reminder", "-w", workspace)
    people = tmp_path / "people.csv"
    people.write_text("customer_id,age\nC1,20\nnobody,70\n", encoding="utf-8")
    out_file = tmp_path / "uplift.csv"
    asked = ["uplift", "apply", "reminder", "--data", people, "--out", out_file, "-w", workspace, "--json"]
    code, out, _ = run(capsys, *asked, "--campaign", "motor-renewal", "--campaign", "birthday")
    report = json.loads(out)
    assert (code, report["customers"], report["left_out"], report["put_off"]) == (0, 1, 1, 0)
    rows = list(csv.DictReader(out_file.read_text().splitlines()))
    assert [(row["customer_id"], row["campaign"]) for row in rows] == [("C1", "motor-renewal"), ("C1", "birthday")]
    assert all(float(row["uplift"]) > 0 and row["propensity"] == "" for row in rows)
    code, _, err = run(capsys, *asked, "--campaign", "birthdays")
    assert code == 1
    assert "there is no campaign 'birthdays'; there are birthday, claim-documents" in err


def test_what_is_not_proven_is_saved_only_when_told_so(workspace, trial, capsys, tmp_path):
    rows = trial.read_text().splitlines()
    rng = np.random.default_rng(2)
    dull = tmp_path / "dull.csv"
    dull.write_text("\n".join([rows[0], *(f"{a.split(',')[0]},{rng.integers(2)},{rng.integers(2)}" for a in rows[1:])]))
    asked = ["uplift", "model", "--data", dull, *FIT, "--save", "dull", "-w", workspace]
    code, _, err = run(capsys, *asked)
    assert code == 1
    assert "not saved: no evidence that" in err
    assert not (workspace / "models" / "uplift" / "dull").exists()
    code, out, _ = run(capsys, *asked, "--unproven")
    assert code == 0
    assert "in service: dull, two-model, version" in out


def test_a_contract_notice_leaves_nobody_out():
    from pydantic import ValidationError

    from campaigns.definition import Campaign

    with pytest.raises(ValidationError, match="a contract notice leaves nobody out"):
        Campaign.model_validate(
            {
                "name": "notice", "title": {"en": "Notice"}, "purpose": "contract", "uplift": {},
                "trigger": {"kind": "date", "of": "policies.expiry_date", "offset": "-60d"},
                "steps": [{"send": {"template": "note", "channels": ["sms"]}}],
            }
        )  # fmt: skip
