"""SMS through Twilio. Its API has no idempotency key: a lost answer is looked up by number, words and time."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from channels.adapter import AdapterSettings, Ports
from channels.contract import Absent, Accepted, Finding, Message, Profile, Refused, Result, RetryLater, Unknown
from channels.masking import mask
from channels.pace import Pace
from channels.twilio_callbacks import MESSAGE_ID, STATUSES
from channels.twilio_codes import verdict

if TYPE_CHECKING:
    from channels.twilio_http import OneShotClient

LONGEST_VALIDITY = 36_000
"""Seconds Twilio may hold a message in its queue (API reference, ValidityPeriod)."""
CLOCK_MARGIN = timedelta(seconds=30)
"""How far Twilio's clock may be behind ours."""


class TwilioSettings(AdapterSettings):
    """Send SMS through Twilio, from a messaging service or a number."""

    adapter: Literal["twilio"] = "twilio"
    messaging_service_sid: str = Field(
        default="", description="sender: a messaging service", examples=["MG" + "0" * 32]
    )
    from_: str = Field(default="", alias="from", description="sender: a number in E.164", examples=["+15005550006"])
    callback_url: str = Field(
        default="",
        description="public address Twilio reports to; the message id is added as ?mid=",
        examples=["https://kairos.example.com/callbacks/twilio"],
    )
    base_url: str = Field(default="https://api.twilio.com", description="address of the API")
    timeout: float = Field(default=10.0, gt=0, le=50, description="seconds to wait for an answer")
    concurrency: int = Field(default=20, ge=1, le=200, description="requests side by side")
    per_second: float = Field(
        default=0.0, ge=0, description="messages a second, where the account allows other than the profile's"
    )
    account_sid_env: str = Field(default="TWILIO_ACCOUNT_SID", description="environment variable with the account's id")
    auth_token_env: str = Field(
        default="TWILIO_AUTH_TOKEN", description="environment variable with the account's token"
    )

    media: ClassVar[frozenset[str]] = frozenset({"sms"})
    own_profile: ClassVar[str] = "twilio"

    @model_validator(mode="after")
    def _one_sender(self) -> TwilioSettings:
        if bool(self.messaging_service_sid) == bool(self.from_):
            raise ValueError("Twilio needs one sender | write either messaging_service_sid or from")
        return self

    def variables(self) -> tuple[str, ...]:
        """The account and its token."""
        return (self.account_sid_env, self.auth_token_env)

    def open(self, env: Mapping[str, str], ports: Ports) -> TwilioChannel:
        """Open the channel. Raises MissingSecretError."""
        from twilio.rest import Client

        from channels.twilio_http import OneShotClient

        account, token = (self.secret(env, name) for name in self.variables())
        http = OneShotClient(self.base_url, self.timeout)
        client = Client(account, token, http_client=http, environment={"TWILIO_EDGE": "", "TWILIO_REGION": ""})
        return TwilioChannel(self, ports, client, http)


class TwilioChannel:
    """Twilio's message resource. What it says is classed by `twilio_codes.csv`; 5xx and silence are unknown."""

    def __init__(self, settings: TwilioSettings, ports: Ports, client: Any, http: OneShotClient) -> None:
        profile = settings.profile_for("sms")
        self.profile: Profile = replace(profile, per_second=settings.per_second) if settings.per_second else profile
        self._settings, self._ports, self._client, self._http = settings, ports, client, http
        self._pace = Pace(self.profile, settings.concurrency, settings.timeout, ports.stopped)

    async def hand(self, messages: Sequence[Message]) -> list[Result]:
        """Post each message once. Nothing that has expired is posted, and Twilio is told until when it may wait."""
        return await self._pace.each(messages, self._post)

    async def reconcile(self, messages: Sequence[Message]) -> list[Finding]:
        """Look messages up by number and words; each message Twilio has counts for one of ours only."""
        slots = asyncio.Semaphore(self._settings.concurrency)
        by_address: dict[str, list[Message]] = {}
        for message in messages:
            by_address.setdefault(message.address, []).append(message)

        async def look_up(address: str) -> dict[str, Finding]:
            async with slots:
                return await self._look_up(address, by_address[address])

        findings = ChainMap(*await asyncio.gather(*map(look_up, by_address)))
        return [findings[message.message_id] for message in messages]

    async def close(self) -> None:
        """Let connections go."""
        await self._http.close()

    async def _post(self, message: Message) -> Result:
        from twilio.base.exceptions import TwilioException

        from channels.twilio_http import NoAnswerError, NotSentError

        seconds = int((message.expires_at - self._ports.now()).total_seconds())
        if seconds < 1:
            return Refused("expired", "expired", "too late to send")
        form = self._form(message, min(seconds, LONGEST_VALIDITY))
        try:
            created = await self._client.messages.create_async(**form)
        except NotSentError as error:
            return RetryLater(timedelta(seconds=30), "no_connection", str(error))
        except NoAnswerError as error:
            return Unknown(str(error))
        except TwilioException as error:
            return _classed(error)
        except (ValueError, TypeError, AttributeError) as error:
            return Unknown(f"the answer cannot be read: {type(error).__name__}")
        return Accepted(created.sid) if created.sid else Unknown("the answer names no message")

    def _form(self, message: Message, validity: int) -> dict[str, Any]:
        sender = {"messaging_service_sid": self._settings.messaging_service_sid, "from_": self._settings.from_}
        form: dict[str, Any] = {name: value for name, value in sender.items() if value}
        if self._settings.callback_url:
            joint = "&" if "?" in self._settings.callback_url else "?"
            form["status_callback"] = (
                f"{self._settings.callback_url}{joint}{MESSAGE_ID}={quote(message.message_id, safe='')}"
            )
        return {"to": message.address, "body": message.parts["sms"], "validity_period": validity, **form}

    async def _look_up(self, address: str, messages: Sequence[Message]) -> dict[str, Finding]:
        from twilio.base.exceptions import TwilioException

        from channels.twilio_http import NoAnswerError, NotSentError

        first = min(message.reserved_at for message in messages).replace(microsecond=0) - CLOCK_MARGIN
        seen = []
        try:
            # newest first; no DateSent filter, it would leave out what is still queued
            async for record in await self._client.messages.stream_async(to=address, page_size=100):
                if _created(record) < first:
                    break
                seen.append(record)
        except (NotSentError, NoAnswerError, TwilioException, ValueError, TypeError) as error:
            return {message.message_id: Unknown(f"cannot be looked up: {type(error).__name__}") for message in messages}
        claimed = set(self._ports.claimed([record.sid for record in seen]))
        return _assign(messages, [record for record in seen if record.sid not in claimed])


def _classed(error: Exception) -> Result:
    status, code = getattr(error, "status", 0), str(getattr(error, "code", None) or "")
    said = mask(str(getattr(error, "msg", None) or getattr(error, "detail", None) or getattr(error, "title", "")))
    if status == 429:
        return verdict("20429", said)
    if status in (401, 403) and code in ("", "401", "403"):
        return verdict("20003", said)
    if 400 <= status < 500:
        return verdict(code or str(status), said)
    return Unknown(f"HTTP {status} {code}".strip())


def _assign(messages: Sequence[Message], records: Sequence[Any]) -> dict[str, Finding]:
    """Earliest reservation to earliest record with the same words, each record once."""
    free = sorted((record for record in records if record.direction != "inbound"), key=_created)
    findings: dict[str, Finding] = {}
    for message in sorted(messages, key=lambda message: (message.reserved_at, message.message_id)):
        since = message.reserved_at.replace(microsecond=0) - CLOCK_MARGIN
        match = next((r for r in free if _same(r.body, message.parts["sms"]) and _created(r) >= since), None)
        findings[message.message_id] = _found(match) if match else Absent()
        if match:
            free.remove(match)
    return findings


def _created(record: Any) -> datetime:
    created: datetime | None = record.date_created
    return created or datetime.max.replace(tzinfo=UTC)


def _same(theirs: str | None, ours: str) -> bool:
    return " ".join((theirs or "").split()) == " ".join(ours.split())


def _found(record: Any) -> Accepted:
    return Accepted(record.sid, STATUSES.get(record.status, "accepted"), str(record.error_code or ""))
