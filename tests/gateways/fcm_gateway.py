"""A loopback gateway that speaks FCM HTTP v1 and Google's token endpoint, and can lose answers on purpose."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

PROJECT = "insurer-app"
ACCESS = "loopback-access-token"


NOT_TAKEN: dict[str, Any] = {
    "429": (429, "RESOURCE_EXHAUSTED", "too fast", "QUOTA_EXCEEDED"),
    "503": (503, "UNAVAILABLE", "overloaded", "UNAVAILABLE", {"Retry-After": "17"}),
    "invalid": (400, "INVALID_ARGUMENT", "not a valid FCM registration token", "INVALID_ARGUMENT"),
}


class FcmGateway:
    """`faults`: cut and 500 (taken, answer lost), 429, 503 with Retry-After, invalid. `gone`: removed apps."""

    def __init__(self, public_key: Any) -> None:
        self.public_key = public_key
        self.faults: deque[str] = deque()
        self.gone: set[str] = set()
        self.taken: list[dict[str, Any]] = []
        self.token_requests = 0
        self.refuse_key = False
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.gateway = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FcmGateway:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    gateway: FcmGateway
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/token":
            return self._grant(parse_qs(body))
        if not re.fullmatch(rf"/v1/projects/{PROJECT}/messages:send", self.path):
            return self._fail(404, "NOT_FOUND", "no such project")
        if self.headers.get("Authorization") != f"Bearer {ACCESS}":
            return self._fail(401, "UNAUTHENTICATED", "no valid credentials")
        return self._send(json.loads(body)["message"])

    def _grant(self, form: dict[str, list[str]]) -> None:
        import jwt

        gateway = self.server.gateway
        gateway.token_requests += 1
        claims = jwt.decode(
            form["assertion"][0],
            gateway.public_key,
            algorithms=["RS256"],
            audience="https://oauth2.googleapis.com/token",
        )
        if gateway.refuse_key or claims["scope"] != "https://www.googleapis.com/auth/firebase.messaging":
            return self._answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        return self._answer(200, {"access_token": ACCESS, "expires_in": 3600, "token_type": "Bearer"})

    def _send(self, message: dict[str, Any]) -> None:
        gateway = self.server.gateway
        if message["token"] in gateway.gone:
            return self._fail(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        fault = gateway.faults.popleft() if gateway.faults else ""
        if fault in NOT_TAKEN:
            return self._fail(*NOT_TAKEN[fault])
        gateway.taken.append(message)
        if fault == "cut":
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        if fault == "500":
            return self._fail(500, "INTERNAL", "internal", "INTERNAL")
        return self._answer(200, {"name": f"projects/{PROJECT}/messages/{len(gateway.taken)}"})

    def _fail(self, code: int, status: str, words: str, fcm: str = "", headers: dict[str, str] | None = None) -> None:
        kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        details = [{"@type": kind, "errorCode": fcm}] if fcm else []
        error = {"code": code, "message": words, "status": status, "details": details}
        self._answer(code, {"error": error}, headers)

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            **(headers or {}),
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
