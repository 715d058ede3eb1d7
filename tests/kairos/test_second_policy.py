"""The second contact policy in the starter's comments: on the demo insurer messages compete and channels are scarce."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from campaigns.check import check
from campaigns.ledger import Ledger
from kairos.demo import generate
from kairos.runs import run_workspace
from kairos.starter import write_starter
from kairos.workspace import Workspace

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "define-a-campaign.md"
COMMENTED = re.compile(r"^# (?=(arbitrate|budgets): )", re.MULTILINE)
NOW = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    generate(folder, customers=600, seed=1, as_of=date(2026, 11, 23))
    return folder


def night(facts: Path, place: Path, second: bool) -> Path:
    """The first night under one policy or the other, without the two campaigns that need a model."""
    place.mkdir()
    for file in facts.iterdir():
        (place / file.name).symlink_to(file)
    write_starter(place, demo=True)
    for name in ("motor-service-offer", "health-cross-sell"):
        (place / "campaigns" / f"{name}.yaml").unlink()
    settings = place / "kairos.yaml"
    text = settings.read_text(encoding="utf-8")
    if second:
        text = COMMENTED.sub("", re.sub(r"^arbitrate: .*\n", "", text, count=1, flags=re.MULTILINE))
        text = text.replace("volume: 150", "volume: 30").replace(
            "volume: 120", "volume: 24"
        )  # a fifth of the customers
    settings.write_text(text, encoding="utf-8")
    report = run_workspace(Workspace(place), NOW, only=(), rehearsal=False, progress=lambda *_: None)
    assert report["problems"] == []
    assert report["totals"]["conserved"]
    return place / "ledger.db"


def test_more_competes_and_channels_are_scarce_under_the_second_policy_of_the_starter(facts, tmp_path):
    counts = {}
    for name in ("first", "second"):
        with Ledger(night(facts, tmp_path / name, name == "second")) as ledger:
            assert all(finding.holds for finding in check(ledger))
            by = dict(ledger.store.query("select medium, count(*) from messages group by 1"))
            by |= dict(ledger.store.query("select purpose, count(*) from messages group by 1"))
            asked = (
                "select gate || '.' || reason, count(*) from decisions where gate in ('arbitrate', 'budget') group by 1"
            )
            counts[name] = by | dict(ledger.store.query(asked))
    first, second = counts["first"], counts["second"]
    assert min(first["push"], first["sms"]) > 30
    assert second["push"] <= 30
    assert second["sms"] <= 24
    assert second["contract"] == first["contract"] > 0
    assert second["arbitrate.outbid"] > 0
    assert not any(name.startswith("arbitrate") for name in first)


def test_the_page_shows_what_the_starter_says(tmp_path):
    write_starter(tmp_path, demo=False)
    settings = (tmp_path / "kairos.yaml").read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") for line in settings.splitlines() if COMMENTED.match(line)]
    assert len(lines) == 2
    page = HOW_TO.read_text(encoding="utf-8")
    assert f"```yaml\n{lines[0]}\n{lines[1]}\n```" in page
