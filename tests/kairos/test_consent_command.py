"""Double opt-in on a whole workspace, with the files the how-to shows."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kairos.starter import write_starter

KAIROS = Path(sys.executable).parent / "kairos"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "respect-consent.md"


def shown(kind: str, beginning: str) -> str:
    """The block of the page that begins so."""
    blocks = re.findall(rf"^ *```{kind}\n(.*?)^ *```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return next(text for text in map(textwrap.dedent, blocks) if text.startswith(beginning))


@pytest.fixture
def place(tmp_path):
    write_starter(tmp_path, demo=False)
    for path in (tmp_path / "campaigns").glob("*.yaml"):
        path.unlink()
    (tmp_path / "campaigns" / "confirm-consent.yaml").write_text(
        shown("yaml", "name: confirm-consent"), encoding="utf-8"
    )
    for locale in ("en", "zh-CN"):
        (tmp_path / "templates" / locale).mkdir(parents=True)
        (tmp_path / "templates" / locale / "confirm_consent.j2").write_text(
            shown("jinja", "{% block sms"), encoding="utf-8"
        )
    settings = (tmp_path / "kairos.yaml").read_text(encoding="utf-8")
    linked = settings.replace("links:  ", "links:\n  confirm: https://www.example.com/consent/  ", 1)
    (tmp_path / "kairos.yaml").write_text(linked, encoding="utf-8")
    return tmp_path


@pytest.fixture
def kairos(place):
    def call(*arguments, code=0):
        command = [KAIROS, *arguments, "-w", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr

    return call


def test_a_consent_is_asked_for_by_sms_and_confirmed_by_its_link_once(kairos, place):
    kairos("lint")
    asked = kairos("consent", "request", "C3", "--text-version", "v3", "--id", "R1", "--json")
    assert asked["new"]
    assert not kairos("consent", "request", "C3", "--text-version", "v3", "--id", "R1", "--json")["new"]
    assert kairos("run", "--json")["reserved"] == 1
    with sqlite3.connect(place / "ledger.db") as db:
        words = json.loads(db.execute("select parts from messages").fetchone()[0])["sms"]
    token = re.search(r"https://www\.example\.com/consent/([\w-]{32})", words)[1]
    assert kairos("consent", "confirm", "x" * 32, "--evidence", "log 1", "--json", code=1) == {
        "answer": "unknown",
        "granted": False,
    }
    assert kairos("consent", "confirm", token, "--evidence", "log 2", "--json") == {
        "answer": "confirmed",
        "granted": True,
    }
    assert kairos("consent", "confirm", token, "--evidence", "log 3", code=1) == "the token is used\n"
    (told,) = kairos("ledger", "export", "C3", "--json")["tables"]["consent_statements"]
    assert (told["purpose"], told["medium"], told["granted"], told["text_version"]) == ("marketing", "sms", 1, "v3")
    assert told["evidence"] == "request R1, log 2"


def test_a_reply_is_read_once_and_whole(kairos):
    said = ("--from", "138 0013 8001", "--json")
    assert kairos("consent", "reply", "don't stop", "--id", "1", *said) == {"meaning": "nothing"}
    assert kairos("consent", "reply", "please stop this", "--id", "2", *said) == {"meaning": "person"}
    assert kairos("consent", "reply", "TD", "--id", "3", *said) == {"meaning": "opt_out"}


def test_a_stop_told_to_a_person_is_noted_with_its_record(kairos, place):
    assert kairos("consent", "refuse", "C1", "--evidence", "branch 12", "--json")["new"]
    with sqlite3.connect(place / "ledger.db") as db:
        assert db.execute("select customer_id, purpose, medium, source from opt_outs").fetchall() == [
            ("C1", "*", "*", "branch 12")
        ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("request", "C1", "--text-version", "v1", "--channel", "fax"), "nobody can agree to 'marketing' on 'fax'"),
        (("request", "C1", "--text-version", "v1", "--valid", "soon"), "--valid: 'soon' is no length of time"),
        (("reply", "STOP", "--id", "1", "--from", "12"), "nobody can write by sms from '12'"),
        (("refuse", "C1", "--evidence", "x", "--purpose", "adverts"), "there is no 'adverts' on '*'"),
    ],
)
def test_mistakes_end_with_a_sentence(kairos, arguments, words):
    assert words in kairos("consent", *arguments, code=1)
