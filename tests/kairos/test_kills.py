"""Whatever is killed, whenever: the ledger ends as if nothing had happened, and every message arrives once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = os.environ.get("KAIROS_KILLS", "20")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_at_random_points_the_ledger_equals_that_of_a_calm_life_and_each_message_arrives_once(tmp_path, workers):
    script = Path(__file__).parent / "kill_rounds.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path, "--kills", KILLS, "--workers", workers],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["different"] == []
    assert report["kills"] >= int(KILLS)
    assert min(report["messages"], report["sms_accepted_by_gateway"]) > 0
