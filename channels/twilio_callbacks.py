"""What Twilio calls us with: the state of a message, or one a customer wrote; proven to come from Twilio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


MEANINGS: dict[str, Literal["opt_out", "help", "nothing"]] = {"STOP": "opt_out", "HELP": "help", "START": "nothing"}
"""`OptOutType` of a Messaging Service with Advanced Opt-Out, which has answered the customer by itself, to ours."""
OWN_STOPS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
"""Words Twilio itself takes for a stop unless told otherwise: it answers them, and lets nothing of ours through after."""


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


class NoReplyError(ChannelError):
    """The call is not about a message somebody wrote."""


@dataclass(frozen=True)
class InboundSms:
    """A message somebody wrote to one of our numbers. `meaning`: what Twilio took it for; `answered`: it has answered by itself."""

    provider_id: str
    sender: str
    words: str
    meaning: Literal["opt_out", "help", "nothing"] | None
    answered: bool


def parse_reply(params: Mapping[str, str]) -> InboundSms:
    """The message in an incoming message webhook. Raises NoReplyError."""
    provider_id, sender = params.get("MessageSid") or params.get("SmsSid", ""), params.get("From", "")
    if not (provider_id and sender and "Body" in params):
        raise NoReplyError("no message: it needs MessageSid, From and Body")
    words, meaning = params["Body"], MEANINGS.get(params.get("OptOutType", "").upper())
    answered = meaning is not None or words.strip().casefold() in OWN_STOPS
    return InboundSms(provider_id, sender, words, meaning, answered)


def twiml(words: str = "") -> bytes:
    """The answer Twilio sends on; nothing is sent where there are no words."""
    from twilio.twiml.messaging_response import MessagingResponse

    response = MessagingResponse()
    if words:
        response.message(words)
    return str(response).encode()
