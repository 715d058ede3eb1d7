"""What Twilio calls back with: the state of a message, proven to come from Twilio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from channels.adapter import ChannelError
from channels.contract import Receipt, Refused
from channels.twilio_codes import verdict

MESSAGE_ID = "mid"
"""Name under which the callback address carries our message id, also for a message whose answer was lost."""

STATUSES: dict[str, Literal["accepted", "delivered", "failed"]] = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), "accepted"),
    **dict.fromkeys(("delivered", "partially_delivered", "read"), "delivered"),
    **dict.fromkeys(("undelivered", "failed", "canceled"), "failed"),
}
"""Twilio's message statuses (OpenAPI `message_enum_status`) to ours."""


class NoReceiptError(ChannelError):
    """The call is not about the state of a message of ours."""


def verify_signature(auth_token: str, url: str, params: Mapping[str, str], signature: str) -> bool:
    """Did Twilio sign this call? `url` is the public address with its query, `params` the form. False if forged."""
    from twilio.request_validator import RequestValidator

    return bool(signature) and bool(RequestValidator(auth_token).validate(url, dict(params), signature))


def parse_status(params: Mapping[str, str]) -> Receipt:
    """The receipt in a status callback: its form, with `mid` of the address among it. Raises NoReceiptError."""
    message_id, provider_id = params.get(MESSAGE_ID, ""), params.get("MessageSid") or params.get("SmsSid", "")
    said = params.get("MessageStatus") or params.get("SmsStatus", "")
    if not (message_id and provider_id and said in STATUSES):
        raise NoReceiptError(f"no receipt: it needs {MESSAGE_ID}, MessageSid and a MessageStatus, got {said!r}")
    code = params.get("ErrorCode", "")
    return Receipt(message_id, provider_id, STATUSES[said], code, _refusal(STATUSES[said], code))


def _refusal(status: str, code: str) -> Refused | None:
    meaning = verdict(code) if status == "failed" and code else None
    return meaning if isinstance(meaning, Refused) else None
