"""`kairos campaigns` on a workspace: two pairs of eyes, pauses, rollbacks, and a switch that stops a sender at work."""

from __future__ import annotations

import json
import os
import re
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

KAIROS = str(Path(sys.executable).parent / "kairos")
AS_OF = "2026-11-23"
NAME = "motor-renewal"


def kairos(folder, *arguments, by="ann", code=0):
    command = [KAIROS, *arguments, "-w", str(folder)]
    env = {**os.environ, "KAIROS_USER": by}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr


@pytest.fixture
def place(tmp_path):
    """A workspace of 300 customers with one campaign, by SMS, at any hour, without caps."""
    folder = tmp_path / "w"
    kairos_init = [KAIROS, "init", str(folder), "--demo", "--customers", "300", "--seed", "1",
                   "--as-of", AS_OF]  # fmt: skip
    subprocess.run(kairos_init, check=True, capture_output=True)
    for path in (folder / "campaigns").glob("*.yaml"):
        path.unlink()
    write(folder)
    return folder


def write(folder, title="Renewal"):
    (folder / "campaigns" / f"{NAME}.yaml").write_text(
        f"""name: {NAME}
title: {{zh-CN: 续保, en: {title}}}
purpose: contract
trigger: {{kind: date, of: policies.expiry_date, offset: -300d, where: "status = 'active'", late: fire, max_age: 400d}}
hours: {{from: "00:00", to: "23:59"}}
steps:
  - send: {{template: motor_renewal, channels: [sms, email]}}
""",
        encoding="utf-8",
    )


def settings(folder, *pairs):
    path = folder / "kairos.yaml"
    text = path.read_text(encoding="utf-8")
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def run(folder, day=AS_OF, **options):
    return kairos(folder, "run", "--as-of", day, "--json", **options)


def test_with_approval_nothing_runs_before_another_person_said_yes(place):
    settings(place, ("engine: duckdb", "engine: duckdb\napproval: required\napprovers: [ann, bob]"))
    first = run(place)
    assert (first["reserved"], first["idle"]) == (0, {NAME: "not published; see `kairos campaigns publish`"})
    waits = kairos(place, "campaigns", "publish", "--json")["campaigns"][0]["proposed"]
    assert kairos(place, "campaigns", "list", "--json")["campaigns"][0]["state"] == "draft"
    assert f"kairos: ann wrote this version of {NAME}" in kairos(place, "campaigns", "approve", NAME, code=1)
    assert "eve is not among the approvers" in kairos(place, "campaigns", "approve", NAME, by="eve", code=1)
    kairos(place, "campaigns", "approve", NAME, "--version", waits, by="bob")
    sent = run(place)["reserved"]
    assert sent > 20
    write(place, "Edited and not approved")
    (place / "campaigns" / f"{NAME}.yaml").rename(place / "aside.yaml")
    assert run(place)["reserved"] == 0  # the approved version runs on, whatever the files say, and finds nothing new
    assert kairos(place, "campaigns", "show", NAME, "--json")["state"] == "live"
    (place / "aside.yaml").rename(place / "campaigns" / f"{NAME}.yaml")
    diff = kairos(place, "campaigns", "diff", NAME)
    assert re.findall(r"^[-+]  .*", diff, re.MULTILINE) == ["-  en: Renewal", "+  en: Edited and not approved"]
    log = kairos(place, "ledger", "audit", "--json")
    assert [(e["actor"], e["act"]) for e in log["entries"]] == [
        ("ann", "publish"),
        ("bob", "approve"),
        ("ann", "begin"),
    ]
    assert kairos(place, "ledger", "check", "--json")["holds"]


def test_a_campaign_edited_deleted_put_back_and_rolled_back_reserves_nothing_twice(place):
    sent = run(place)["reserved"]
    first = kairos(place, "campaigns", "show", NAME, "--json")["version"]
    write(place, "Edited")
    assert run(place)["reserved"] == 0
    assert "is in service again" in kairos(place, "campaigns", "rollback", NAME, first)
    assert run(place)["reserved"] == 0
    assert kairos(place, "campaigns", "show", NAME, "--json")["version"] == first
    (place / "campaigns" / f"{NAME}.yaml").unlink()
    assert (run(place)["idle"], kairos(place, "send", "--as-of", AS_OF, "--json")["outcomes"]) == ({NAME: "ended"}, [])
    write(place, "Back")
    assert run(place)["reserved"] == 0
    report = kairos(place, "send", "--as-of", f"{AS_OF}T15:00", "--json")
    handed = sum(line["messages"] for line in report["outcomes"])
    assert (handed > 200, handed + report["waiting"]["messages"]) == (True, sent)  # elsewhere it is night
    assert kairos(place, "ledger", "check", "--json")["holds"]


def test_a_stopped_campaign_stays_stopped_whatever_its_file_says(place):
    sent = run(place)["reserved"]
    assert kairos(place, "campaigns", "stop", NAME, "--json")["withdrawn"] == sent
    write(place, "Once more")
    assert (run(place)["reserved"], run(place, "2026-11-25")["reserved"]) == (0, 0)
    assert "stopped for good" in kairos(place, "campaigns", "publish", NAME)
    assert kairos(place, "ledger", "check", "--json")["holds"]


def test_the_switch_needs_a_name_or_all_and_not_both(place):
    kairos(place, "campaigns", "stop", code=2)
    kairos(place, "campaigns", "stop", NAME, "--all", code=2)


class SlowServer(socketserver.ThreadingTCPServer):
    """An SMTP server that takes a tenth of a second for each message and remembers when each one came."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.came: list[float] = []
        super().__init__(("127.0.0.1", 0), SlowTalk)


class SlowTalk(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line + b"\r\n")

    def handle(self):
        self.say(b"220 slow")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"EHLO":
                self.wfile.write(b"250-slow\r\n250 AUTH PLAIN\r\n")
            elif word == b"AUTH":
                self.say(b"235 come in")
            elif word == b"DATA":
                self.say(b"354 go on")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.server.came.append(time.monotonic())
                time.sleep(0.1)
                self.say(b"250 taken")
            elif word == b"QUIT":
                return self.say(b"221 bye")
            else:
                self.say(b"250 fine")


@pytest.fixture
def slow():
    with SlowServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("act", [("stop", "--all"), ("pause", NAME), ("stop", NAME)])
def test_a_sender_at_work_stops_between_two_messages(place, slow, act, monkeypatch):
    monkeypatch.setenv("SMTP_USERNAME", "a")
    monkeypatch.setenv("SMTP_PASSWORD", "b")
    write(place)
    path = place / "campaigns" / f"{NAME}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("[sms, email]", "[email]"), encoding="utf-8")
    port = slow.server_address[1]
    adapter = f"{{adapter: smtp, host: 127.0.0.1, port: {port}, security: none, from: a@example.com}}"
    settings(place, ("  email: outbox", f"  email: {adapter}"))
    reserved = run(place)["reserved"]
    assert reserved > 60
    command = [KAIROS, "send", "--as-of", f"{AS_OF}T15:00", "--json", "-w", str(place)]
    sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while len(slow.came) < 5:
        assert sender.poll() is None
        time.sleep(0.02)
    kairos(place, "campaigns", *act)
    stopped = time.monotonic()
    said, _ = sender.communicate(timeout=60)
    late = [at - stopped for at in slow.came if at > stopped]
    print(f"{len(slow.came)} of {reserved} left, the last one {max(late, default=0):.2f} s after the command ended")
    assert len(slow.came) < reserved
    assert max(late, default=0) < 3  # a generous bound on a busy machine; the figure above is what it took
    assert set(json.loads(said)["stopped"]) == {"*" if "--all" in act else NAME}
    assert kairos(place, "ledger", "check", "--json")["holds"]
    if act[0] == "pause":
        kairos(place, "campaigns", "resume", NAME)
        rest = kairos(place, "send", "--as-of", f"{AS_OF}T15:05", "--json")
        assert len(slow.came) + rest["waiting"]["messages"] == reserved
