"""`kairos ledger archive` on a whole workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from kairos.starter import write_starter

KAIROS = Path(sys.executable).parent / "kairos"
DAY, LATER = ("--as-of", "2026-11-23"), ("--as-of", "2028-06-01")


@pytest.fixture
def kairos(tmp_path):
    write_starter(tmp_path, demo=False)
    for name in ("motor-service-offer", "health-cross-sell"):
        (tmp_path / "campaigns" / f"{name}.yaml").unlink()

    def call(*arguments, code=0):
        command = [KAIROS, *arguments, "-w", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "200"})
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr

    return call


def test_a_workspace_archives_and_goes_on(kairos, tmp_path):
    kairos("run", *DAY)
    kairos("send", *DAY)
    would = kairos("ledger", "archive", *LATER, "--dry-run", "--json")
    assert would["dry_run"] is True
    assert not (tmp_path / "archive").exists()
    did = kairos("ledger", "archive", *LATER, "--json")
    assert did["rows"] == would["rows"]
    assert did["rows"]["moments"] > 0
    files = ds.dataset(tmp_path / "archive" / "moments", partitioning="hive").to_table().to_pylist()
    assert len(files) == did["rows"]["moments"]
    assert set(did["months"]) == {row["month"] for row in files}
    assert kairos("ledger", "archive", *LATER, "--json")["rows"]["moments"] == 0
    assert kairos("ledger", "check", "--json")["holds"] is True
    assert kairos("ledger", "audit", "--json")["entries"][-1]["act"] == "archive"
    assert kairos("run", *DAY, "--json")["reserved"] == 0

    customer, campaign = files[0]["customer_id"], files[0]["campaign"]
    assert "archive/*/*/" in kairos("why", customer, "--campaign", campaign, "--on", "2028-06-01")
    told = kairos("ledger", "export", customer, "--json")
    assert [row["customer_id"] for row in told["archive"]["moments"]] == [customer]
    (tmp_path / "archive").rename(tmp_path / "vault")
    assert "put it back" in kairos("ledger", "forget", customer, code=1)
    (tmp_path / "vault").rename(tmp_path / "archive")
    forgotten = kairos("ledger", "forget", customer, "--json")
    assert forgotten["customers"][0]["archived"] >= 2
    assert kairos("ledger", "export", customer, "--json")["archive"] == {}
    assert kairos("ledger", "check", "--json")["holds"] is True


def test_what_caps_still_count_is_never_archived(kairos):
    assert "too short" in kairos("ledger", "archive", "--older-than", "1d", code=1)
    assert "--older-than" in kairos("ledger", "archive", "--older-than", "soon", code=1)
