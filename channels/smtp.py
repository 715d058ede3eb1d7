"""E-mail through an SMTP server: HTML with its plain words beside it."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, SecretStr

from channels.adapter import AdapterSettings, Ports
from channels.contract import Accepted, Finding, Message, Profile, Refused, Result, RetryLater, Unknown, not_tried
from channels.masking import mask
from channels.plaintext import plain_text

_LATER = timedelta(minutes=5)


class SmtpSettings(AdapterSettings):
    """Send e-mail through the insurer's SMTP server."""

    adapter: Literal["smtp"] = "smtp"
    host: str = Field(min_length=1, description="the server", examples=["smtp.example.com"])
    port: int = Field(default=587, ge=1, le=65535, description="its port")
    from_: str = Field(alias="from", description="sender's address", examples=["service@example.com"])
    from_name: str = Field(default="", description="sender's name", examples=["Example Mutual"])
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none only on a network of one's own"
    )
    ca_file: str = Field(default="", description="certificates to trust instead of the system's, PEM")
    login: bool = Field(default=True, description="does the server want a name and a password")
    unsubscribe: str = Field(
        default="",
        description="List-Unsubscribe: a https or mailto address; {message_id} stands for the message's own id",
        examples=["https://example.com/unsubscribe/{message_id}"],
    )
    timeout: float = Field(default=15.0, gt=0, le=50, description="seconds to wait for an answer")
    username_env: str = Field(default="SMTP_USERNAME", description="environment variable with the name to log in with")
    password_env: str = Field(default="SMTP_PASSWORD", description="environment variable with the password")

    media: ClassVar[frozenset[str]] = frozenset({"email"})
    own_profile: ClassVar[str] = "smtp"

    def variables(self) -> tuple[str, ...]:
        """Name and password, where the server wants them."""
        return (self.username_env, self.password_env) if self.login else ()

    def open(self, env: Mapping[str, str], ports: Ports) -> SmtpChannel:
        """Open the channel. Raises MissingSecretError."""
        secrets = [self.secret(env, name) for name in self.variables()]
        return SmtpChannel(self, ports, secrets)


class SmtpChannel:
    """One connection a batch. Before the server has the words nothing is sent; then only its answer counts."""

    def __init__(self, settings: SmtpSettings, ports: Ports, secrets: Sequence[str]) -> None:
        self.profile: Profile = settings.profile_for("email")
        self._settings, self._ports, self._secrets = settings, ports, [SecretStr(secret) for secret in secrets]

    async def hand(self, messages: Sequence[Message]) -> list[Result]:
        """Send each message once."""
        return await asyncio.to_thread(self._hand, messages)

    async def reconcile(self, messages: Sequence[Message]) -> list[Finding]:
        """SMTP has no way to ask, so nobody can say."""
        return [Unknown("an SMTP server cannot be asked about a message")] * len(messages)

    async def close(self) -> None:
        """Nothing is kept open between batches."""

    def _hand(self, messages: Sequence[Message]) -> list[Result]:
        results: list[Result] = []
        server: smtplib.SMTP | None = None
        # one message takes four answers at most: from, to, data, reset
        last_start = time.monotonic() + self.profile.within_seconds - 4 * self._settings.timeout
        try:
            for message in messages:
                if self._ports.stopped(message.campaign):
                    results.append(not_tried())
                    continue
                if time.monotonic() > last_start:
                    results.append(RetryLater(timedelta(seconds=1), "no_time", "the batch took too long, not started"))
                    continue
                server = server or self._connect()
                result, alive = self._send(server, message)
                results.append(result)
                if not alive:
                    server.close()
                    server = None
        except (OSError, smtplib.SMTPException) as error:
            results += _unreachable(error, len(messages) - len(results))
        finally:
            if server is not None:
                _leave(server)
        return results

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.ca_file or None) if settings.security != "none" else None
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        try:
            if settings.security == "starttls":
                server.starttls(context=context)
            if self._secrets:
                server.login(*(secret.get_secret_value() for secret in self._secrets))
            else:
                server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    def _send(self, server: smtplib.SMTP, message: Message) -> tuple[Result, bool]:
        """What became of the message, and whether the connection may still be used."""
        if message.expires_at <= self._ports.now():
            return Refused("expired", "expired", "too late to send"), True
        try:
            mail = letter(message, self._settings)
        except (ValueError, MessageError, IndexError) as error:
            return _unwritable(message, error), True
        try:
            for code, said in (server.mail(self._settings.from_), server.rcpt(message.address)):
                if code not in (250, 251):
                    server.rset()
                    return _classed(code, said, to_recipient=True), True
        except (OSError, smtplib.SMTPException) as error:
            return RetryLater(_LATER, "no_connection", type(error).__name__), False
        return _data(server, mail, message.message_id)


def _unreachable(error: Exception, count: int) -> list[Result]:
    """No session: nothing was sent. What only a person can mend stops the channel, the rest is tried again."""
    if not isinstance(
        error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError
    ):
        return [RetryLater(timedelta(seconds=30), "no_connection", type(error).__name__)] * count
    said = "the server refuses name, password or encryption, or its certificate is not trusted"
    first = Refused("stop_channel", type(error).__name__, said, halt="channel")
    return [first, *[RetryLater(_LATER, "not_tried", "the channel stopped")] * (count - 1)]


def _data(server: smtplib.SMTP, mail: EmailMessage, message_id: str) -> tuple[Result, bool]:
    try:
        code, said = server.data(mail.as_bytes())
    except smtplib.SMTPDataError as error:
        # the server did not want the words at all
        return _classed(error.smtp_code, error.smtp_error, to_recipient=False), True
    except (OSError, smtplib.SMTPException) as error:
        return Unknown(f"no answer to the words: {type(error).__name__}"), False
    return (Accepted(message_id) if code == 250 else _classed(code, said, to_recipient=False)), True


def _classed(code: int, said: bytes | str, *, to_recipient: bool) -> Result:
    """RFC 5321: 4yz may be tried again, 5yz not. RFC 3463: 5.1.x is the address, 5.2.1 a disabled mailbox."""
    words = mask(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)
    if 400 <= code < 500 or code < 0:
        return RetryLater(_LATER, str(code), words)
    address = to_recipient and (words.startswith(("5.1.", "5.2.1")) or code in (550, 551, 553))
    return Refused("bad_address" if address else "refuse", str(code), words, bad_address=address)


def _unwritable(message: Message, error: Exception) -> Refused:
    try:
        _address(message.address)
    except (ValueError, MessageError, IndexError):
        return Refused("bad_address", "address", "no e-mail address", bad_address=True)
    return Refused("refuse", "letter", f"the letter cannot be written: {type(error).__name__}")


def _address(written: str, name: str = "") -> Address:
    if not written.isascii() or any(char.isspace() for char in written) or "@" not in written:
        raise ValueError("no e-mail address")
    return Address(name, addr_spec=written)


def letter(message: Message, settings: SmtpSettings) -> EmailMessage:
    """The e-mail. Raises ValueError where a header would have to hold a line break or the address is none."""
    mail = EmailMessage(policy=SMTP)
    sender = _address(settings.from_, settings.from_name)
    mail["From"], mail["To"] = sender, _address(message.address)
    mail["Subject"] = message.parts["email_subject"]
    mail["Date"] = format_datetime(message.not_before)
    mail["Message-ID"] = f"<{quote(message.message_id, safe='')}@{sender.domain}>"
    if settings.unsubscribe:
        link = settings.unsubscribe.replace("{message_id}", quote(message.message_id, safe=""))
        mail["List-Unsubscribe"] = f"<{link}>"
        if link.startswith("https:"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(plain_text(message.parts["email"]))
    mail.add_alternative(message.parts["email"], subtype="html")
    return mail


def _leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()
