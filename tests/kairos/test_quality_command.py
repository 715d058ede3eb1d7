"""`kairos quality`: its report, its page, its exit code, and the column a `score` trigger acts on."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kairos.cli.app import app
from kairos.starter import write_starter

HOW_TO = Path(__file__).parents[2] / "docs/how-to/listen-to-customers.md"
AS_OF = date(2026, 11, 23)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The starter without the campaigns that need a model."""
    write_starter(tmp_path / "w", demo=False)
    for name in ("motor-service-offer", "health-cross-sell"):
        (tmp_path / "w" / "campaigns" / f"{name}.yaml").unlink()
    return tmp_path / "w"


def answered(workspace: Path, *answers: tuple[str, int, int, str]) -> None:
    """Add answers of (customer, score, days ago, comment)."""
    path = workspace / "facts" / "events.csv"
    with path.open(encoding="utf-8", newline="") as file:
        known = list(csv.DictReader(file))
    told = [
        {
            "event_id": f"S{number}", "customer_id": customer, "type": "survey_answered",
            "occurred_at": f"{AS_OF - timedelta(days=ago)} 10:00:00",
            "properties": json.dumps({"score": score, "comment": comment}),
        }
        for number, (customer, score, ago, comment) in enumerate(answers)
    ]  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(dict.fromkeys([*known[0], "properties"])), restval="")
        rows.writeheader()
        rows.writerows([*known, *told])


def ask(workspace: Path, *options: str):
    return CliRunner().invoke(app, ["quality", "-w", str(workspace), "--as-of", str(AS_OF), *options])


def someone(workspace: Path) -> str:
    """A customer of the starter."""
    with (workspace / "facts" / "customers.csv").open(encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file))["customer_id"]


def test_nobody_has_answered_is_an_answer(workspace):
    events = workspace / "facts" / "events.csv"
    kept = [line for line in events.read_text(encoding="utf-8").splitlines() if "survey_answered" not in line]
    events.write_text("\n".join(kept) + "\n", encoding="utf-8")
    answer = ask(workspace)
    assert (answer.exit_code, answer.output) == (0, "Nobody has answered in this time.\n")


def test_a_fall_ends_with_exit_code_1_and_stands_first(workspace):
    customer = someone(workspace)
    answered(workspace, *[(customer, 5, 60, "")] * 60, *[(customer, 1, 5, "")] * 60)
    answer = ask(workspace)
    assert answer.exit_code == 1
    assert answer.output.startswith("fallen: satisfaction, % of 4 and 5 of all together: 100 to 0 (60 answers")


def test_periods_that_leave_nothing_to_compare_are_refused(workspace):
    answer = ask(workspace, "--days", "28", "--recent", "28")
    assert answer.exit_code != 0
    assert "give `--days` more than `--recent`" in str(answer.exception)


def test_the_page_needs_nothing_else_and_shows_no_numbers_of_people(workspace):
    customer = someone(workspace)
    answered(
        workspace,
        *[(customer, 2, 40, "still waiting, call 13800000000 <b>now</b>")] * 15,
        *[(customer, 5, 30, "kind staff")] * 15,
    )
    page = workspace / "page.html"
    assert ask(workspace, "--html", str(page), "--locale", "en").exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="|url\(|<script|13800000000|<b>now', text)
    assert ("call *** &lt;b&gt;now&lt;/b&gt;" in text, "<svg" in text) == (True, True)
    assert ask(workspace, "--html", str(page), "--locale", "zh-CN").exit_code == 0
    assert "客户评价" in page.read_text(encoding="utf-8")


def test_whoever_was_not_content_becomes_a_task_of_their_agent_as_the_how_to_says(workspace):
    customer = someone(workspace)
    answered(workspace, (customer, 5, 9, ""), (customer, 1, 2, "too slow"))
    blocks = re.findall(r"```(?:yaml|text)\n# (\S+)\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.S)
    (_, customers), (name, campaign) = blocks
    sources = workspace / "sources.yaml"
    sources.write_text(
        sources.read_text(encoding="utf-8").replace("customers: facts/customers.csv\n", customers), encoding="utf-8"
    )
    (workspace / name).write_text(campaign, encoding="utf-8")
    scores = workspace / "facts" / "satisfaction.csv"
    scores.write_text("customer_id,satisfaction\n", encoding="utf-8")
    run = ["run", "-w", str(workspace), "--campaign", "unhappy", "--json", "--as-of"]
    before = CliRunner().invoke(app, [*run, "2026-11-22"])
    assert json.loads(before.stdout or "{}").get("reserved") == 0, before.output
    assert ask(workspace, "--scores", str(scores)).exit_code == 0
    answer = CliRunner().invoke(app, [*run, str(AS_OF)])
    assert json.loads(answer.stdout)["reserved"] == 1, answer.output
