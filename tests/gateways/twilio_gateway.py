"""A loopback gateway that speaks Twilio's wire format (Messages, API 2010-04-01) and can lose answers on purpose.

Runs inside a test or on its own: python tests/gateways/twilio_gateway.py --port N --journal FILE [--fail-rate 0.1]
Every message it accepts is on disk in the journal, one JSON line, before it answers.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import re
import signal
import socket
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

ACCOUNT = "AC" + "0" * 32
TOKEN = "loopback-token"
FAULTS = ("429", "500", "cut", "lost", "slow")
"""429: not taken. 500, cut: taken, the answer lost. lost: cut, not taken. slow: taken, answered too late."""
MAGIC = {
    "+15005550001": 21211,
    "+15005550009": 21614,
    "+15005550004": 21610,
    "+15005550002": 21612,
    "+15005550003": 21408,
}
"""Twilio's own magic numbers for test credentials and the errors they give."""
WORDS = {21211: "Invalid 'To' Phone Number: {to}", 21610: "Attempt to send to unsubscribed recipient {to}"}


class TwilioGateway:
    """The server and what it holds. `faults` are used up one per request before `fail_rate` draws any."""

    def __init__(
        self,
        journal: Path,
        *,
        port: int = 0,
        fail_rate: float = 0.0,
        seed: int = 0,
        slow: float = 2.0,
        token: str = TOKEN,
    ) -> None:
        self.journal, self.fail_rate, self.slow, self.token = journal, fail_rate, slow, token
        self.faults: deque[str] = deque()
        self.requests: list[dict[str, str]] = []
        self._random, self._lock = random.Random(seed), threading.Lock()
        self.messages: list[dict[str, Any]] = []
        if journal.exists():
            self.messages = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.gateway = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> TwilioGateway:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self) -> str:
        with self._lock:
            if self.faults:
                return self.faults.popleft()
            return self._random.choice(FAULTS[:4]) if self._random.random() < self.fail_rate else ""

    def accept(self, form: dict[str, str]) -> dict[str, Any]:
        with self._lock:
            message = _record(len(self.messages) + 1, form)
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.messages.append(message)
        return message

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        found = [m for m in reversed(self.messages) if m["to"] == query.get("To", m["to"])]
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        base = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

        def uri(number: int) -> str:
            return f"{base}?{urlencode({**query, 'PageSize': size, 'Page': number})}"

        more = (page + 1) * size < len(found)
        shown = [{k: v for k, v in m.items() if k != "form"} for m in found[page * size : (page + 1) * size]]
        return {
            "messages": shown,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + len(shown),
            "uri": uri(page),
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if more else None,
            "previous_page_uri": uri(page - 1) if page else None,
        }


def _record(number: int, form: dict[str, str]) -> dict[str, Any]:
    sid, now = f"SM{number:032x}", format_datetime(datetime.now(UTC))
    service = form.get("MessagingServiceSid")
    return {
        "sid": sid,
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": form["Body"],
        "to": form["To"],
        "from": form.get("From"),
        "messaging_service_sid": service,
        "status": "accepted" if service else "queued",
        "direction": "outbound-api",
        "date_created": now,
        "date_updated": now,
        "date_sent": None,
        "error_code": None,
        "error_message": None,
        "num_media": "0",
        "num_segments": "0" if service else "1",
        "price": None,
        "price_unit": "USD",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json",
        "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media.json"},
        "form": form,
    }


class _Server(ThreadingHTTPServer):
    gateway: TwilioGateway
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, killed or out of patience, is what this gateway is for."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    path_of: ClassVar[re.Pattern[str]] = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Messages\.json")
    server: _Server

    def do_POST(self) -> None:
        gateway = self.server.gateway
        pairs = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        form = {name: values[-1] for name, values in pairs.items()}
        gateway.requests.append(form)
        if refused := self._refusal(form):
            return self._error(*refused)
        fault = gateway.fault()
        if fault == "429":
            return self._error(429, 20429, "Too Many Requests")
        if fault == "lost":
            return self._cut()
        message = gateway.accept(form)
        if fault == "cut":
            return self._cut()
        if fault == "500":
            return self._error(500, 20500, "An internal server error has occurred")
        if fault == "slow":
            threading.Event().wait(gateway.slow)
        return self._answer(201, {k: v for k, v in message.items() if k != "form"})

    def do_GET(self) -> None:
        if refused := self._refusal(None):
            return self._error(*refused)
        query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        return self._answer(200, self.server.gateway.page(query))

    def _refusal(self, form: dict[str, str] | None) -> tuple[int, int, str] | None:
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{self.server.gateway.token}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            return 401, 20003, "Authenticate"
        if not self.path_of.fullmatch(urlsplit(self.path).path):
            return 404, 20404, f"The requested resource {urlsplit(self.path).path} was not found"
        return None if form is None else _fault_of(form)

    def _error(self, status: int, code: int, words: str) -> None:
        more = f"https://www.twilio.com/docs/errors/{code}"
        self._answer(status, {"code": code, "message": words, "more_info": more, "status": status})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the journal says it all."""


def _fault_of(form: dict[str, str]) -> tuple[int, int, str] | None:
    to = form.get("To", "")
    if not re.fullmatch(r"\+[1-9]\d{6,14}", to):
        return 400, 21211, WORDS[21211].format(to=to)
    if to in MAGIC:
        return 400, MAGIC[to], WORDS.get(MAGIC[to], "To number {to} refused").format(to=to)
    if not form.get("Body"):
        return 400, 21602, "Message body is required."
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return 400, 21603, "A 'From' phone number is required."
    if not 1 <= int(form.get("ValidityPeriod", "36000")) <= 36000:
        return 400, 21620, "Invalid ValidityPeriod"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--fail-rate", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    settings = {"port": options.port, "fail_rate": options.fail_rate, "seed": options.seed, "token": options.token}
    with TwilioGateway(options.journal, **settings) as gateway:
        print(gateway.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
