"""The benchmark of measuring runs, agrees with pandas, and ends with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).parents[2] / "benchmarks" / "measure.py"


def test_both_ways_find_the_same_and_the_last_line_is_json():
    done = subprocess.run(
        [sys.executable, FILE, "--size", "20000", "--repeats", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["benchmark"], found["figures"]["customers"]) == ("measure", 20_000)
    assert set(found["ratios"]) == {"seconds_pandas_over_kairos", "memory_pandas_over_kairos"}
