"""Push through Firebase Cloud Messaging, HTTP v1. A second copy of a message replaces the first on the device."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Literal

from pydantic import Field

from channels.adapter import AdapterSettings, ChannelError, Ports
from channels.contract import Accepted, Finding, Message, Profile, Refused, Result, RetryLater, Unknown
from channels.masking import mask
from channels.pace import Pace

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LONGEST_TTL = 28 * 24 * 3600
"""Seconds FCM keeps a message for a device that is off (android.ttl in the v1 reference)."""

BAD_TOKENS = {
    "UNREGISTERED": "the app is gone from the device",
    "SENDER_ID_MISMATCH": "the token belongs to another sender",
}
CLOSED = {
    "THIRD_PARTY_AUTH_ERROR": "the APNs or web push key is not valid",
    "PERMISSION_DENIED": "the account may not send",
}
"""FCM error codes: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode."""


class FcmSettings(AdapterSettings):
    """Send push messages through Firebase Cloud Messaging."""

    adapter: Literal["fcm"] = "fcm"
    project: str = Field(
        default="", description="Firebase project; the service account's where empty", examples=["insurer-app"]
    )
    base_url: str = Field(default="https://fcm.googleapis.com", description="address of the API")
    timeout: float = Field(default=10.0, gt=0, le=20, description="seconds to wait for an answer")
    concurrency: int = Field(default=10, ge=1, le=100, description="requests side by side")
    credentials_env: str = Field(
        default="GOOGLE_APPLICATION_CREDENTIALS",
        description="environment variable with the service account's key: the path of its file, or the JSON itself",
    )

    media: ClassVar[frozenset[str]] = frozenset({"push"})
    own_profile: ClassVar[str] = "fcm"

    def variables(self) -> tuple[str, ...]:
        """The service account's key."""
        return (self.credentials_env,)

    def open(self, env: Mapping[str, str], ports: Ports) -> FcmChannel:
        """Open the channel. Raises MissingSecretError, or ChannelError where the key cannot be read."""
        from google.oauth2.service_account import Credentials

        info = _key(self.secret(env, self.credentials_env), self.credentials_env)
        try:
            credentials = Credentials.from_service_account_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise ChannelError(f"{self.credentials_env} is no service account key: {type(error).__name__}") from None
        return FcmChannel(self, ports, credentials, self.project or str(info.get("project_id", "")))


def _key(value: str, name: str) -> dict[str, Any]:
    try:
        text = value if value.lstrip().startswith("{") else Path(value).read_text(encoding="utf-8")
        return dict(json.loads(text))
    except (OSError, ValueError) as error:
        raise ChannelError(f"{name} holds neither a readable file nor JSON: {type(error).__name__}") from None


class FcmChannel:
    """FCM's send method, one request a message, never repeated. FCM cannot be asked later what became of a message."""

    def __init__(self, settings: FcmSettings, ports: Ports, credentials: Any, project: str) -> None:
        import requests

        self.profile: Profile = settings.profile_for("push")
        self._settings, self._ports, self._credentials = settings, ports, credentials
        self._url = f"{settings.base_url.rstrip('/')}/v1/projects/{project}/messages:send"
        # requests' adapters do not repeat a POST unless told to
        self._session = requests.Session()
        self._refreshing = Lock()
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="fcm")
        # a request may be preceded by one for an access token
        self._pace = Pace(self.profile, settings.concurrency, 2 * settings.timeout, ports.stopped)

    async def hand(self, messages: Sequence[Message]) -> list[Result]:
        """Post each message once."""
        loop = asyncio.get_running_loop()

        async def hand_one(message: Message) -> Result:
            return await loop.run_in_executor(self._threads, self._post, message)

        return await self._pace.each(messages, hand_one)

    async def reconcile(self, messages: Sequence[Message]) -> list[Finding]:
        """FCM has no way to ask, so nobody can say."""
        return [Unknown("FCM cannot be asked about a message")] * len(messages)

    async def close(self) -> None:
        """Let connections go."""
        await asyncio.to_thread(self._threads.shutdown)
        self._session.close()

    def _post(self, message: Message) -> Result:
        import requests

        seconds = int((message.expires_at - self._ports.now()).total_seconds())
        if seconds < 1:
            return Refused("expired", "expired", "too late to send")
        token = self._token()
        if not isinstance(token, str):
            return token
        try:
            answer = self._session.post(
                self._url,
                json=payload(message, min(seconds, LONGEST_TTL)),
                headers={"Authorization": f"Bearer {token}"},
                timeout=self._settings.timeout,
                allow_redirects=False,
            )
        except requests.ConnectTimeout:
            return RetryLater(timedelta(seconds=30), "no_connection", "ConnectTimeout")
        except requests.RequestException as error:
            return _unconnected(error)
        return classed(answer.status_code, answer.text, answer.headers.get("Retry-After", ""))

    def _token(self) -> str | Result:
        """A valid access token; where there is none, nothing was sent."""
        from google.auth.exceptions import GoogleAuthError, RefreshError
        from google.auth.transport.requests import Request

        with self._refreshing:
            if self._credentials.valid:
                return str(self._credentials.token)
            try:
                self._credentials.refresh(_timed(Request(self._session), self._settings.timeout))
            except RefreshError as error:
                if error.retryable:
                    return RetryLater(timedelta(seconds=30), "no_token", "no access token at the moment")
                return Refused("stop_channel", "no_token", "the service account's key is refused", halt="channel")
            except GoogleAuthError as error:
                return RetryLater(timedelta(seconds=30), "no_token", type(error).__name__)
            return str(self._credentials.token)


def _timed(request: Any, timeout: float) -> Any:
    def send(*args: Any, **options: Any) -> Any:
        return request(*args, **{**options, "timeout": timeout})

    return send


def _unconnected(error: Exception) -> Result:
    """No connection at all is certain; anything after that is not."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
        return RetryLater(timedelta(seconds=30), "no_connection", "NewConnectionError")
    return Unknown(type(error).__name__)


def payload(message: Message, seconds: int) -> dict[str, Any]:
    """The request's body: the same key on Android, iOS and the web makes a second copy replace the first."""
    key = message.message_id
    words = {"title": message.parts["push_title"], "body": message.parts["push"]}
    return {
        "message": {
            "token": message.address,
            "notification": words,
            "data": {"message_id": key, "campaign": message.campaign},
            "android": {"collapse_key": key, "ttl": f"{seconds}s", "notification": {"tag": key}},
            "apns": {
                "headers": {"apns-collapse-id": key[:64], "apns-expiration": str(int(message.expires_at.timestamp()))}
            },
            "webpush": {"headers": {"TTL": str(seconds)}, "notification": {"tag": key}},
        }
    }


def classed(status: int, text: str, retry_after: str = "") -> Result:
    """What FCM's answer means. 429, and 503 that says when to come back, were turned away; other 5xx nobody knows.

    Source: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode: a minute's pause after 429, "honor Retry-After".
    """
    body = _json(text)
    if status == 200:
        name = str(body.get("name", ""))
        return Accepted(name) if name else Unknown("the answer names no message")
    code, detail = _error(body)
    if status == 429 or (status == 503 and retry_after.isdigit()):
        return RetryLater(
            timedelta(seconds=int(retry_after) if retry_after.isdigit() else 60), code or str(status), detail
        )
    if status >= 500 or status < 400:
        return Unknown(f"HTTP {status} {code}".strip())
    if reason := _bad_token(code, body):
        return Refused("bad_address", code, reason, bad_address=True)
    if status in (401, 403) or code in CLOSED or status == 404:
        return Refused("stop_channel", code or str(status), CLOSED.get(code, detail), halt="channel")
    return Refused("refuse", code or str(status), detail)


def _bad_token(code: str, body: dict[str, Any]) -> str:
    """INVALID_ARGUMENT with FCM's own detail and no field named is about the token, otherwise about our request."""
    details = body.get("error", {}).get("details", [])
    own = any("errorCode" in detail for detail in details) and not any(
        "fieldViolations" in detail for detail in details
    )
    return "the token is not valid" if code == "INVALID_ARGUMENT" and own else BAD_TOKENS.get(code, "")


def _json(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _error(body: dict[str, Any]) -> tuple[str, str]:
    error = body.get("error", {})
    codes = [detail["errorCode"] for detail in error.get("details", []) if "errorCode" in detail]
    return (codes or [error.get("status", "")])[0], mask(str(error.get("message", "")))
