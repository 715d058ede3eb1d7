"""The routes: what Twilio reports and passes on, and the page behind a link that confirms a consent.

    POST /callbacks/twilio?mid=...  the state of a message
    POST /replies/twilio            a message somebody wrote; the answer is TwiML
    GET  /confirm/TOKEN             asks; scanners that open links in advance confirm nothing
    POST /confirm/TOKEN             confirms; done again it says the same
    GET  /health

What Twilio did not sign is answered with 401, and nothing of a request is ever logged: it holds numbers and tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import structlog

from campaigns.errors import LedgerError
from channels.twilio_callbacks import (
    NoReceiptError,
    NoReplyError,
    parse_reply,
    parse_status,
    twiml,
    verify_signature,
)
from kairos.callbacks.desk import Desk
from kairos.callbacks.words import WORDS, accepted, written_in
from kairos.listening import Receive, Scope, Send
from kairos.pages.paper import in_locale, tag_of, template

log = structlog.get_logger(__name__)
LARGEST = 64 * 1024
"""Bytes of a form that are read; Twilio's have some hundreds."""
CLOSED = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
}
"""Headers of every answer: nobody keeps it, frames it, or learns the address of the page from it."""


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """What came, as far as anybody here asks."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        """The fields of a form. Raises UnicodeDecodeError where it is not UTF-8."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, errors="strict"))


class Callbacks:
    """An ASGI application. `public_url` is how the world reaches it: what Twilio signs; `auth_token` is what it signs with."""

    def __init__(self, desk: Desk, public_url: str, auth_token: str) -> None:
        self.desk, self.public_url, self.auth_token = desk, public_url.rstrip("/"), auth_token
        self.settings = desk.place.settings
        self.page = template("consent.html")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        answer = await self._answered(scope, receive)
        kept = {**CLOSED, "content-type": answer.kind, "content-length": str(len(answer.body))}
        headers = [(name.encode(), value.encode()) for name, value in kept.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answered(self, scope: Scope, receive: Receive) -> Answer:
        body = await _body(receive)
        if body is None:
            return Answer(413)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        request = Request(scope["method"], raw, scope["query_string"].decode("latin-1"), headers, body)
        try:
            return await self._routed(request)
        except LedgerError as error:  # says where the ledger is and what failed, nothing of the request
            log.error("callback_not_written", route=raw.split("/")[1], error=str(error))
            return self._page(503, request, "away") if raw.startswith("/confirm/") else Answer(503)

    async def _routed(self, request: Request) -> Answer:
        if request.path.startswith("/confirm/"):
            return await self._confirm(request, request.path.removeprefix("/confirm/"))
        if request.path in ("/callbacks/twilio", "/replies/twilio"):
            if request.method != "POST":
                return Answer(405)
            return await self._twilio(request)
        if request.path == "/health":
            return Answer(200, b"ok")
        return Answer(404)

    async def _twilio(self, request: Request) -> Answer:
        try:
            form = request.form()
        except UnicodeDecodeError:
            return Answer(400)
        url = f"{self.public_url}{request.path}" + (f"?{request.query}" if request.query else "")
        signature = request.headers.get("x-twilio-signature", "")
        if not self.auth_token or not verify_signature(self.auth_token, url, form, signature):
            log.warning("callback_refused", route=request.path, why="not signed by the account")
            return Answer(401)
        if request.path == "/replies/twilio":
            return await self._reply(form)
        try:
            await self.desk.receive(parse_status({**form, **dict(parse_qsl(request.query))}))
        except NoReceiptError:
            return Answer(400)
        return Answer(204)

    async def _reply(self, form: Mapping[str, str]) -> Answer:
        try:
            sms = parse_reply(form)
        except NoReplyError:
            return Answer(400)
        meaning = await self.desk.reply(sms)
        words = "" if sms.answered else self._said(meaning, written_in(sms.words, self.settings.locales))
        return Answer(200, twiml(words), "text/xml; charset=utf-8")

    def _said(self, meaning: str, language: str) -> str:
        """What we answer, if anything: who means us to stop must know that we do."""
        name = {"opt_out": "stopped", "confirm": "agreed", "help": "help"}.get(meaning)
        if name is None:
            return ""
        words, phone = WORDS[language], self.settings.phone
        call = words["call"].format(phone=phone) if phone else ""
        return words[name].format(insurer=in_locale(self.settings.insurer, tag_of(language)), call=call)

    async def _confirm(self, request: Request, token: str) -> Answer:
        if request.method in ("GET", "HEAD"):
            state, purpose, medium = await self.desk.question(token)
        elif request.method == "POST":
            state, purpose, medium = await self.desk.confirm(token), "", ""
        else:
            return Answer(405)
        if state == "open":
            return self._page(200, request, "ask", "no", button="yes", about=(purpose, medium))
        if state in ("confirmed", "used"):  # whoever sends the form twice reads the same twice
            return self._page(200, request, "confirmed", "more")
        return self._page(404, request, "unknown") if state == "unknown" else self._page(410, request, "expired")

    def _page(
        self,
        status: int,
        request: Request,
        said: str,
        small: str = "",
        button: str = "",
        about: tuple[str, str] = ("", ""),
    ) -> Answer:
        """A page with words of these names; `about`: purpose and channel that are asked about."""
        language = accepted(request.headers.get("accept-language", ""), self.settings.locales)
        words, insurer = {"": "", **WORDS[language]}, in_locale(self.settings.insurer, tag_of(language))
        purpose, medium = about
        told = words[said].format(
            insurer=insurer, purpose=words[purpose], channel=words["any" if medium == "*" else medium]
        )
        text = self.page.render(
            tag=tag_of(language),
            title=words["title"],
            insurer=insurer,
            said=told,
            small=words[small],
            button=words[button],
        )
        return Answer(status, text.encode(), "text/html; charset=utf-8")


async def _body(receive: Receive) -> bytes | None:
    """All of it; None where it is too large."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        more = message.get("more_body", False)
    return body
