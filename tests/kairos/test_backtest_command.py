"""`kairos backtest`: its report, its page, its exit code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kairos.cli.app import app
from kairos.starter import write_starter

DAYS = ("--from", "2026-11-18", "--to", "2026-11-24")
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter, with prices, without the campaigns that need a model."""
    folder = tmp_path_factory.mktemp("backtest") / "w"
    write_starter(folder, demo=False)
    for name in ("motor-service-offer", "health-cross-sell"):
        (folder / "campaigns" / f"{name}.yaml").unlink()
    settings = (folder / "kairos.yaml").read_text(encoding="utf-8")
    prices = "prices: {sms: 0.05, push: 0, email: 0, ai_outbound: 0.3, agent_task: 5}\n"
    (folder / "kairos.yaml").write_text(settings + prices, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(workspace: Path) -> tuple[dict, str]:
    """The report and the page of a week."""
    page = workspace / "page.html"
    answer = CliRunner().invoke(
        app, ["backtest", *DAYS, "-w", str(workspace), "--html", str(page), "--locale", "en", "--json"]
    )
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout), page.read_text(encoding="utf-8")


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


def test_the_days_are_run_and_counted(made):
    report, _ = made
    assert (report["days"], report["problems"], report["totals"]["conserved"]) == (7, [], True)
    assert report["totals"]["messages"] == sum(report["per_day"].values()) > 5
    assert report["totals"]["cost"] > 0
    lines = {line["campaign"]: line for line in report["campaigns"]}
    assert lines["complaint-care"]["per_day"] == {"2026-11-20": 1}
    assert all(bool(line["silent"]) == (not line["per_day"]) for line in lines.values())


def test_the_page_tells_the_figures_of_the_report_and_needs_nothing_else(made):
    report, text = made
    page = Page(text)
    shown = [found.rsplit(": ", 1)[1].split()[0] for found in page.words if re.search(r"\d{4}: \d+ messages$", found)]
    days = sum(int(each) for each in shown) // 2  # once for all campaigns, once for the campaign
    assert days == report["totals"]["messages"]
    assert not [each for tag, attrs in page.tags for each in (attrs.get("src"), attrs.get("href")) if each]
    assert sum(tag == "rect" for tag, _ in page.tags) == 7 * (1 + len(report["campaigns"])) + 24
    assert all(attrs.get("aria-label") for tag, attrs in page.tags if tag == "svg")


def test_the_page_speaks_the_workspaces_language(workspace: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    one = ["--from", "2026-11-23", "--to", "2026-11-23", "--campaign", "birthday"]
    answer = CliRunner().invoke(app, ["backtest", *one, "-w", str(workspace), "--html", str(page)])
    assert answer.exit_code == 0, answer.output
    text = page.read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in text
    assert "回测报告" in text
    assert "生日祝福" in text


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_shows_the_chosen_campaign_only(made, tmp_path: Path):
    _, text = made
    chosen = "<script>var w = document.getElementById('which'); w.value = 'heat-birthday'; w.dispatchEvent(new Event('change'));</script>"
    (tmp_path / "page.html").write_text(text.replace("</body>", f"{chosen}</body>"), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    asked = [
        str(CHROMIUM),
        *flags,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        (tmp_path / "page.html").as_uri(),
    ]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True)
    sections = {attrs["id"]: "hidden" in attrs for tag, attrs in Page(done.stdout).tags if tag == "section"}
    assert [name for name, hidden in sections.items() if not hidden] == ["heat-birthday"]


def test_a_sample_is_told_for_all_with_its_uncertainty(workspace: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    asked = ["backtest", *DAYS, "-w", str(workspace), "--locale", "en", "--html", str(page), "--json", "--sample"]
    answer = CliRunner().invoke(app, [*asked, "50%"])
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    sample = report["sample"]
    assert (sample["share"], 0 < sample["customers"] < 5, report["totals"]["conserved"]) == (0.5, True, True)
    assert report["totals"]["messages"] == sum(report["per_day"].values())
    assert report["totals"]["messages"] % 2 == 0
    assert (sample["messages_within"] > 0) == (report["totals"]["messages"] > 0)
    assert f"sample of {sample['customers']} customers (50% of all)" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("share", ["0%", "many", "120%"])
def test_a_sample_of_nobody_is_refused(workspace: Path, share: str):
    answer = CliRunner().invoke(app, ["backtest", *DAYS, "-w", str(workspace), "--sample", share])
    assert answer.exit_code == 2
    assert "--sample" in answer.output


def test_days_the_wrong_way_round_are_refused(workspace: Path):
    from kairos.cli import main

    with pytest.raises(SystemExit, match="1"):
        main(["backtest", "--from", "2026-11-24", "--to", "2026-11-23", "-w", str(workspace)])
