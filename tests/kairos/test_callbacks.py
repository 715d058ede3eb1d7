"""`kairos callbacks` over real HTTP on loopback: receipts, messages written back, links that confirm a consent."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from campaigns.check import check
from campaigns.ledger import Ledger
from kairos.starter import write_starter

KAIROS = Path(sys.executable).parent / "kairos"
PUBLIC, TOKEN = "https://kairos.example.com/in", "loopback-token"
SMS = "sms: {adapter: twilio, messaging_service_sid: MG00000000000000000000000000000000}"
DAY = ("--as-of", "2026-11-23")
PHONE = "+8613800000003"


@pytest.fixture
def place(tmp_path):
    """The starter, SMS through Twilio, a run's messages in the outbox."""
    write_starter(tmp_path, demo=False)
    for name in ("motor-service-offer", "health-cross-sell"):
        (tmp_path / "campaigns" / f"{name}.yaml").unlink()
    settings = tmp_path / "kairos.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("sms: outbox", SMS) + f"\npublic_url: {PUBLIC}\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def kairos(place):
    def call(*arguments):
        command = [KAIROS, *arguments, "-w", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    return call


class Served:
    """The command as a process, and a client of it."""

    def __init__(self, place: Path) -> None:
        environment = {**os.environ, "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": TOKEN}
        self.process = subprocess.Popen(
            [KAIROS, "callbacks", "-w", str(place), "--http", "127.0.0.1:0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        line = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line + self.process.stderr.read()
        self.port = int(found[1])

    def ask(self, method, path, body=b"", **headers):
        """Status, headers and text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def twilio(self, path, token=TOKEN, public=PUBLIC, **form):
        """A call as Twilio makes it: a form, signed over the public address and the form."""
        signature = RequestValidator(token).compute_signature(public + path, form)
        kind = "application/x-www-form-urlencoded; charset=UTF-8"
        return self.ask("POST", path, urlencode(form), Content_Type=kind, X_Twilio_Signature=signature)

    def write(self, words, sender=PHONE, sid="SM1", **more):
        """Somebody writes; what we answer by TwiML, "" for nothing."""
        form = {
            "MessageSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": "AC" + "0" * 32,
            "From": sender,
            "To": "+15005550006",
        }
        status, headers, text = self.twilio(
            "/replies/twilio", **form, Body=words, NumMedia="0", NumSegments="1", **more
        )
        assert status == 200, text
        assert headers["content-type"].startswith("text/xml")
        root = ET.fromstring(text)
        assert root.tag == "Response"
        return "".join(message.text or "" for message in root)

    def end(self):
        """Stop it; what it said."""
        self.process.send_signal(signal.SIGTERM)
        out, error = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, error
        return out + error


@pytest.fixture
def served(place):
    made = Served(place)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.communicate()


def rows(place, sql):
    with sqlite3.connect(place / "ledger.db") as db:
        return db.execute(sql).fetchall()


def asked(place, kairos, *more, customer="C3"):
    """Ask for a consent; the token its customer would be sent."""
    kairos("consent", "request", customer, "--text-version", "v3", *more)
    body = rows(place, "select body from inbox where view = 'events' order by seq desc limit 1")[0][0]
    return json.loads(body)["subject_id"]


def consents(place):
    return rows(place, "select customer_id, purpose, medium, granted, source from consent_statements")


# links


def test_a_link_opened_in_advance_confirms_nothing_and_its_button_does_once(place, kairos, served):
    token = asked(place, kairos)
    for method in ("GET", "HEAD", "GET"):
        status, _, page = served.ask(method, f"/confirm/{token}", Accept_Language="en-GB,en;q=0.9")
        assert status == 200
        assert ('<form method="post">' in page) is (method == "GET")
    assert consents(place) == []
    assert "offers" in page
    assert "text message" in page
    first = served.ask("POST", f"/confirm/{token}", Accept_Language="en")
    assert (first[0], "You have agreed" in first[2]) == (200, True)
    assert consents(place) == [("C3", "marketing", "sms", 1, "double_opt_in")]
    assert served.ask("POST", f"/confirm/{token}", Accept_Language="en")[::2] == first[::2]
    again = served.ask("GET", f"/confirm/{token}", Accept_Language="en")
    assert (again[0], again[2]) == (200, first[2])
    assert len(consents(place)) == 1
    evidence = rows(place, "select evidence from consent_statements")[0][0]
    assert "confirmation page" in evidence


def test_the_page_tells_nobody_who_it_is_about_and_is_kept_nowhere(place, kairos, served):
    token = asked(place, kairos)
    customer = rows(place, "select customer_id from consent_requests")[0][0]
    status, headers, page = served.ask("GET", f"/confirm/{token}")
    assert status == 200
    assert [each for each in (customer, token, "138", "@") if each in page.split("</style>")[1]] == []
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert '<html lang="zh-CN">' in page
    served.ask("POST", f"/confirm/{token}")
    assert token not in served.end()
    assert rows(place, f"select count(*) from consent_requests where token_hash = '{token}'") == [(0,)]


def test_a_link_that_is_guessed_replaced_or_expired_confirms_nothing(place, kairos, served):
    old = asked(place, kairos)
    new = asked(place, kairos)
    gone = asked(place, kairos, "--purpose", "care")
    with sqlite3.connect(place / "ledger.db") as db:
        db.execute("update consent_requests set expires_at = requested_at - 1 where purpose = 'care'")
    assert new != old
    for token, status in (("x" * 32, 404), (old, 410), (gone, 410), ("", 404), ("..%2f..", 404)):
        assert served.ask("GET", f"/confirm/{token}")[0] == status
        assert served.ask("POST", f"/confirm/{token}")[0] == status
    assert consents(place) == []
    assert served.ask("PUT", f"/confirm/{new}")[0] == 405
    assert served.ask("POST", f"/confirm/{new}", b"x" * 70_000)[0] == 413
    assert consents(place) == []


# messages written back


@pytest.fixture
def written_to(place, kairos):
    """Somebody the run wrote to by SMS: customer and number."""
    kairos("run", *DAY)
    customer, number = rows(place, "select customer_id, address from messages where medium = 'sms' order by 1 limit 1")[
        0
    ]
    return customer, number


@pytest.mark.parametrize("words", ["退订", "TD", "Stop", "STOP"])
def test_a_stop_by_sms_is_an_opt_out_and_what_waits_does_not_go(place, served, written_to, words):
    customer, number = written_to
    answer = served.write(words, number)
    assert bool(answer) is (words in ("退订", "TD")), "Twilio answers its own words by itself"
    assert rows(place, "select customer_id, purpose, medium from opt_outs") == [(customer, "*", "sms")]
    assert served.write(words, number) == answer
    assert rows(place, "select count(*) from opt_outs") == [(1,)]
    assert rows(place, "select meaning, customer_id from answers") == [("opt_out", customer)]
    with Ledger(place / "ledger.db") as ledger:
        assert all(finding.holds for finding in check(ledger))


def test_the_answer_to_a_stop_is_in_the_language_it_was_written_in(served, written_to):
    _, number = written_to
    assert "退订" in served.write("退订", number)
    assert "no more text messages" in served.write("TD", number, "SM2")


def test_a_stop_the_provider_knows_by_words_of_its_own_counts_and_is_not_answered_twice(place, served, written_to):
    customer, number = written_to
    assert served.write("Basta", number, OptOutType="STOP") == ""
    assert rows(place, "select customer_id from opt_outs") == [(customer,)]
    assert served.write("START", number, "SM2", OptOutType="START") == ""
    assert rows(place, "select customer_id from opt_outs") == [(customer,)], "no word brings anybody back"


def test_help_says_who_writes_and_how_to_stop_it(place, served, written_to):
    _, number = written_to
    assert "STOP" in served.write("HELP", number)
    assert "退订" in served.write("帮助", number, "SM2")
    assert served.write("HELP", number, "SM3", OptOutType="HELP") == ""
    assert {row[0] for row in rows(place, "select meaning from answers")} == {"help"}
    assert rows(place, "select count(*) from opt_outs") == [(0,)]


def test_a_stop_from_a_number_nobody_knows_is_remembered_as_a_hash(place, served):
    assert served.write("STOP", "+8613999999999") == ""
    assert rows(place, "select kind, reason from do_not_contact") == [("phone", "opt_out")]
    assert served.write("hello", "12345", "SM2") == ""


def test_what_sounds_like_a_stop_goes_to_a_person_and_anything_else_to_nobody(place, served, written_to):
    customer, number = written_to
    with sqlite3.connect(place / "ledger.db") as db:
        db.execute("update messages set state = 'delivered' where customer_id = ?", (customer,))
    assert served.write("please stop texting me", number) == ""
    assert rows(place, "select event from outcomes") == [("person_requested",)]
    assert served.write("when does it start", number, "SM2") == ""
    assert rows(place, "select count(*) from opt_outs") == [(0,)]


def test_whoever_cannot_sign_for_twilio_is_refused_and_changes_nothing(place, served, written_to):
    _, number = written_to
    form = {"MessageSid": "SM1", "From": number, "Body": "STOP"}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + "/replies/twilio", form)
    assert served.twilio("/replies/twilio", token="guessed", **form)[0] == 401
    assert served.twilio("/replies/twilio", public="https://elsewhere.example", **form)[0] == 401
    assert served.ask("POST", "/replies/twilio", urlencode(form))[0] == 401
    forged = urlencode({**form, "Body": "YES"})
    assert served.ask("POST", "/replies/twilio", forged, X_Twilio_Signature=signature)[0] == 401
    assert served.ask("POST", "/replies/twilio", b"\xff=%ff", X_Twilio_Signature=signature)[0] in (400, 401)
    assert served.twilio("/replies/twilio", From=number)[0] == 400
    assert served.ask("GET", "/replies/twilio")[0] == 405
    assert rows(place, "select count(*) from opt_outs") == [(0,)]
    said = served.end()
    assert number not in said
    assert number.removeprefix("+86") not in said


# receipts


def test_receipts_move_a_message_forward_and_a_refusal_for_good_is_an_opt_out(place, served, written_to):
    customer, _ = written_to
    message = rows(place, "select message_id from messages where medium = 'sms' order by customer_id limit 1")[0][0]
    path = f"/callbacks/twilio?mid={message}"
    said = {"MessageSid": "SM9", "AccountSid": "AC" + "0" * 32}
    assert served.twilio(path, **said, MessageStatus="sent")[0] == 204
    assert served.twilio(path, **said, MessageStatus="delivered")[0] == 204
    assert served.twilio(path, **said, MessageStatus="sent")[0] == 204
    state = f"select state, provider_id from messages where message_id = '{message}'"
    assert rows(place, state) == [("delivered", "SM9")]
    assert served.twilio(path.replace(message, "other"), **said, MessageStatus="delivered")[0] == 204
    assert served.twilio(path, **said, MessageStatus="failed", ErrorCode="21610")[0] == 204
    assert rows(place, "select customer_id, source from opt_outs") == [(customer, "provider code 21610")]
    assert served.twilio(path, **said, MessageStatus="odd")[0] == 400
    assert served.twilio(path, token="guessed", **said, MessageStatus="delivered")[0] == 401


def test_a_question_is_confirmed_by_sms_and_thanked_for(place, kairos, served):
    (place / "campaigns" / "confirm-consent.yaml").write_text(
        "name: confirm-consent\ntitle: {zh-CN: 确认, en: Confirm}\npurpose: contract\n"
        "trigger: {kind: event, type: consent_requested, max_age: 2d}\nhours: {from: '00:00', to: '23:59'}\n"
        "steps:\n  - send: {template: dormancy_care, channels: [sms]}\n",
        encoding="utf-8",
    )
    asked(place, kairos)
    kairos("run", "--campaign", "confirm-consent")
    ((number,),) = rows(place, "select address from messages where campaign = 'confirm-consent'")
    with sqlite3.connect(place / "ledger.db") as db:
        db.execute("update messages set state = 'delivered' where campaign = 'confirm-consent'")
    assert "同意" in served.write("是", number)
    assert [row[:4] for row in consents(place)] == [("C3", "marketing", "sms", 1)]


# the command


def test_it_does_not_start_where_it_could_not_tell_who_calls(place, tmp_path):
    def said(**environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TWILIO")}
        command = [KAIROS, "callbacks", "-w", str(place), "--http", "127.0.0.1:0"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean | environment, timeout=60)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "TWILIO_AUTH_TOKEN" in said()
    settings = place / "kairos.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace(f"public_url: {PUBLIC}", ""), encoding="utf-8")
    assert "public_url" in said(TWILIO_AUTH_TOKEN=TOKEN)


def test_without_a_gateway_only_links_are_served(tmp_path):
    write_starter(tmp_path, demo=False)
    served = Served(tmp_path)
    assert served.ask("GET", "/health")[::2] == (200, "ok")
    assert served.twilio("/replies/twilio", token="", MessageSid="SM1", From=PHONE, Body="STOP")[0] == 401
    assert served.ask("GET", "/confirm/" + "x" * 32)[0] == 404
    assert served.ask("GET", "/")[0] == 404
    served.end()
