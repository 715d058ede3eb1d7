"""A copy of an example workspace on the public data, worked with through the command line."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@dataclass(frozen=True)
class Example:
    """A workspace of its own, with the data sets at `data`."""

    folder: Path
    data: Path

    def kairos(self, *arguments: str) -> Any:
        """What a command of this workspace answers with --json; the test fails where it ends badly."""
        from kairos.cli.app import app

        asked = [*arguments, "-w", str(self.folder), "--json"]
        answer = CliRunner().invoke(app, asked, env={"KAIROS_DATA": str(self.data)})
        assert answer.exit_code == 0, f"kairos {' '.join(asked)}: {answer.output}{answer.exception!r}"
        return json.loads(answer.stdout)

    def run(self, as_of: str) -> dict[str, Any]:
        """The report of `kairos run`, the campaigns by name."""
        report = self.kairos("run", "--as-of", as_of)
        assert report["totals"]["conserved"]
        assert report["problems"] == []
        return {**report, "campaigns": {line["campaign"]: line for line in report["campaigns"]}}

    def ledger(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of the ledger."""
        with sqlite3.connect(self.folder / "ledger.db") as db:
            found = db.execute(sql, parameters).fetchall()
        db.close()
        return found

    def moments(self, campaign: str) -> set[tuple[str, str]]:
        """Customer and subject of every moment of a campaign so far."""
        return set(self.ledger("select customer_id, subject from moments where campaign = ?", campaign))

    def verdicts(self, campaign: str, step: str, verdict: str) -> set[str]:
        """The customers decided on so at a step."""
        decided = "select m.customer_id from decisions d join moments m using (moment_id)"
        asked = f"{decided} where m.campaign = ? and d.step = ? and d.verdict = ?"
        return {customer for (customer,) in self.ledger(asked, campaign, step, verdict)}

    def reached(self, campaign: str) -> set[str]:
        """The customers who reached the goal."""
        goals = "select distinct m.customer_id from outcomes join moments m using (moment_id) where m.campaign = ?"
        return {customer for (customer,) in self.ledger(goals, campaign)}


@pytest.fixture(scope="session")
def example(
    real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Example]:
    """Make a copy of an example that reads a data set."""

    def copied(name: str, data_set: str) -> Example:
        data = real_data(data_set).parent
        folder = tmp_path_factory.mktemp(name) / "workspace"
        shutil.copytree(EXAMPLES / name, folder)
        return Example(folder, data)

    return copied
