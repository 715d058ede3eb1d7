"""Many processes run and send the same day at once: together they do what one alone would have done, and nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "race_rounds.py"
CUSTOMERS, CAP, BUDGET = 120, 2, 50


@pytest.fixture
def race(request, tmp_path):
    def run(store, workers, budget):
        ledger = "sqlite:///ledger.db" if store == "sqlite" else request.getfixturevalue("databases")()
        command = [sys.executable, SCRIPT, tmp_path, "--workers", workers, "--ledger", ledger, "--budget", budget]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "workers", "budget"), [("postgres", 16, 0), ("postgres", 6, BUDGET), ("sqlite", 4, BUDGET)]
)
def test_no_cap_and_no_budget_is_exceeded_and_nobody_hears_anything_twice(race, store, workers, budget):
    found = race(store, workers, budget)
    first = budget or CUSTOMERS
    wanted = {"a": first, "b": CUSTOMERS, "c": CUSTOMERS - first}
    assert found["codes"] == [0] * workers, found["said"]
    assert found["per_customer"] == {str(CAP): CUSTOMERS}
    assert found["per_campaign"] == found["spent"] == {name: count for name, count in wanted.items() if count}
    assert found["states"] == {"accepted": CAP * CUSTOMERS}
    assert (found["attempts_too_many"], found["in_files"], found["in_files_twice"]) == (0, CAP * CUSTOMERS, 0)
    assert (found["broken"], found["conserved"]) == ([], True)
