"""The insurer's contact policy: what holds for every campaign, whatever the campaign says."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from campaigns.media import Channels, known
from triggers.durations import Span

Purpose = Literal["contract", "service", "care", "marketing"]
PURPOSES: tuple[Purpose, ...] = ("contract", "service", "care", "marketing")
"""Purposes in the order in which their moments are decided: what a customer must know goes before what we would sell."""

Circumstance = Literal["open_claim", "denied_claim", "open_complaint", "bereavement", "disaster", "deceased"]


def _share(value: object) -> object:
    """`10%` or 0.1 as a share between 0 and 1."""
    if isinstance(value, (int, float)) and not 0 <= value <= 1:
        raise ValueError(f"{value} is no share of a whole | write {value}%, or a number from 0 to 1")
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        return _share(float(match[1]) / 100)
    if isinstance(value, str):
        raise ValueError(f"{value!r} is no share | write a percentage, e.g. 10%")
    return value


def _clock(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value):
            raise ValueError(f'{value!r} is no time of day | write it as "09:00", in quotes')
        hours, minutes = value.split(":")
        return time(int(hours), int(minutes))
    return value


Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$"}, {"type": "number", "minimum": 0, "maximum": 1}]}
    ),
]
Clock = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]\d$"}),
]


def _lasting(span: Span) -> Span:
    if not span.count:
        raise ValueError(f"'{span}' is no time at all | write 1d for a calendar day, 24h for any 24 hours")
    return span


Period = Annotated[Span, AfterValidator(_lasting)]
"""In how long something is counted: more than no time."""


class Hours(BaseModel):
    """Local hours in which messages may arrive. A window whose end is before its start crosses midnight."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    opens: Clock = Field(default=time(9), alias="from", description="first minute", examples=["09:00"])
    closes: Clock = Field(
        default=time(20), alias="to", description="first minute no longer allowed", examples=["20:00"]
    )
    holidays: Literal["skip", "send"] = Field(
        default="send", description="skip public holidays of the insurer's country, with the weekend days they join"
    )
    weekends: Literal["skip", "send"] = Field(
        default="send",
        description="skip free days; a weekend day that is worked to make up for a holiday is no free day",
    )

    @field_validator("closes")
    @classmethod
    def _not_empty(cls, closes: time, info: object) -> time:
        if closes == getattr(info, "data", {}).get("opens"):
            raise ValueError(
                "the window is empty: `from` and `to` are the same time | for all day write 00:00 to 23:59"
            )
        return closes


class Cap(BaseModel):
    """At most `max` contacts per customer within `per`, counted over all campaigns as soon as they are reserved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max: int = Field(ge=0, description="how many", examples=[3])
    per: Period = Field(
        description="in how long: days, weeks and months are the customer's calendar days (`1d` is today, `7d` today and "
        "the six days before); hours roll",
        examples=["7d", "24h", "1mo"],
    )
    channels: Channels = Field(
        default=(), description="channels counted together; all where absent", examples=[["sms", "push"]]
    )
    purposes: tuple[Purpose, ...] = Field(
        default=("service", "care", "marketing"), description="purposes counted and capped; contract notices are exempt"
    )


class Limit(BaseModel):
    """At most this much a day, of the insurer's days, counted as soon as a message is reserved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    volume: int | None = Field(default=None, ge=0, description="messages a day", examples=[5000])
    cost: float | None = Field(
        default=None, ge=0, description="cost a day, in `currency`, by the `prices` of the workspace", examples=[1000]
    )
    over: Literal["wait", "drop", "next"] = Field(
        default="wait",
        description="what a met limit does to a message: wait for the next day, drop it, or try the step's next channel",
    )

    @model_validator(mode="after")
    def _limits(self) -> Limit:
        if self.volume is None and self.cost is None:
            raise ValueError("this limits nothing | write `volume`, `cost`, or both")
        return self


class Arbitration(BaseModel):
    """A customer's messages compete: one of these purposes within the window, by class first, then by expected value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window: Period = Field(
        default="1d",
        validate_default=True,
        description="one message within this time: days, weeks and months are the customer's calendar days; hours roll",
        examples=["1d", "7d"],
    )
    purposes: tuple[Literal["service", "care", "marketing"], ...] = Field(
        default=("service", "care", "marketing"),
        min_length=1,
        description="purposes that compete; contract notices never do",
    )
    lose: Literal["wait", "next", "expire"] = Field(
        default="wait",
        description="what losing does to a message: wait until the window has room, try the step's next channel (each "
        "channel is then a window of its own), or expire",
    )


class Consent(BaseModel):
    """Per purpose: `opt_in` needs a recorded yes, `opt_out` is allowed until a recorded no, `not_required` always goes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract: Literal["opt_in", "opt_out", "not_required"] = "not_required"
    service: Literal["opt_in", "opt_out", "not_required"] = "opt_out"
    care: Literal["opt_in", "opt_out", "not_required"] = "opt_out"
    marketing: Literal["opt_in", "opt_out"] = "opt_in"
    contract_after_opt_out: bool = Field(
        default=True,
        description="contract notices still go to whoever opted out or is on a do-not-contact list; false where the law forbids it",
    )

    @property
    def without_consent(self) -> tuple[Purpose, ...]:
        """Purposes that go without any consent."""
        return tuple(purpose for purpose in PURPOSES if getattr(self, purpose) == "not_required")


class DoNotCall(BaseModel):
    """How long a customer who refused on a call is not called again; contract notices apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    term: Span = Field(
        default="6mo",
        validate_default=True,
        description="how long a refusal lasts, from the last one on (at least six months for life insurers in China)",
        examples=["6mo"],
    )
    regions: dict[str, Span] = Field(
        default={"4403": "12mo"},
        validate_default=True,
        description="beginning of the customer's region code -> its own term, the longest beginning first (Shenzhen: a year)",
        examples=[{"4403": "12mo"}],
    )
    channels: Channels = Field(
        default=("ai_outbound",), description="channels that are calls", examples=[["ai_outbound", "agent_task"]]
    )

    def since(self, now: datetime) -> list[tuple[str, datetime]]:
        """Beginning of a region code, the longest first and `""` for everybody last, and since when a refusal there still holds."""
        special = sorted(self.regions.items(), key=lambda each: (-len(each[0]), each[0]))
        return [(region, term.before(now)) for region, term in special] + [("", self.term.before(now))]


class Circumstances(BaseModel):
    """Per purpose, the circumstances of a customer in which nothing of that purpose is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract: tuple[Circumstance, ...] = ()
    service: tuple[Circumstance, ...] = ("deceased", "bereavement")
    care: tuple[Circumstance, ...] = ("deceased",)
    marketing: tuple[Circumstance, ...] = (
        "deceased",
        "bereavement",
        "open_claim",
        "denied_claim",
        "open_complaint",
        "disaster",
    )
    denied_claim_within: Span = Field(
        default="90d", validate_default=True, description="how long a denied claim silences selling", examples=["90d"]
    )
    bereavement_within: Span = Field(
        default="180d",
        validate_default=True,
        description="how long after an event of type bereavement",
        examples=["180d"],
    )


class ContactPolicy(BaseModel):
    """Rules above all campaigns. Every field has a safe default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    consent: Consent = Field(default=Consent(), description="which purposes need a yes, which stop at a no")
    do_not_call: DoNotCall = Field(default=DoNotCall(), description="how long a refusal on a call lasts")
    do_not_contact: str = Field(
        default="",
        description="CSV file of the workspace with whom not to contact: one of the columns `phone`, `email` or `hash` (sha256 of "
        "`hash_salt` and the E.164 number or the e-mail address in small letters, hexadecimal), and if wanted `channel` and `until`",
        examples=["do-not-contact.csv"],
    )
    hash_salt: str = Field(
        default="",
        description="secret under which `kairos ledger forget` hashes whom not to contact again; ${NAME} stands for an environment "
        "variable; `salt` where empty. Once somebody was erased it must stay the same",
        examples=["${KAIROS_HASH_SALT}"],
    )
    circumstances: Circumstances = Field(default=Circumstances(), description="when not to write at all, per purpose")
    caps: tuple[Cap, ...] = Field(
        default=(
            Cap(max=3, per=Span.parse("7d"), channels=("sms", "push", "email")),
            Cap(max=1, per=Span.parse("7d"), purposes=("marketing",)),
            Cap(max=1, per=Span.parse("30d"), channels=("ai_outbound",)),
        ),
        description="how often a customer may hear from us, over all campaigns",
    )
    arbitrate: Arbitration | None = Field(
        default=None,
        description="which of a customer's messages wins where several want to go; all go, as far as caps allow, where absent",
        examples=[{"window": "3d", "purposes": ["care", "marketing"]}],
    )
    budgets: Annotated[dict[str, Limit], AfterValidator(known)] = Field(
        default_factory=dict,
        description="daily limits of each channel, over all campaigns; contract notices count and always go",
        examples=[{"sms": {"volume": 100000}, "ai_outbound": {"volume": 2000, "cost": 600, "over": "next"}}],
    )
    hours: Hours = Field(default=Hours(), description="local hours for everything; a campaign may narrow them")
    unknown_zone_hours: Hours = Field(
        default=Hours.model_validate({"from": "12:00", "to": "16:00"}),
        description="hours, in the insurer's zone, for customers whose own zone is unreadable",
    )
    holidays: str = Field(
        default="",
        description="country code of the public holidays to respect, e.g. CN; none where empty",
        examples=["CN"],
    )
    calendar: str = Field(
        default="",
        description="CSV file of the workspace with the days that are not as `holidays` says: columns `day` (ISO date), "
        "`works` (true or false) and `name`; a named day on which nobody works is a public holiday",
        examples=["calendar.csv"],
    )
    holdout: Share = Field(
        default=0.0,
        description="share of customers who get nothing but contract notices, to measure everything together",
        examples=["2%"],
    )
    salt: str = Field(
        default="kairos",
        description="secret word of the holdout draw; changing it redraws who is held out",
        min_length=1,
    )

    def counted_since(self, now: datetime) -> datetime:
        """Before any period caps or the contest count in: two days cover the zones on either side of the date line."""
        spans = [cap.per for cap in self.caps] + ([self.arbitrate.window] if self.arbitrate else [])
        return min((span.before(now) for span in spans), default=now) - timedelta(days=2)

    @property
    def salt_of_hashes(self) -> str:
        """The salt of do-not-contact hashes and pseudonyms."""
        return self.hash_salt or self.salt
