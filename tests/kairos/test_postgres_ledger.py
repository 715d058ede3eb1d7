"""A workspace whose ledger is a PostgreSQL database that asks for a password: the commands as people type them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import postgres_server
import psycopg
import pytest

from kairos.starter import write_starter
from kairos.stream.inlet import open_inlet

KAIROS = Path(sys.executable).parent / "kairos"
PASSWORD = "p@ss:/w%rd#1"  # what an address would misread, had it not been quoted
DAY = ("--as-of", "2026-11-23")
CALL = """name: quote-help
title: {zh-CN: 报价, en: Quote}
purpose: service
trigger: {kind: event, type: call, max_age: 2d}
hours: {from: "00:00", to: "23:59"}
steps:
  - send: {template: dormancy_care, channels: [sms]}
"""


@pytest.fixture(scope="module")
def server():
    if reason := postgres_server.why_not():
        pytest.skip(reason)
    made = postgres_server.start(password=PASSWORD)
    yield made
    made.close()


@pytest.fixture
def database(server, request):
    """A new database of the server: how to ask it, and its name."""
    name = f"d{abs(hash(request.node.name)) % 10**9}"
    with psycopg.connect(server.url("postgres"), password=PASSWORD, autocommit=True) as db:
        db.execute(f"create database {name}")
    return name


@pytest.fixture
def ask(server, database):
    def run(sql):
        with psycopg.connect(server.url(database), password=PASSWORD) as db:
            return db.execute(sql).fetchall()

    return run


@pytest.fixture
def place(tmp_path, server, database):
    """The starter workspace without the campaigns that need a fitted model."""
    write_starter(tmp_path, demo=False)
    for name in ("motor-service-offer", "health-cross-sell"):
        (tmp_path / "campaigns" / f"{name}.yaml").unlink()
    keep_in(tmp_path, server.url(database, "kairos:${KAIROS_DB_PASSWORD}"))
    return tmp_path


def keep_in(place, url):
    settings = (place / "kairos.yaml").read_text(encoding="utf-8")
    kept = [line for line in settings.splitlines() if not line.startswith("ledger:")]
    (place / "kairos.yaml").write_text("\n".join([*kept, f"ledger: {url}", ""]), encoding="utf-8")


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if name not in ("PGPASSWORD", "KAIROS_DB_PASSWORD")}
    return clean | more


@pytest.fixture
def kairos(place):
    def run(*arguments, code=0, env=None):
        given = environment(**({"KAIROS_DB_PASSWORD": PASSWORD} if env is None else env))
        command = [KAIROS, *arguments, "-w", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=given, timeout=120)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert PASSWORD not in said
        return json.loads(done.stdout) if "--json" in arguments else said

    return run


def test_the_commands_work_on_a_shared_ledger(place, kairos, ask):
    kairos("lint")
    assert kairos("run", *DAY, "--dry-run", "--json")["reserved"] == 12
    assert ask("select count(*) from moments") == [(0,)]
    assert kairos("run", *DAY, "--json")["totals"]["sent"] == 12
    assert kairos("run", *DAY, "--json")["reserved"] == 0
    kairos("campaigns", "stop", "--all")
    assert kairos("send", *DAY, "--json")["outcomes"] == []
    kairos("campaigns", "resume", "--all")
    sent = kairos("send", *DAY, "--json")
    assert sum(line["messages"] for line in sent["outcomes"] if line["outcome"] == "accepted") == 12
    (story,) = kairos("why", "C1", "--campaign", "motor-renewal", "--on", "2026-11-23", "--json")
    assert story["summary"] == "policy:P1 (2027-01-22): sent: motor_renewal by sms accepted"
    assert {each["state"] for each in kairos("campaigns", "list", "--json")["campaigns"]} == {"live"}
    kairos("consent", "refuse", "C1", "--evidence", "letter 7", "--json")
    assert kairos("ledger", "export", "C1", "--json")["tables"]["opt_outs"]
    assert kairos("ledger", "forget", "C2", "--json")["scoured"] is True
    moved = kairos("ledger", "archive", "--as-of", "2028-06-01", "--json")["rows"]
    assert ask("select count(*) from moments where archived_in is not null") == [(moved["moments"],)]
    assert moved["moments"] > 0
    assert kairos("ledger", "audit", "--json")["whole"] is True
    assert kairos("ledger", "check", "--json")["holds"] is True
    assert ask("select count(*) from fates") == [(12,)]
    assert not list(place.rglob("ledger.db*"))


def test_a_file_becomes_a_shared_ledger_and_goes_on_where_it_was(place, kairos, server, database):
    shared = server.url(database, "kairos:${KAIROS_DB_PASSWORD}")
    keep_in(place, "sqlite:///ledger.db")
    kairos("run", *DAY, "--json")
    assert kairos("ledger", "copy", shared, "--json")["rows"]["messages"] == 12
    assert "is not empty" in kairos("ledger", "copy", shared, code=1)
    assert "no such place" in kairos("ledger", "copy", "mysql://db/kairos", code=1)
    keep_in(place, shared)
    assert kairos("run", *DAY, "--json")["reserved"] == 0
    assert kairos("send", *DAY, "--json")["waiting"]["messages"] == 0
    assert kairos("ledger", "check", "--json")["holds"] is True


def test_a_backtest_reads_the_shared_ledger_and_writes_nothing_to_it(kairos, ask):
    kairos("run", *DAY, "--json")
    before = ask("select count(*) from moments")
    kairos("backtest", "--from", "2026-11-24", "--to", "2026-11-30", "--json")
    assert ask("select count(*) from moments") == before


def test_the_password_may_come_from_the_drivers_own_variable(place, server, database, kairos):
    keep_in(place, server.url(database))
    assert kairos("run", *DAY, "--json", env={"PGPASSWORD": PASSWORD})["reserved"] == 12


def test_a_missing_variable_is_named(kairos):
    said = kairos("run", *DAY, code=1, env={})
    assert "the environment has no value for ${KAIROS_DB_PASSWORD}" in said
    assert "kairos.yaml" in said


def test_a_wrong_password_is_not_repeated(kairos):
    said = kairos("ledger", "check", code=1, env={"KAIROS_DB_PASSWORD": "wr0ng"})
    assert "password authentication failed" in said
    assert "wr0ng" not in said
    assert "Traceback" not in said


def test_a_server_that_is_away_ends_with_a_sentence(place, kairos):
    keep_in(place, "postgresql://kairos:${KAIROS_DB_PASSWORD}@127.0.0.1:1/kairos")
    for command in (("run", *DAY), ("send", *DAY), ("campaigns", "list"), ("stream",), ("ledger", "check")):
        said = kairos(*command, code=1)
        assert "the ledger postgresql://kairos@127.0.0.1:1/kairos cannot be reached" in said
        assert "Is the server up" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    "url", ["postgresql://kairos:secret@db/kairos", "postgresql://db/kairos?user=kairos&password=secret"]
)
def test_a_password_in_the_file_is_refused_and_not_repeated(place, kairos, url):
    keep_in(place, url)
    said = kairos("lint", code=1)
    assert "the ledger's password stands in the file" in said
    assert "secret" not in said


def test_the_stream_outlives_its_database_and_loses_nothing(place, kairos, server, ask, tmp_path):
    for campaign in (place / "campaigns").glob("*.yaml"):
        campaign.unlink()
    (place / "campaigns" / "quote-help.yaml").write_text(CALL, encoding="utf-8")
    log = tmp_path / "stream.log"
    with log.open("w") as output:
        child = subprocess.Popen(
            [KAIROS, "stream", "-w", str(place)],
            stdout=output,
            stderr=output,
            env=environment(KAIROS_DB_PASSWORD=PASSWORD, COLUMNS="200"),
        )
    try:
        wait_for(lambda: "Taking facts from" in log.read_text())
        url = log.read_text().partition("Taking facts from ")[2].split()[0]
        publish(url, ["C1"])
        wait_for(lambda: ask("select customer_id from messages") == [("C1",)])
        server.stop("immediate")
        publish(url, ["C2", "C1"])
        wait_for(lambda: "arrivals_not_written" in log.read_text() and "deciding_failed" in log.read_text())
        server.start()
        wait_for(lambda: ask("select customer_id from messages order by 1") == [("C1",), ("C2",)])
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)
    assert child.returncode == 0, log.read_text()
    assert PASSWORD not in log.read_text()
    assert kairos("ledger", "check", "--json")["holds"] is True


def test_callbacks_outlive_their_database(place, server, kairos, ask):
    kairos("consent", "request", "C1", "--text-version", "v1")
    body = ask("select body from inbox where view = 'events'")[0][0]
    token = json.loads(body)["subject_id"]
    child = subprocess.Popen(
        [KAIROS, "callbacks", "-w", str(place), "--http", "127.0.0.1:0"],
        stderr=subprocess.PIPE, text=True, env=environment(KAIROS_DB_PASSWORD=PASSWORD),
    )  # fmt: skip
    try:
        assert child.stderr is not None
        url = child.stderr.readline().partition("callbacks at ")[2].partition(";")[0]

        def status(method):
            asked = urllib.request.Request(f"{url}/confirm/{token}", method=method)
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        assert status("GET") == 200
        server.stop("immediate")
        assert status("POST") == 503
        server.start()
        wait_for(lambda: status("POST") == 200)
    finally:
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 0, said
    assert [each for each in (PASSWORD, token) if each in said] == []
    assert ask("select customer_id, granted from consent_statements") == [("C1", 1)]


def publish(url, customers):
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    async def run():
        inlet = open_inlet(url, None)
        inlet._client = await inlet.broker.connect()
        for customer in customers:
            event = {"event_id": f"E-{customer}", "customer_id": customer, "type": "call", "occurred_at": at}
            await inlet.publish("events", json.dumps(event).encode())
        await inlet.broker.stop()

    asyncio.run(run())


def wait_for(true, seconds=90):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)
