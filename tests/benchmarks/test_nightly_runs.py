"""The benchmark of the nightly run, on a tiny insurer: its contract, and that both sides do the same work."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.common import BenchmarkError, measured
from benchmarks.nightly import Night, compare

ROOT = Path(__file__).parent.parent.parent
SIZE, SAMPLE = 900, 400


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """The lines of one run, and the folder it kept."""
    folder = tmp_path_factory.mktemp("nightly")
    command = [
        sys.executable,
        "benchmarks/nightly.py",
        "--size",
        str(SIZE),
        "--sample",
        str(SAMPLE),
        "--folder",
        str(folder),
        "--profile",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), folder


@pytest.fixture(scope="module")
def concluded(printed: tuple[list[str], Path]) -> dict[str, Any]:
    """The JSON object of the last line."""
    found: dict[str, Any] = json.loads(printed[0][-1])
    return found


def test_the_last_line_is_the_contract(concluded: dict[str, Any]) -> None:
    assert set(concluded) == {"benchmark", "figures", "ratios"}
    assert concluded["benchmark"] == "nightly"
    assert set(concluded["ratios"]) == {"over_plain_loop"}
    wanted = {"messages_per_s", "peak_rss_mb", "customers", "policies", "messages", "seconds_by_stage"}
    assert wanted <= set(concluded["figures"])


def test_the_rate_is_messages_by_seconds_and_stages_add_up(concluded: dict[str, Any]) -> None:
    figures = concluded["figures"]
    assert figures["messages_per_s"] == pytest.approx(figures["messages"] / figures["seconds"], rel=0.01)
    assert sum(figures["seconds_by_stage"].values()) == pytest.approx(figures["seconds"], abs=0.02)
    assert min(figures["seconds_by_stage"].values()) >= 0
    assert figures["seconds"] < figures["process_seconds"]
    ratio = figures["messages_per_s"] / figures["loop_messages_per_s"]
    assert concluded["ratios"]["over_plain_loop"] == pytest.approx(ratio, rel=0.01)


def test_the_loop_goes_through_the_sample_only(concluded: dict[str, Any]) -> None:
    figures = concluded["figures"]
    assert 0.95 * SIZE < figures["customers"] <= 1.02 * SIZE
    assert 0.95 * SAMPLE < figures["loop_customers"] <= 1.02 * SAMPLE
    assert 0 < figures["loop_messages"] < figures["messages"]


def test_both_write_the_same_words(concluded: dict[str, Any]) -> None:
    assert concluded["figures"]["loop_same_words"] == 1.0


def test_every_stage_is_in_the_table(printed: tuple[list[str], Path], concluded: dict[str, Any]) -> None:
    first = {line.split()[0] for line in printed[0] if line.strip()}
    assert set(concluded["figures"]["seconds_by_stage"]) <= first


def test_the_profile_names_our_functions(printed: tuple[list[str], Path]) -> None:
    assert any(line.startswith("kairos/runs.py:") and "run_workspace" in line for line in printed[0])


def test_a_missing_message_of_the_loop_is_no_benchmark(printed: tuple[list[str], Path], tmp_path: Path) -> None:
    import sqlite3

    sample = printed[1] / "sample"
    for name in ("ledger.db", "plain.db"):
        (tmp_path / name).write_bytes((sample / name).read_bytes())
    with sqlite3.connect(tmp_path / "plain.db") as db:
        db.execute("delete from messages where campaign = 'disaster-care'")
    db.close()
    night = Night(tmp_path, measured(["-c", "print('{}')"]), {"campaigns": []})
    with pytest.raises(BenchmarkError, match="disaster-care"):
        compare(night, {"total": 1})


def test_on_a_server_it_measures_the_same_run_and_leaves_nothing_there(
    databases: Callable[[], str], tmp_path: Path
) -> None:
    import psycopg

    place = databases()
    command = [
        sys.executable,
        "benchmarks/nightly.py",
        "--size",
        str(SAMPLE),
        "--folder",
        str(tmp_path),
        "--ledger",
        place,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])["figures"]
    assert told["ledger"].startswith("PostgreSQL")
    assert told["loop_same_words"] == 1.0
    with psycopg.connect(place) as db:
        assert db.execute("select count(*) from moments").fetchone() == (0,)
        assert db.execute("select nspname from pg_namespace where nspname like 'kairos%'").fetchall() == []


def test_a_command_that_fails_is_no_figure() -> None:
    with pytest.raises(BenchmarkError, match="ended with 3"):
        measured(["-c", "raise SystemExit(3)"])


def test_peak_memory_is_that_of_the_child() -> None:
    code = (
        "from benchmarks.common import measured\n"
        "small, large = (measured(['-c', f\"b'x' * ({size} << 20)\"]).peak_rss_mb for size in (1, 200))\n"
        "assert 150 < large - small < 250, (small, large)"
    )  # in a small process of its own: a child starts with the peak of whoever makes it
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
