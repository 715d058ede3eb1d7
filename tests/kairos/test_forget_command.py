"""`kairos ledger forget` and `export` on a whole workspace."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from campaigns.pseudonyms import hashed
from kairos.starter import write_starter
from kairos.workspace import Workspace

KAIROS = Path(sys.executable).parent / "kairos"
RUN = [
    "run",
    "--as-of",
    "2026-11-23",
    "--campaign",
    "motor-renewal",
    "--campaign",
    "claim-progress",
    "--campaign",
    "birthday",
]


@pytest.fixture
def kairos(tmp_path):
    write_starter(tmp_path, demo=False)

    def call(*arguments, code=0, **environment):
        command = [KAIROS, *arguments, "-w", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr

    return call


def test_an_erased_customer_is_gone_from_the_file_and_the_ledger_still_holds_its_laws(kairos, tmp_path):
    assert kairos(*RUN, "--json")["totals"]["sent"] > 0
    told = kairos("ledger", "export", "C1", "--json")["tables"]
    assert {"moments", "decisions", "messages"} <= set(told)
    address = told["messages"][0]["address"]
    kairos("send", "--as-of", "2026-11-23T12:00")
    sent = kairos(*RUN, "--json")["totals"]
    report = kairos("ledger", "forget", "C1", "--json")
    assert (report["done"], report["scoured"], report["customers"][0]["in_tables"]) == (True, True, True)
    assert report["customers"][0]["hashes"]["phone"] >= 1
    assert address.encode() not in (tmp_path / "ledger.db").read_bytes()
    again = kairos("ledger", "export", "C1", "--json")
    assert again == {"customer_id": "C1", "erased": True, "tables": {}, "archive": {}, "unreached": []}
    kairos("ledger", "check")
    after = kairos(*RUN, "--json")["totals"]
    assert after["sent"] == sent["sent"]
    assert after["conserved"]


def test_a_customer_nobody_knows_is_forgotten_too_and_the_command_can_be_repeated(kairos):
    for _ in range(2):
        report = kairos("ledger", "forget", "C404", "--json")
        assert report["customers"][0]["rows"] == {}
    assert "C404 was erased" in kairos("ledger", "export", "C404")


def with_list(folder, text):
    with (folder / "kairos.yaml").open("a", encoding="utf-8") as settings:
        settings.write("\ndo_not_contact: list.csv\nhash_salt: ${SALT_OF_A_TEST}\n")
    (folder / "list.csv").write_text(text, encoding="utf-8")


def test_a_salt_the_environment_lacks_is_a_problem_of_the_settings(kairos, tmp_path):
    with_list(tmp_path, "phone\n13800138001\n")
    assert "kairos.yaml:" in (said := kairos("lint", code=1))
    assert "the environment has no value for ${SALT_OF_A_TEST}" in said


def test_lint_names_every_faulty_line_of_the_list(kairos, tmp_path):
    with_list(tmp_path, "phone,channel,until\n13800138001,,\n13800138001,fax,\n,sms,soon\n")
    said = kairos("lint", code=1, SALT_OF_A_TEST="s")
    assert [line.split("list.csv:")[1] for line in said.splitlines() if "list.csv:" in line] == [
        "3:1: 'fax' is no channel (at channel)",
        "4:1: '' names nobody (at phone)",
        "4:1: 'soon' is no day (at until)",
    ]
    (tmp_path / "list.csv").write_text("phone,fax\n1,2\n", encoding="utf-8")
    assert "the first line does not name the columns: it has a column 'fax'" in kairos(
        "lint", code=1, SALT_OF_A_TEST="s"
    )
    (tmp_path / "list.csv").unlink()
    assert "the list cannot be read" in kairos("lint", code=1, SALT_OF_A_TEST="s")


@pytest.mark.parametrize(
    "text",
    [
        "phone,channel\n138 0013 8001,*\nno number at all,\n",
        "email\nZhangWei@Example.com\n",
        f"hash,until\n{hashed('s', '+8613800138001')},2099-12-31\n",
    ],
    ids=["numbers", "addresses", "hashes"],
)
def test_a_listed_customer_is_refused_whatever_the_list_names(kairos, tmp_path, text):
    with_list(tmp_path, text)
    kairos("run", "--as-of", "2026-11-23", "--campaign", "birthday", SALT_OF_A_TEST="s")
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        told = dict(
            db.execute(
                "select m.customer_id, d.verdict || ' ' || d.reason from moments m join decisions d using (moment_id)"
            )
        )
    assert told == {"C1": "refused do_not_contact", "C3": "sent "}


def test_whoever_runs_for_long_sees_the_list_as_it_is_now(kairos, tmp_path, monkeypatch):
    monkeypatch.setenv("SALT_OF_A_TEST", "s")
    with_list(tmp_path, "phone\n13800138001\n")
    place = Workspace(tmp_path)
    seen = [place.rules({}).do_not_contact]
    (tmp_path / "list.csv").write_text("phone\n13800138001\n13900139000\n", encoding="utf-8")
    seen.append(place.rules({}).do_not_contact)
    assert [table.num_rows for table in seen] == [1, 2]
