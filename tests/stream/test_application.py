"""`kairos stream` as a process of its own, with a real broker, killed and asked to stop."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from contract import CHECKOUT
from servers import Nats, free_port

from campaigns.check import check
from campaigns.ledger import Ledger
from kairos.starter import write_starter
from kairos.stream.inlet import open_inlet

CUSTOMERS = 120
CAMPAIGN = """name: quote-help
title: {zh-CN: 报价, en: Quote}
purpose: service
trigger: {kind: event, type: call, max_age: 2d}
hours: {from: "00:00", to: "23:59"}
steps:
  - send: {template: dormancy_care, channels: [sms]}
"""


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path / "nats")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def workspace(tmp_path: Path, nats: Nats) -> Path:
    """Customers with phones, one campaign on calls, facts from the test's own broker."""
    folder = tmp_path / "workspace"
    write_starter(folder, demo=False)
    for campaign in (folder / "campaigns").glob("*.yaml"):
        campaign.unlink()
    (folder / "campaigns" / "quote-help.yaml").write_text(CAMPAIGN, encoding="utf-8")
    rows = "\n".join(f"C{n},N{n},{13800000000 + n},en" for n in range(CUSTOMERS))
    (folder / "facts" / "customers.csv").write_text(f"customer_id,name,phone,locale\n{rows}\n", encoding="utf-8")
    for view in ("claims", "events", "policies", "consents", "complaints", "alerts"):
        (folder / "facts" / f"{view}.csv").unlink()
    (folder / "sources.yaml").write_text(
        "customers: facts/customers.csv\nproducts: facts/products.csv\n", encoding="utf-8"
    )
    settings = (folder / "kairos.yaml").read_text(encoding="utf-8")
    hours = 'hours: {from: "00:00", to: "23:59"}'
    settings = settings.replace('hours: {from: "09:00", to: "20:00"}', hours).replace("holdout: 1%", "holdout: 0%")
    (folder / "kairos.yaml").write_text(settings + f"\nstream: {{broker: {nats.url}}}\n", encoding="utf-8")
    return folder


def kairos(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-c", "from kairos.cli import main; main()", *words]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def stream(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start it and wait until it takes facts."""
    command = [sys.executable, "-c", "from kairos.cli import main; main()", "stream", "-w", str(folder), *words]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    child = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said = child.stderr.readline()  # type: ignore[union-attr]
    assert said.startswith("Taking facts from"), said
    return child


def ended(child: subprocess.Popen[str]) -> str:
    """What it printed in the end; its pipes closed."""
    out, _ = child.communicate(timeout=60)
    return out


def body(number: int) -> bytes:
    at = datetime.now(UTC) - timedelta(minutes=number)
    customer = f"C{number % CUSTOMERS}"
    return json.dumps(
        {"event_id": f"E{number}", "customer_id": customer, "type": "call", "occurred_at": at.isoformat()}
    ).encode()


def publish(url: str, numbers: range) -> None:
    async def run() -> None:
        inlet = open_inlet(url, None)  # type: ignore[arg-type]
        inlet._client = await inlet.broker.connect()  # type: ignore[attr-defined]
        for number in numbers:
            await inlet.publish("events", body(number))
        await inlet.broker.stop()

    asyncio.run(run())


def messages(folder: Path) -> list[str]:
    with Ledger(folder / "ledger.db") as ledger:
        return [row[0] for row in ledger.store.query("select customer_id from messages order by 1")]


def wait_for(true, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def test_facts_become_messages_and_the_page_tells_how_it_goes(workspace: Path, nats: Nats):
    port = free_port()
    child = stream(workspace, "--http", f"127.0.0.1:{port}", "--json")
    publish(nats.url, range(20))
    publish(nats.url, range(10))
    wait_for(lambda: len(messages(workspace)) == 20)

    def page(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
            return answer.read().decode()

    assert json.loads(page("health")) == {"healthy": True}
    assert 'kairos_stream_arrivals_total{result="kept",view="events"} 30.0' in page("metrics")
    document = json.loads(page("asyncapi.json"))
    assert document["components"]["schemas"]["events"]["required"] == ["event_id", "customer_id", "type", "occurred_at"]
    child.send_signal(signal.SIGTERM)
    totals = json.loads(ended(child))
    assert (child.returncode, totals["rows"], totals["reserved"]) == (0, 20, 20)


def test_killed_three_times_it_loses_nothing_and_says_nothing_twice(workspace: Path, nats: Nats):
    for life in range(3):
        child = stream(workspace)
        publish(nats.url, range(life * 40, (life + 1) * 40))
        wait_for(lambda: messages(workspace))
        child.kill()
        ended(child)
    child = stream(workspace)
    wait_for(lambda: len(messages(workspace)) == CUSTOMERS)
    child.send_signal(signal.SIGTERM)
    ended(child)
    assert messages(workspace) == sorted(f"C{number}" for number in range(CUSTOMERS))
    with Ledger(workspace / "ledger.db") as ledger:
        assert all(finding.holds for finding in check(ledger))


@pytest.mark.parametrize(
    ("stop", "go"), [(("pause", "quote-help"), ("resume", "quote-help")), (("stop", "--all"), ("resume", "--all"))]
)
def test_a_stream_that_runs_heeds_a_pause_at_its_next_look(workspace: Path, nats: Nats, stop, go):
    """Looks are half a second apart at most; every fact brought after the pause is looked at before the test looks."""
    port = free_port()
    child = stream(workspace, "--http", f"127.0.0.1:{port}", "--json")

    def looks() -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            (line,) = re.findall(r"^kairos_stream_decide_seconds_count (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(line)

    def bring(number: int) -> None:
        before = looks()
        publish(nats.url, range(number, number + 1))
        wait_for(lambda: looks() > before)

    def campaigns(*words: str) -> None:
        done = kairos("campaigns", *words, "-w", str(workspace))
        assert done.returncode == 0, done.stderr

    def accepted() -> int:
        done = kairos("send", "-w", str(workspace), "--json")
        return sum(line["messages"] for line in json.loads(done.stdout)["outcomes"] if line["outcome"] == "accepted")

    bring(0)
    wait_for(lambda: messages(workspace) == ["C0"])
    campaigns(*stop)
    for number in (1, 2, 3):
        bring(number)
    assert messages(workspace) == ["C0"]
    assert accepted() == 0, "what was reserved before waits, too"
    campaigns(*go)
    bring(4)
    wait_for(lambda: "C4" in messages(workspace))
    assert accepted() == len(messages(workspace))
    child.send_signal(signal.SIGTERM)
    assert json.loads(ended(child))["rows"] == 5
    assert child.returncode == 0


def test_a_pause_reaches_a_stream_under_load(workspace: Path, nats: Nats):
    """Facts keep coming, and no look that begins after the pause reserves a message."""
    child = stream(workspace)
    stopped = threading.Event()

    def keep_coming() -> None:
        number = 0
        while not stopped.wait(0.05):  # each event is one more occasion of one of the customers
            publish(nats.url, range(number, number + 1))
            number += 1

    coming = threading.Thread(target=keep_coming)
    coming.start()
    try:
        wait_for(lambda: len(messages(workspace)) > 3)
        done = kairos("campaigns", "pause", "quote-help", "-w", str(workspace))
        assert done.returncode == 0, done.stderr
        paused = int(time.time())  # a look that begins in a later second sees the pause
        with Ledger(workspace / "ledger.db") as ledger:

            def brought() -> int:
                return ledger.store.query(f"select count(*) from inbox where received_at > {paused}")[0][0]

            wait_for(lambda: brought() > 10)
            late = ledger.store.query(f"select count(*) from messages where reserved_at > {paused}")
        assert late == [(0,)]
    finally:
        stopped.set()
        coming.join()
        child.send_signal(signal.SIGTERM)
        ended(child)
    assert child.returncode == 0


def test_an_alert_given_by_hand_reaches_a_stream_that_runs(workspace: Path, nats: Nats, tmp_path: Path):
    child = stream(workspace)
    alert = {
        "alert_id": "A1", "event": "typhoon", "effective_at": datetime.now(UTC).isoformat(), "region_codes": ["440000"],
        "recorded_at": datetime.now(UTC).isoformat(), "status": "active",
    }  # fmt: skip
    (tmp_path / "alert.json").write_text(json.dumps(alert))
    done = kairos("alert", str(tmp_path / "alert.json"), "-w", str(workspace), "--json")
    assert json.loads(done.stdout)["new"] == 1
    time.sleep(2)
    child.send_signal(signal.SIGTERM)
    assert "1 facts taken" in ended(child)


def test_a_broker_that_cannot_be_reached_is_named_without_its_password(workspace: Path):
    settings = (workspace / "kairos.yaml").read_text(encoding="utf-8")
    gone = f"redis://kairos:secret@127.0.0.1:{free_port()}"
    (workspace / "kairos.yaml").write_text(settings[: settings.rindex("stream:")] + f"stream: {{broker: '{gone}'}}\n")
    done = kairos("stream", "-w", str(workspace))
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "secret" not in done.stderr


def test_a_page_that_cannot_be_served_is_said_before_anything_is_taken(workspace: Path, nats: Nats):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = kairos("stream", "-w", str(workspace), "--http", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 1
    assert "nothing can be served at 127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_health_tells_whether_the_broker_is_there(workspace: Path, nats: Nats):
    port = free_port()
    child = stream(workspace, "--http", f"127.0.0.1:{port}")

    def status() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert status() == 200
    nats.kill()
    wait_for(lambda: status() == 503)
    nats.start()
    wait_for(lambda: status() == 200)
    child.send_signal(signal.SIGTERM)
    ended(child)
    assert child.returncode == 0
