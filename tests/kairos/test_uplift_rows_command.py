"""A campaign that has run becomes a table: groups as drawn, goals reached, and nothing of what came after."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from kairos.cli import main
from kairos.runs import run_workspace
from kairos.starter import write_starter
from kairos.workspace import Workspace

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
CAMPAIGN = """name: home-note
title: {zh-CN: 甲, en: A}
purpose: service
trigger: {kind: date, of: policies.expiry_date, offset: -60d, where: line = 'home', max_age: 5d}
goal: {event: note_kept, within: 10d, of: customer}
holdout: 50%
steps:
  - send: {template: motor_renewal, channels: [sms]}
"""


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["uplift", *map(str, arguments)])
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


@pytest.fixture
def workspace(tmp_path):
    """Forty customers with a home policy, decided on NOW; ten of them kept the note; five of them say since when they are gold."""
    folder = tmp_path / "w"
    write_starter(folder, demo=False)
    for path in (folder / "campaigns").glob("*.yaml"):
        path.unlink()
    (folder / "campaigns" / "home-note.yaml").write_text(CAMPAIGN, encoding="utf-8")
    settings = folder / "kairos.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("holdout: 1%", "holdout: 0%"), encoding="utf-8")
    facts = folder / "facts"
    people = ["customer_id,name,phone,birth_date,tier,locale,personalisation"]
    people += [
        f"H{n:02},李娜,1380013{n:04},19{50 + n}-01-01,{'gold' if n % 2 else 'basic'},en,{n != 7}" for n in range(40)
    ]
    (facts / "customers.csv").write_text("\n".join(people), encoding="utf-8")
    policies = [
        "policy_id,customer_id,line,status,effective_date,expiry_date,premium,renewal_premium,currency,insured_object"
    ]
    policies += [f"HP{n:02},H{n:02},home,active,2026-01-23,2027-01-22,100,100,CNY,沪A{n:05}" for n in range(40)]
    (facts / "policies.csv").write_text("\n".join(policies), encoding="utf-8")
    events = ["event_id,customer_id,type,occurred_at"]
    events += [f"E{n},H{n:02},note_kept,2026-11-25T10:00:00" for n in range(0, 40, 4)]
    (facts / "events.csv").write_text("\n".join(events), encoding="utf-8")
    for name in ("claims", "complaints", "consents"):
        path = facts / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    place = Workspace(folder)
    for days in (0, 12):
        run_workspace(place, NOW + timedelta(days=days), only=["home-note"], rehearsal=False, progress=lambda *_: None)
    return folder


def test_everybody_drawn_is_a_row_with_what_was_known_before(workspace, capsys, tmp_path):
    out = tmp_path / "trial.csv"
    code, printed, _ = run(
        capsys, "rows", "--campaign", "home-note", "--out", out, "-w", workspace, "--as-of", "2026-12-06", "--json"
    )
    report = json.loads(printed)
    rows = {row["customer_id"]: row for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines())}
    assert code == 0
    assert "H07" not in rows  # refused personalisation
    assert (len(rows), report["left_out"]) == (39, 1)
    assert report["treated"] + report["held_out"] == 39
    assert 10 < report["held_out"] < 30
    assert {row["arm"] for row in rows.values()} == {"treated", "held_out"}
    assert all(row["treated"] == str(int(row["arm"] != "held_out")) for row in rows.values())
    assert {name for name, row in rows.items() if row["reached"] == "1"} == {f"H{n:02}" for n in range(0, 40, 4)}
    assert not {"name", "phone", "birth_date"} & set(rows["H00"])
    assert (rows["H01"]["age"], rows["H01"]["tier"], rows["H01"]["products_held"]) == ("75", "gold", "0")


def test_a_campaign_whose_windows_are_open_or_that_is_not_there_tells_so(workspace, capsys, tmp_path):
    asked = ["--out", tmp_path / "t.csv", "-w", workspace]
    code, _, err = run(capsys, "rows", "--campaign", "home-note", *asked, "--as-of", "2026-11-24")
    assert (code, "no two groups whose window of 10d is closed yet" in err) == (1, True)
    code, _, err = run(capsys, "rows", "--campaign", "nothing", *asked)
    assert (code, "there is no campaign 'nothing'; there are home-note" in err) == (1, True)


class Choosing:
    """A model that would offer every second customer something."""

    version = "test"

    def top(self, db, customers, *, kind, top, now, only=None, personal=True):
        names = [name for name in customers["customer_id"].to_pylist() if int(name[1:]) % 2]
        return pa.table({"customer_id": names, "product_id": ["help"] * len(names)})


def test_of_a_campaign_with_offers_each_row_says_what_the_customer_would_have_been_offered(
    workspace, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(Workspace, "recommender", lambda _: Choosing())
    path = workspace / "campaigns" / "home-note.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "offers: {kind: service}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as published:
        main(["campaigns", "publish", "home-note", "-w", str(workspace), "--by", "ann"])
    assert published.value.code == 0, capsys.readouterr()
    out = tmp_path / "occasions.csv"
    asked = ("rows", "--campaign", "home-note", "--out", out, "-w", workspace, "--as-of", "2026-12-06")
    code, printed, err = run(capsys, *asked)
    assert code == 0, err
    assert "kairos uplift offers --data" in printed
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert {row["offer"] for row in rows if int(row["customer_id"][1:]) % 2} == {"help"}
    assert {row["offer"] for row in rows if not int(row["customer_id"][1:]) % 2} == {"nothing"}
    roles = ("--treatment", "treated", "--outcome", "reached", "--offer", "offer")
    code, printed, err = run(capsys, "offers", "--data", out, *roles, "--json")
    assert (code, {cell["offer"] for cell in json.loads(printed)["effects"]["offer"]["cells"]}) == (
        0,
        {"help", "nothing"},
    ), err
