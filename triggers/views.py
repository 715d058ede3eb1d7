"""The canonical views: the only shape of the insurer's data that the rest of Kairos knows.

Every source is mapped to one of these (see `triggers.sources`). Columns a source has beyond them pass through and may be
used in conditions and templates.
"""

from __future__ import annotations

from dataclasses import dataclass

TEXT = "VARCHAR"
DATE = "DATE"
INSTANT = "TIMESTAMP WITH TIME ZONE"
NUMBER = "DOUBLE"
FLAG = "BOOLEAN"
TEXTS = "VARCHAR[]"


@dataclass(frozen=True)
class Column:
    """One canonical column: its SQL type, whether a row without it is set aside, and what it means."""

    name: str
    type: str
    description: str
    required: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """One canonical view.

    `key` is the column that names a row (None where rows have no name of their own); `references` maps a column to the
    view whose key it must be found in; `known_at` is the column that says since when a row is known, used unless the
    source has a `recorded_at` column of its own.
    """

    name: str
    columns: tuple[Column, ...]
    key: str | None = None
    references: tuple[tuple[str, str], ...] = ()
    known_at: str | None = None

    @property
    def types(self) -> dict[str, str]:
        """Column name to SQL type, in declared order."""
        return {column.name: column.type for column in self.columns}

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which a row is set aside."""
        return tuple(column.name for column in self.columns if column.required)


def _key(name: str, description: str) -> Column:
    return Column(name, TEXT, description, required=True)


POLICY_STATES = ("active", "lapsed", "cancelled", "renewed", "matured")
CLAIM_STATES = (
    "reported",
    "accepted",
    "in_review",
    "awaiting_documents",
    "approved",
    "denied",
    "paid",
    "closed",
)

CUSTOMERS = View(
    "customers",
    (
        _key("customer_id", "the insurer's id of the customer"),
        Column("name", TEXT, "full name as the customer writes it"),
        Column("gender", TEXT, "how to address the customer", values=("female", "male")),
        Column("birth_date", DATE, "date of birth"),
        Column("phone", TEXT, "phone number; kept in E.164"),
        Column("email", TEXT, "e-mail address"),
        Column("push_token", TEXT, "token of the app installation"),
        Column("locale", TEXT, "language of the customer, e.g. zh-CN or en"),
        Column("timezone", TEXT, "IANA zone of the customer; the insurer's where absent"),
        Column("region_code", TEXT, "GB/T 2260 in China, ISO 3166-2 elsewhere"),
        Column("agent_id", TEXT, "agent who looks after the customer"),
        Column("tier", TEXT, "service tier"),
        Column("joined_on", DATE, "first day as a customer"),
        Column("deceased_on", DATE, "date of death; everything but contract notices stops"),
        Column("personalisation", FLAG, "false = the customer refused personalised offers"),
    ),
    key="customer_id",
)
POLICIES = View(
    "policies",
    (
        _key("policy_id", "one term of one contract: three terms are three policies"),
        _key("customer_id", "policyholder"),
        Column("product_id", TEXT, "product sold"),
        Column("line", TEXT, "line of business: motor, health, life, home, travel ..."),
        Column("status", TEXT, "state of the term", values=POLICY_STATES),
        Column("effective_date", DATE, "first day of cover"),
        Column("expiry_date", DATE, "last day of cover"),
        Column("premium", NUMBER, "premium of the term, in `currency`"),
        Column("currency", TEXT, "ISO 4217 code"),
        Column("insured_object", TEXT, "what is insured: plate, address, person"),
        Column("insured_region_code", TEXT, "where it is; the customer's region where absent"),
        Column("renews_policy_id", TEXT, "the term this one renews"),
    ),
    key="policy_id",
    references=(("customer_id", "customers"),),
)
CLAIMS = View(
    "claims",
    (
        _key("claim_id", "the claim"),
        _key("policy_id", "policy the claim is on"),
        Column("customer_id", TEXT, "claimant; the policyholder where absent"),
        Column("status", TEXT, "state of the claim", required=True, values=CLAIM_STATES),
        Column("reported_at", INSTANT, "when it was reported", required=True),
        Column("updated_at", INSTANT, "when `status` was reached; `reported_at` where absent"),
        Column("closed_at", INSTANT, "when it was closed"),
        Column("amount", NUMBER, "amount paid or reserved"),
        Column("missing_documents", TEXTS, "documents the customer still owes"),
    ),
    key="claim_id",
    references=(("policy_id", "policies"), ("customer_id", "customers")),
    known_at="reported_at",
)
EVENTS = View(
    "events",
    (
        _key("event_id", "unique id of the event"),
        _key("customer_id", "whose event"),
        Column("type", TEXT, "what happened: app_login, call, payment_failed, service_used ...", required=True),
        Column("occurred_at", INSTANT, "when", required=True),
        Column("subject_id", TEXT, "policy, claim or product it is about"),
        Column("channel", TEXT, "app, phone, web, agent ..."),
        Column("properties", TEXT, "further facts, a JSON object"),
    ),
    key="event_id",
    references=(("customer_id", "customers"),),
    known_at="occurred_at",
)
PRODUCTS = View(
    "products",
    (
        _key("product_id", "the product"),
        Column("name", TEXT, "name a customer reads", required=True),
        Column("kind", TEXT, "insurance or value-added service", required=True, values=("insurance", "service")),
        Column("line", TEXT, "line of business"),
        Column("active", FLAG, "offered today"),
        Column("eligibility", TEXT, "SQL condition over customers.*, e.g. age between 18 and 60"),
        Column("value", NUMBER, "margin per sale"),
    ),
    key="product_id",
)
ALERTS = View(
    "alerts",
    (
        _key("alert_id", "the alert; updates of one alert share it"),
        Column("source", TEXT, "issuer"),
        Column("event", TEXT, "typhoon, rainstorm, earthquake ...", required=True),
        Column("severity", TEXT, "how bad", values=("minor", "moderate", "severe", "extreme")),
        Column("effective_at", INSTANT, "from when", required=True),
        Column("expires_at", INSTANT, "until when"),
        Column("region_codes", TEXTS, "regions covered, with everything below them"),
        Column("polygon", TEXT, "area covered, WKT, longitude before latitude (WGS 84)"),
        Column("status", TEXT, "is it in force", values=("active", "cancelled", "test")),
        Column("headline", TEXT, "one line for people"),
    ),
    key="alert_id",
    known_at="effective_at",
)
CONSENTS = View(
    "consents",
    (
        _key("customer_id", "who"),
        Column("purpose", TEXT, "service, care, marketing, or * for all", required=True),
        Column("channel", TEXT, "sms, push, email, ai_outbound, agent_task, or * for all", required=True),
        Column("granted", FLAG, "given or refused", required=True),
        Column("at", INSTANT, "when", required=True),
        Column("evidence", TEXT, "where the record of it is kept"),
        Column("expires_at", INSTANT, "until when a yes holds; until it is withdrawn where absent"),
        Column("text_version", TEXT, "version of the wording that was agreed to"),
        Column("given_by", TEXT, "who said it where not the customer, e.g. a parent"),
    ),
    references=(("customer_id", "customers"),),
    known_at="at",
)
COMPLAINTS = View(
    "complaints",
    (
        _key("complaint_id", "the complaint"),
        _key("customer_id", "who complained"),
        Column("opened_at", INSTANT, "when", required=True),
        Column("closed_at", INSTANT, "when it was settled; open while absent"),
        Column("category", TEXT, "about what"),
    ),
    key="complaint_id",
    references=(("customer_id", "customers"),),
    known_at="opened_at",
)
UPLIFT = View(
    "uplift",
    (
        _key("customer_id", "who"),
        Column("campaign", TEXT, "name of the campaign", required=True),
        Column("propensity", NUMBER, "probability that the customer does what the campaign is for, if contacted"),
        Column(
            "uplift",
            NUMBER,
            "share of it that the contact causes, or, without `propensity`, what it adds to the probability",
        ),
        Column("model", TEXT, "fitted model that says so, `name` or `name@version`"),
    ),
    references=(("customer_id", "customers"),),
)
REGIONS = View(
    "regions",
    (
        _key("region_code", "GB/T 2260 or ISO 3166-2 code"),
        Column("name", TEXT, "name, also used to find the region of a weather office", required=True),
        Column("name_en", TEXT, "English name"),
        Column("latitude", NUMBER, "of its centre, degrees"),
        Column("longitude", NUMBER, "of its centre, degrees"),
        Column("location_id", TEXT, "the weather service's id of the place"),
    ),
    key="region_code",
)

VIEWS: dict[str, View] = {
    view.name: view
    for view in (REGIONS, CUSTOMERS, PRODUCTS, POLICIES, CLAIMS, EVENTS, ALERTS, CONSENTS, COMPLAINTS, UPLIFT)
}
"""All canonical views, each after the views it refers to."""
