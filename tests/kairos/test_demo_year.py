"""A year of the demo insurer with a true effect put in: the report recovers it, and zero where there is none.

The real gates decide every fortnight on the demo's facts as they were then. What customers do about it is drawn here: a
birthday greeting adds .10 to the share who say thanks, a note a quarter of a year later changes nothing. A fifth of it is told late.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from campaigns.turn import take_turn
from kairos.cli.app import app
from kairos.demo import generate
from kairos.pages.uplift import page
from kairos.pages.uplift_words import WORDS
from kairos.starter import write_starter
from kairos.workspace import Workspace
from triggers.history import History

LAST = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
DAY = 86_400
BASE, EFFECT = 0.30, {"birthday": 0.10, "quarter-note": 0.0}
GOALS = {"birthday": ("thanked", 30), "quarter-note": ("note_kept", 45)}
CHROMIUM = shutil.which("chromium")


@dataclass
class Year:
    """The workspace after its year, the report on it, the rows drawn (campaign, due, treated, reached), and what was written."""

    folder: Path
    report: dict[str, Any]
    drawn: list[tuple[str, int, bool, bool]]

    def campaign(self, name: str) -> dict[str, Any]:
        return next(each for each in self.report["campaigns"] if each["campaign"] == name)


def prepare(folder: Path) -> None:
    """The starter with two campaigns, three of ten held out, prices, and the demo's facts."""
    write_starter(folder, demo=True)
    generate(folder, customers=4_000, seed=1, as_of=LAST.date())
    for path in (folder / "campaigns").glob("*.yaml"):
        if path.stem != "birthday":
            path.unlink()
    greeting = folder / "campaigns" / "birthday.yaml"
    text = greeting.read_text(encoding="utf-8").replace("late: skip", "late: fire\n  max_age: 15d")
    text = text.replace("valid_for: 1d", "valid_for: 16d") + "holdout: 30%\n"
    greeting.write_text(text + "goal: {event: thanked, within: 30d}\n", encoding="utf-8")
    later = text.replace("name: birthday", "name: quarter-note").replace("offset: 0d", "offset: 91d")
    note = folder / "campaigns" / "quarter-note.yaml"
    note.write_text(later + "goal: {event: note_kept, within: 45d}\n", encoding="utf-8")
    settings = folder / "kairos.yaml"
    prices = "prices: {sms: 0.05, push: 0.01, email: 0.002, ai_outbound: 0.3, agent_task: 5}\n"
    settings.write_text(settings.read_text(encoding="utf-8") + prices, encoding="utf-8")


def live(folder: Path) -> list[tuple[str, int, bool, bool]]:
    """Every fortnight: deliver, take the turn, draw what the customers drawn into a group will do."""
    place, rng = Workspace(folder), np.random.default_rng(5)
    drawn: list[tuple[str, int, bool, bool]] = []
    with place.facts(LAST, versions=True) as facts, place.ledger() as ledger:
        scene, history, seen = place.scene(facts), History(facts), 0
        campaigns = [each.campaign for each in place.campaigns()[0]]
        for fortnight in range(26):
            now = LAST - timedelta(days=14 * (25 - fortnight))
            with ledger.store.transaction():
                ledger.store.run("simulate_delivery", {"now": int(now.timestamp())})
            with history.at(now) as known:
                take_turn(replace(scene, facts=known), campaigns, ledger)
            new = ledger.store.query(
                "select moment_id, campaign, customer_id, due_at, status = 'sent' from moments "
                f"where moment_id > {seen} and status in ('sent', 'held_out') order by moment_id"
            )
            seen = max([seen, *(row[0] for row in new)])
            drawn += act(facts.db, rng, new)
    return drawn


def act(db: Any, rng: np.random.Generator, new: list[tuple[Any, ...]]) -> list[tuple[str, int, bool, bool]]:
    """Draw who reaches the goal, when, and when it is told; the events go into the facts."""
    made, events = [], []
    for moment, campaign, customer, due, treated in new:
        event, days = GOALS[campaign]
        reached = bool(rng.random() < BASE + EFFECT[campaign] * treated)
        made.append((campaign, due, bool(treated), reached))
        if reached:
            at = due + int(rng.integers(1, days * DAY))
            told = at + (20 * DAY if rng.random() < 0.2 else 0)
            events.append((f"X{moment}", customer, event, at, told))
    names = ("event_id", "customer_id", "type", "happened", "told")
    if events:
        db.register("acts", pa.table(dict(zip(names, map(list, zip(*events, strict=True)), strict=True))))
        db.execute(
            "insert into main.events by name select event_id, customer_id, type, to_timestamp(happened) as occurred_at, "
            'to_timestamp(told) as "known:since" from acts'
        )
    return made


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """The year lived through once, and reported with everything a report can be written as."""
    folder = tmp_path_factory.mktemp("year") / "w"
    prepare(folder)
    drawn = live(folder)
    files = ("--html", folder / "r.html", "--xlsx", folder / "r.xlsx", "--notebook", folder / "r.ipynb")
    arguments = [
        "uplift",
        "report",
        "-w",
        folder,
        "--as-of",
        LAST.date().isoformat(),
        "--segment",
        "tier",
        *files,
        "--locale",
        "en",
        "--json",
    ]
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return Year(folder, json.loads(done.stdout), drawn)


def test_the_effect_put_in_is_recovered(year):
    [effect] = year.campaign("birthday")["effects"]
    assert effect["verdict"] == "effect", effect["why"]
    low, high = effect["always_valid"]
    assert 0 < low < EFFECT["birthday"] < high
    assert abs(effect["estimate"] - EFFECT["birthday"]) < 3 * effect["standard_error"]


def test_zero_is_recovered_where_it_is_zero(year):
    [effect] = year.campaign("quarter-note")["effects"]
    low, high = effect["always_valid"]
    assert low < 0 < high
    assert effect["verdict"] in ("no proven effect", "not enough data yet")


@pytest.mark.parametrize("name", list(GOALS))
def test_every_outcome_is_counted_once_also_those_told_late(year, name):
    """Of windows that have been closed for as long as things are told late: the counts are those that were drawn."""
    made = year.campaign(name)
    until = datetime.fromisoformat(made["known_until"]).timestamp()
    closed = [row for row in year.drawn if row[0] == name and row[1] + GOALS[name][1] * DAY <= until]
    groups = {each["group"]: each for each in made["groups"]}
    moments = sum(effect["treated"]["n"] + effect["control"]["n"] for effect in made["effects"])
    assert sum(each["n"] for each in made["groups"]) == moments
    for group, treated in (("treated", True), ("held_out", False)):
        reached = sum(row[3] for row in closed if row[2] == treated)
        late = sum(row[3] for row in closed if row[2] == treated and row[1] + (GOALS[name][1] + 20) * DAY > until)
        assert reached - late <= groups[group]["total"] <= reached
        assert groups[group]["total"] > 0.8 * reached


def test_the_report_is_healthy_and_its_groups_are_as_meant(year):
    for made in year.report["campaigns"]:
        assert [check["check"] for check in made["health"] if not check["sound"]] == []
        assert made["sample_ratio"]["sound"]
        assert made["sample_ratio"]["assumed_equal"] is False


def test_days_add_up_to_the_effect_and_segments_to_everybody(year):
    made = year.campaign("birthday")
    [effect] = made["effects"]
    assert made["days"][-1]["estimate"] == pytest.approx(effect["estimate"])
    assert made["days"][-1]["customers"] == effect["treated"]["n"] + effect["control"]["n"]
    assert [each["customers"] for each in made["days"]] == sorted(each["customers"] for each in made["days"])
    assert sum(each["treated"]["n"] for each in made["segments"]) == effect["treated"]["n"]
    assert len(made["segments"]) >= 3


def test_a_query_copied_from_the_report_finds_its_numbers(year):
    for made in year.report["campaigns"]:
        with sqlite3.connect(year.folder / "ledger.db") as db:
            rows = db.execute(made["queries"]["effect"]).fetchall()
            funnel = db.execute(made["queries"]["funnel"]).fetchall()
        assert {row[0]: (row[1], row[3]) for row in rows} == {
            each["group"]: (each["n"], each["total"]) for each in made["groups"]
        }
        assert funnel == [tuple(line.values()) for line in made["funnel"]]


def test_one_more_outcome_has_a_price(year):
    [effect] = year.campaign("birthday")["effects"]
    cost = effect["cost_per_outcome"]
    assert cost["bounded"]
    assert 0 < cost["fixed"][0] < cost["value"] < cost["fixed"][1]
    assert effect["incremental"] == pytest.approx(effect["estimate"] * moments_of(year, "birthday", "treated"))


def moments_of(year: Year, name: str, group: str) -> int:
    with sqlite3.connect(year.folder / "ledger.db") as db:
        return {row[0]: row[2] for row in db.execute(year.campaign(name)["queries"]["effect"])}[group]


def test_covariates_of_the_year_before_leave_the_effect_where_it_is(year):
    asked = [
        "uplift",
        "report",
        "-w",
        str(year.folder),
        "--as-of",
        LAST.date().isoformat(),
        "--campaign",
        "birthday",
        "--cuped",
        "--json",
    ]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    [effect] = json.loads(done.stdout)["campaigns"][0]["effects"]
    [plain] = year.campaign("birthday")["effects"]
    assert effect["cuped"]["unadjusted"] == pytest.approx(plain["estimate"])
    assert effect["cuped"]["variance_cut"] >= 0
    assert abs(effect["estimate"] - plain["estimate"]) < plain["standard_error"]


class Page(HTMLParser):
    """Which elements there are, and what stands in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def test_the_page_says_the_verdict_after_the_health_and_needs_nothing_else(year):
    text = (year.folder / "r.html").read_text(encoding="utf-8")
    seen = Page(text)
    assert not [each for _, attrs in seen.tags for each in (attrs.get("src"), attrs.get("href")) if each]
    words = " ".join(seen.words)
    assert words.index("Can this be believed?") < words.index("treated: effect")
    assert all(attrs.get("aria-label") for tag, attrs in seen.tags if tag == "svg")
    assert sum(tag == "svg" for tag, _ in seen.tags) == 4  # days and segments of both campaigns
    [effect] = year.campaign("birthday")["effects"]
    assert f"{effect['estimate']:+.4f}" in text
    assert re.search(r"<svg[^>]*>.*<polygon", text, re.DOTALL)


def test_the_page_speaks_chinese(year):
    text = page(year.report, "zh-CN")
    assert '<html lang="zh-CN">' in text
    assert [
        word for word in ("活动带来的效果", "结果可信吗", "触达组: 有效果", "随时有效区间") if word not in text
    ] == []
    assert set(WORDS["zh"]) == set(WORDS["en"])


def test_the_workbook_holds_the_effects_as_numbers(year):
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with ZipFile(year.folder / "r.xlsx") as file:
        assert file.testzip() is None
        names = [
            sheet.get("name")
            for sheet in ElementTree.fromstring(file.read("xl/workbook.xml")).iterfind(".//m:sheet", space)
        ]
        rows = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml")).findall(".//m:row", space)
    assert names == [
        "effects",
        "segments",
        "health",
        "funnel",
        "days",
        "tenths",
        "counted twice",
        "queries",
        "not measured",
    ]
    cells = ["".join(cell.itertext()) for cell in rows[1]]
    assert (len(rows), cells[0], float(cells[5])) == (
        3,
        "birthday",
        year.campaign("birthday")["effects"][0]["estimate"],
    )


def test_the_notebook_runs_and_reckons_the_same(year, monkeypatch):
    monkeypatch.chdir(year.folder)
    made = json.loads((year.folder / "r.ipynb").read_text(encoding="utf-8"))
    assert (made["nbformat"], {cell["cell_type"] for cell in made["cells"]}) == (4, {"markdown", "code"})
    names: dict[str, Any] = {}
    found: dict[str, float] = {}
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            if "CUSTOMERS = " in "".join(cell["source"]):
                found[str(len(found))] = names["result"]["effects"][0]["estimate"]
    names["ledger"].close()
    assert list(found.values()) == pytest.approx([each["effects"][0]["estimate"] for each in year.report["campaigns"]])


@pytest.fixture
def shown(year) -> Iterator[str]:
    """What people see on the terminal."""
    done = CliRunner().invoke(
        app, ["uplift", "report", "-w", str(year.folder), "--as-of", date(2026, 11, 24).isoformat()]
    )
    assert done.exit_code == 0, done.output
    yield done.stdout


def test_the_table_names_every_campaign_and_its_verdict(shown):
    assert re.search(r"birthday.*effect", shown)
    assert "quarter-note, treated: " in shown


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--campaign", "nobody"), "there is no campaign 'nobody' in service; there are birthday, quarter-note"),
        (("--segment", "shoe_size"), "customers have no column 'shoe_size'"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(year, wrong, said):
    done = subprocess.run(
        [sys.executable, "-c", "from kairos.cli import main; main()", "uplift", "report", "-w", year.folder, *wrong],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_a_browser_draws_the_page(year):
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--dump-dom",
        (year.folder / "r.html").as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "<polygon" in done.stdout, done.stderr[-500:]


@pytest.mark.parametrize(("locale", "said"), [("en", "it ranks better than chance"), ("zh-CN", "排序优于随机")])
def test_a_ranking_that_was_tried_is_on_the_page_with_its_curve(year, locale, said):
    effect = {"value": 0.1, "low": 0.05, "high": 0.15}
    tenth = {"rows": 300, "score": 0.2, "treated_rate": 0.4, "untreated_rate": 0.3, "effect": effect}
    tried = {
        "customers": 3000, "models": ["m@1"], "qini": {"value": 0.05, "low": 0.01, "high": 0.09}, "auuc": 0.03,
        "tenths": [tenth] * 10, "curve": [[0.0, 0.0], [1.0, 0.1]],
    }  # fmt: skip
    report = json.loads(json.dumps(year.report))
    report["campaigns"][0]["ranking"] = tried
    report["campaigns"][1]["ranking"] = {"customers": 0, "models": []}
    text = page(report, locale)
    assert text.count('<svg class="lines"') == 1
    assert said in text
    assert WORDS[locale[:2]]["ranked_too_few"] in text
