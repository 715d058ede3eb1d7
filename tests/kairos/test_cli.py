"""The commands as people type them: exit codes, reports, and what stands in the ledger afterwards."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

KAIROS = Path(sys.executable).parent / "kairos"


@pytest.fixture
def kairos(tmp_path):
    """Run a command on a workspace in `tmp_path/w`; the process, with its JSON report."""

    def run(*arguments, expect=0, env=None):
        done = subprocess.run([KAIROS, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
        assert done.returncode == expect, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr

    return run


@pytest.fixture
def starter(tmp_path, kairos):
    """The starter workspace without the campaigns that need a fitted model."""
    kairos("init", "w")
    for name in ("motor-service-offer", "health-cross-sell"):
        (tmp_path / "w" / "campaigns" / f"{name}.yaml").unlink()
    return tmp_path / "w"


DAY = ("--as-of", "2026-11-23")


def test_init_run_send_why_and_check_from_nothing(starter, kairos):
    report = kairos("run", "-w", "w", *DAY, "--json")
    assert report["totals"] == {"customers": 4, "moments": 12, "new": 12, "sent": 12, "conserved": True}
    assert kairos("run", "-w", "w", *DAY, "--json")["reserved"] == 0
    sent = kairos("send", "-w", "w", *DAY, "--json")
    assert sum(line["messages"] for line in sent["outcomes"] if line["outcome"] == "accepted") == 12
    assert sent["folders"] == ["w/outbox"]
    files = [file.read_text(encoding="utf-8") for file in (starter / "outbox").rglob("*.txt")]
    assert sum(text.count("\nMessage: ") for text in files) == 12
    assert kairos("send", "-w", "w", *DAY, "--json")["outcomes"] == []
    (story,) = kairos("why", "C1", "-w", "w", "--campaign", "motor-renewal", "--on", "2026-11-23", "--json")
    assert story["summary"] == "policy:P1 (2027-01-22): sent: motor_renewal by sms accepted"
    assert kairos("ledger", "check", "-w", "w", "--json")["holds"] is True


def test_a_rehearsal_keeps_nothing(starter, kairos):
    report = kairos("run", "-w", "w", *DAY, "--dry-run", "--json")
    assert (report["rehearsal"], report["reserved"]) == (True, 12)
    with sqlite3.connect(starter / "ledger.db") as db:
        assert db.execute("select count(*) from moments").fetchone() == (0,)
    assert not list((starter / ".kairos").glob("rehearsal-*"))


def test_only_the_campaign_named_runs(starter, kairos):
    report = kairos("run", "-w", "w", *DAY, "--campaign", "birthday", "--json")
    assert [line["campaign"] for line in report["campaigns"]] == ["birthday"]


def test_campaigns_that_offer_something_need_a_model_and_say_so(kairos):
    kairos("init", "w")
    assert "run `kairos recommend fit" in kairos("run", "-w", "w", *DAY, expect=1)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("lint", "-w", "nowhere"), 1, "nowhere is no workspace"),
        (("run", "-w", "w", "--as-of", "tomorrow"), 1, "'tomorrow' is no date"),
        (("run", "-w", "w", *DAY, "--campaign", "none"), 1, "there is no sound campaign 'none'"),
        (("why", "C1", "-w", "w", "--campaign", "none"), 1, "there is no sound campaign 'none'"),
        (("run", "--nonsense"), 2, "No such option"),
        (("recommend", "top", "-w", "w"), 1, "no model is fitted"),
    ],
)
def test_mistakes_end_with_a_sentence_and_never_a_traceback(starter, kairos, arguments, code, words):
    said = kairos(*arguments, expect=code)
    assert words in said
    assert "Traceback" not in said


def test_a_broken_settings_file_is_pointed_at(starter, kairos):
    settings = starter / "kairos.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("sms: outbox", "sms: pigeon"), encoding="utf-8")
    report = kairos("lint", "-w", "w", "--json", expect=1)
    assert "is no adapter" in report["problems"][0]["message"] or "pigeon" in report["problems"][0]["message"]
    assert (report["problems"][0]["line"], report["problems"][0]["path"]) == (17, "w/kairos.yaml")


def test_a_secret_that_is_not_set_is_named(starter, kairos):
    settings = starter / "kairos.yaml"
    twilio = "sms: {adapter: twilio, messaging_service_sid: MG00000000000000000000000000000000}"
    settings.write_text(settings.read_text(encoding="utf-8").replace("sms: outbox", twilio), encoding="utf-8")
    kairos("run", "-w", "w", *DAY, "--json")
    assert "TWILIO_ACCOUNT_SID" in kairos("send", "-w", "w", *DAY, expect=1)


@pytest.mark.parametrize("of", ["campaign", "settings", "views"])
def test_schemas_are_json(kairos, of):
    told = json.loads(kairos("schema", of))
    assert told["properties" if of != "views" else "customers"]


def test_tasks_go_to_a_real_queue_and_call_results_come_back_as_outcomes_and_refusals(starter, kairos):
    import asyncio

    from kairos.nats_server import start
    from kairos.queues import TASKS_STREAM, Queues

    settings = starter / "kairos.yaml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("ai_outbound: outbox", "ai_outbound: queue"), encoding="utf-8"
    )
    with start(starter / ".kairos" / "nats") as server:
        kairos("run", "-w", "w", *DAY, "--json")
        sent = kairos("send", "-w", "w", *DAY, "--json")
        assert {"channel": "ai_outbound", "outcome": "accepted", "messages": 1} in sent["outcomes"]

        async def answer():
            async with Queues(server.url) as queues:
                task = await queues.jetstream().get_last_msg(TASKS_STREAM, "kairos.tasks.ai_outbound.>")
                job = json.loads(task.data)["job_id"]
                result = {
                    "result_id": "R1",
                    "job_id": job,
                    "outcome": "answered",
                    "occurred_at": "2026-11-23T11:00:00+08:00",
                    "score": 9,
                    "do_not_call": True,
                }
                for _ in range(2):  # the same result twice
                    await queues.jetstream().publish("kairos.results.ai_outbound", json.dumps(result).encode())
                return job

        job = asyncio.run(answer())
        kairos("send", "-w", "w", *DAY, "--json")
    with sqlite3.connect(starter / "ledger.db") as db:
        assert db.execute("select state from messages where message_id = ?", (job,)).fetchone() == ("delivered",)
        assert [row[0] for row in db.execute("select event from outcomes order by 1")] == [
            "call_answered",
            "survey_answered",
        ]
        refusals = db.execute("select statement_id, kind, medium, granted, evidence from consent_statements").fetchall()
        assert refusals == [("call R1", "call_refusal", "ai_outbound", 0, "call R1")]


ALERT = {
    "alert_id": "A1", "event": "typhoon", "effective_at": "2026-11-23T08:00+08:00", "region_codes": ["440000"],
    "recorded_at": "2026-11-23T08:00+08:00", "status": "active",
}  # fmt: skip


def test_an_alert_by_hand_tells_what_could_not_be_used_and_which_campaigns_did_not_run(starter, tmp_path, kairos):
    (tmp_path / "alert.json").write_text(json.dumps(ALERT | {"severity": "terrible"}))
    told = kairos("alert", "alert.json", "-w", "w", *DAY, "--json")
    assert (told["new"], told["set_aside"], told["problems"]) == (1, {"unknown_value": 1}, [])
    campaign = starter / "campaigns" / "disaster-care.yaml"
    campaign.write_text(campaign.read_text(encoding="utf-8").replace("severity:", "severitie:"), encoding="utf-8")
    said = kairos("alert", "alert.json", "-w", "w", *DAY, expect=1)
    assert "0 of them new" in said
    assert "not run: " in said
    assert "severitie" in said
    assert kairos("alert", "alert.json", "-w", "w", *DAY, "--json", expect=1)["problems"]


def test_the_stream_refuses_to_begin_where_offers_have_no_model(tmp_path, kairos):
    kairos("init", "w")
    assert "kairos recommend fit" in kairos("stream", "-w", "w", expect=1)
