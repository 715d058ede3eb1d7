"""The benchmark of the scan, on a small insurer: its contract, and that engine and SQL find the same moments."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_kind_is_measured_beside_sql_that_finds_the_same():
    command = [sys.executable, str(ROOT / "benchmarks" / "scan.py"), "--size", "60000", "--repeats", "1"]
    done = subprocess.run(command, cwd=ROOT, env=None, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert said["benchmark"] == "scan"
    assert set(said["ratios"]) == {"engine_over_sql", "worst_engine_over_sql", "all_engine_over_sql", "growth"}
    kinds = {name.split(",")[0] for name, kind in said["figures"]["kinds"].items() if kind["moments"]}
    assert kinds >= {"date", "event", "missing", "dormancy", "region", "segment", "score"}
