"""kairos.yaml: what holds for the whole workspace."""

from __future__ import annotations

import os
import re
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from campaigns.delivery import Delivery
from campaigns.ledger.store import is_postgres
from campaigns.policy import ContactPolicy
from channels.contract import MEDIA
from kairos.stream.brokers import SCHEMES
from recommender.learning import Learning
from triggers.durations import Span
from triggers.engine import is_engine

_VARIABLE = re.compile(r"\$\{\w+\}")


class StreamSettings(BaseModel):
    """How `kairos stream` takes facts and how often it looks at everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    broker: str = Field(
        default="",
        description="address of the broker: nats://, kafka://, amqp:// or redis://, ${NAME} stands for an environment "
        "variable; Kairos starts a NATS server of its own on loopback where empty",
        examples=["kafka://broker-1:9092,broker-2:9092"],
    )
    batch: int = Field(default=2000, ge=1, le=50_000, description="messages written down at once")
    sweep: Span = Field(
        default="1h",
        validate_default=True,
        description="how often everybody is looked at: dates that came within reach, delays that ran out",
        examples=["15h"],
    )
    keep: Span = Field(
        default="30d",
        validate_default=True,
        description="how long facts that arrived are kept; by then the insurer's own tables hold them",
    )

    @field_validator("sweep")
    @classmethod
    def _exact(cls, sweep: Span) -> Span:
        if not sweep.exact or not sweep.count:
            raise ValueError(f"'{sweep}' has no fixed length | write hours or days, e.g. 1h")
        return sweep

    @field_validator("broker")
    @classmethod
    def _known(cls, broker: str) -> str:
        filled = os.path.expandvars(broker)
        scheme = filled.partition("://")[0]
        if filled and scheme not in SCHEMES and "$" not in filled:
            raise ValueError(f"no broker is known for {scheme!r} | write {', '.join(SCHEMES)}, then ://host:port")
        return filled


class RecommendSettings(BaseModel):
    """What the recommender learns from, and when its model may serve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stale: Literal["refuse", "serve"] = Field(
        default="refuse",
        description="what becomes of campaigns with offers when the model no longer fits the facts (`kairos recommend top` says why): "
        "`refuse`: they do not run until it is fitted anew; `serve`: they run with it, and the report says so",
    )
    learning: Learning = Field(default=Learning(), description="how much outcomes of offers count in a fit")


class Settings(ContactPolicy):
    """The workspace's settings: the insurer, its zone and languages, channels, and the contact policy."""

    insurer: str | dict[str, str] = Field(
        min_length=1,
        description="name customers know, or a name per language",
        examples=["Example Mutual", {"zh-CN": "示例保险", "en": "Example Mutual"}],
    )
    phone: str = Field(default="", description="number customers may call", examples=["95500"])
    site: str = Field(default="", description="web site named in messages", examples=["https://example.com"])
    signature: str = Field(
        default="", description="SMS signature 【...】 where a gateway wants one; the insurer's name where empty"
    )
    timezone: str = Field(default="Asia/Shanghai", description="IANA zone of the insurer", examples=["Asia/Shanghai"])
    locales: tuple[str, ...] = Field(
        default=("zh-CN", "en"), min_length=1, description="languages, the default one first"
    )
    currency: str = Field(default="CNY", pattern=r"^[A-Z]{3}$", description="ISO 4217 code where a policy names none")
    phone_region: str = Field(
        default="CN", pattern=r"^[A-Z]{2}$", description="country of phone numbers without a country code"
    )
    ledger: str = Field(
        default="sqlite:///ledger.db",
        description="where Kairos remembers: a file of this machine, or a PostgreSQL database that several share; "
        "${NAME} stands for an environment variable",
        examples=["sqlite:///ledger.db", "postgresql://kairos:${KAIROS_DB_PASSWORD}@db.internal/kairos"],
    )
    engine: str = Field(
        default="duckdb",
        description="where triggers run: duckdb, or a Spark master",
        examples=["duckdb", "spark://master:7077"],
    )
    run_at: str = Field(
        default="10:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="local time meant by a date alone in --as-of and --on",
    )
    channels: dict[str, Any] = Field(
        default_factory=lambda: dict.fromkeys(MEDIA, "outbox"),
        description="adapter of each channel: its name, or a mapping with `adapter:` and its options",
        examples=[{"sms": "outbox", "push": "outbox"}],
    )
    queue: str = Field(
        default="",
        description="address of the NATS server for call and agent tasks; Kairos starts one of its own on loopback where empty",
        examples=["nats://queue.internal:4222"],
    )
    links: dict[str, str] = Field(
        default_factory=dict,
        description="addresses templates may use as links.<name>; {message_id} stands for the message's own id",
        examples=[{"survey": "https://example.com/s/{message_id}"}],
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^?#]+)?$",
        description="how the world reaches `kairos callbacks`: what Twilio signs, and links of consents begin with",
        examples=["https://kairos.example.com"],
    )
    approval: Literal["required", "none"] = Field(
        default="none",
        description="`required`: only a version that somebody other than its author approved runs, whatever the files say; "
        "`none`: what the files say runs",
        examples=["required"],
    )
    approvers: tuple[str, ...] = Field(
        default=(), description="who may approve; everybody but the author where empty", examples=[["li.na", "m.weber"]]
    )
    prices: dict[str, float] = Field(
        default_factory=dict,
        description="price of a message per channel, in `currency`: of each part of an SMS, of a call, an e-mail ...; "
        "`kairos backtest` reckons with it",
        examples=[{"sms": 0.045, "ai_outbound": 0.3, "push": 0, "email": 0, "agent_task": 5}],
    )
    recommend: RecommendSettings = Field(
        default=RecommendSettings(), description="what `kairos recommend fit` learns from, and when a model may serve"
    )
    stream: StreamSettings = Field(default=StreamSettings(), description="facts as they happen: `kairos stream`")
    delivery: Delivery = Field(default=Delivery(), description="retries, lost answers")

    @field_validator("timezone")
    @classmethod
    def _exists(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {timezone!r} | use an IANA name, e.g. Asia/Shanghai") from error
        return timezone

    @field_validator("ledger")
    @classmethod
    def _remembered(cls, ledger: str) -> str:
        if not (ledger.startswith("sqlite:///") or is_postgres(ledger)):
            raise ValueError("the ledger is not supported | write sqlite:///ledger.db, or postgresql://user@host/name")
        if is_postgres(ledger) and any(not _VARIABLE.fullmatch(password) for password in _passwords(ledger)):
            raise ValueError("the ledger's password stands in the file | write ${NAME} and set NAME in the environment")
        return ledger

    @field_validator("engine")
    @classmethod
    def _engine(cls, engine: str) -> str:
        if not is_engine(engine):
            raise ValueError(
                f"the engine {engine!r} is not known | write duckdb, or a Spark master: local[2], spark://host:7077, yarn"
            )
        return engine

    @field_validator("prices")
    @classmethod
    def _priced(cls, prices: dict[str, float]) -> dict[str, float]:
        for channel, price in prices.items():
            if channel not in MEDIA:
                raise ValueError(f"unknown channel {channel!r} under `prices` | known: {', '.join(MEDIA)}")
            if price < 0:
                raise ValueError(f"the price of {channel} is negative | write what one costs, 0 where it costs nothing")
        return prices

    @model_validator(mode="after")
    def _payable(self) -> Settings:
        """A limit on cost needs a price, else it would limit nothing."""
        for channel, limit in self.budgets.items():
            if limit.cost is not None and channel not in self.prices:
                raise ValueError(f"`budgets` limits the cost of {channel}, which has no price | add it under `prices`")
        return self

    @model_validator(mode="before")
    @classmethod
    def _channels(cls, data: Any) -> Any:
        """Channels the file does not name are served by the outbox."""
        if isinstance(data, dict) and isinstance(data.get("channels"), dict):
            unknown = set(data["channels"]) - set(MEDIA)
            if unknown:
                raise ValueError(f"unknown channel {sorted(unknown)[0]!r} under `channels` | known: {', '.join(MEDIA)}")
            return {**data, "channels": dict.fromkeys(MEDIA, "outbox") | data["channels"]}
        return data


def _passwords(url: str) -> list[str]:
    """What stands where passwords do in a database's URL."""
    parts = urlsplit(url)
    said = parse_qs(parts.query)
    return [*([parts.password] if parts.password else []), *said.get("password", []), *said.get("sslpassword", [])]
