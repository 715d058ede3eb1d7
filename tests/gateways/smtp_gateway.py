"""A loopback SMTP server (aiosmtpd) that can answer 4yz and 5yz, and lose its answer to the words on purpose."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "kairos", "loopback-password"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class SmtpGateway:
    """`faults`: cut (taken, answer lost), busy (450 to the recipient), retry and policy (451 and 554 to the words)."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.faults: deque[str] = deque()
        self.unknown: set[str] = set()
        self.taken: list[EmailMessage] = []
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=_free_port(),
            authenticator=self._login,
            auth_required=True,
            tls_context=context,
            require_starttls=True,
        )

    def _login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def __enter__(self) -> SmtpGateway:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.unknown:
            return f"550 5.1.1 <{address}> no such mailbox"
        if self.faults and self.faults[0] == "busy":
            self.faults.popleft()
            return "450 4.2.0 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        fault = self.faults.popleft() if self.faults else ""
        if fault in ("retry", "policy"):
            return {"retry": "451 4.3.0 try again", "policy": "554 5.7.1 rejected as unwanted"}[fault]
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.taken.append(mail)
        if fault == "cut":
            server.transport.abort()
        return "250 OK"
