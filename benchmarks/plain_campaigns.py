"""Eight of the example campaigns as a plain developer writes them: a function that goes through one customer's rows.

Each yields occasions `(subject, occasion, rows the words need)`. Dates, ages and conditions are those of the campaign
files; the offers of the other two campaigns come from a fitted model and have no plain counterpart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from benchmarks.plain_facts import DERIVED, Insurer, Row

Occasion = tuple[str, str, datetime, dict[str, Row]]
"""Subject, occasion, when it was due, and the rows its words need."""


@dataclass(frozen=True)
class Night:
    """The instant of the run in the insurer's zone, and its tables."""

    now: datetime
    zone: ZoneInfo
    insurer: Insurer

    def midnight(self, day: date) -> datetime:
        """The instant a day begins."""
        return datetime.combine(day, time(), self.zone)

    def due(self, at: datetime, days: int) -> bool:
        """Whether it has come, and no more than so many days ago."""
        return self.now - timedelta(days=days) <= at <= self.now


def birthday(customer: Row, night: Night) -> Iterator[Occasion]:
    """Today is the day, 28 February where it is no leap year."""
    born, today = customer["birth_date"], night.now.date()
    if born and born.year < today.year:
        leap = born.month == 2 and born.day == 29
        day = (date(today.year, 3, 1) - timedelta(days=1)) if leap else born.replace(year=today.year)
        if day == today:
            yield "customer", day.isoformat(), night.midnight(day), {}


def claim_documents(customer: Row, night: Night) -> Iterator[Occasion]:
    """A claim has waited two days for documents and none came."""
    for claim in night.insurer.claims.get(customer["customer_id"], ()):
        at = claim["updated_at"]
        due = at + timedelta(days=2)
        if claim["status"] != "awaiting_documents" or claim["missing_documents"] is None or not night.due(due, 14):
            continue
        about = (None, claim["claim_id"], claim["policy_id"])
        uploads = (
            e for e in night.insurer.events.get(customer["customer_id"], ()) if e["type"] == "documents_uploaded"
        )
        if not any(e["occurred_at"] > at and e["subject_id"] in about for e in uploads):
            yield _of_claim(claim, at, due, night)


def claim_progress(customer: Row, night: Night) -> Iterator[Occasion]:
    """A claim reached a state worth telling within three days."""
    for claim in night.insurer.claims.get(customer["customer_id"], ()):
        if claim["status"] in ("accepted", "in_review", "approved", "paid") and night.due(claim["updated_at"], 3):
            yield _of_claim(claim, claim["updated_at"], claim["updated_at"], night)


def claim_survey(customer: Row, night: Night) -> Iterator[Occasion]:
    """The day after a claim was paid or closed."""
    for claim in night.insurer.claims.get(customer["customer_id"], ()):
        due = claim["updated_at"] + timedelta(days=1)
        if claim["status"] in ("paid", "closed") and night.due(due, 5):
            yield _of_claim(claim, claim["updated_at"], due, night)


def _of_claim(claim: Row, at: datetime, due: datetime, night: Night) -> Occasion:
    day = at.astimezone(night.zone).date().isoformat()
    rows = {"claim": claim, "policy": night.insurer.policy[claim["policy_id"]]}
    return f"claim:{claim['claim_id']}", f"{claim['status']}@{day}", due, rows


def in_force(policy: Row, night: Night) -> bool:
    """Whether cover has begun and not ended on this day."""
    today = night.now.date()
    begun = policy["effective_date"] is not None and policy["effective_date"] <= today
    return begun and (policy["expiry_date"] is None or policy["expiry_date"] >= today)


def disaster_care(customer: Row, night: Night) -> Iterator[Occasion]:
    """The newest alert in force, moderate or worse, over anything the customer insures."""
    found = []
    for alert in night.insurer.alerts:
        begun = night.due(alert["effective_at"], 2) and (alert["expires_at"] is None or alert["expires_at"] > night.now)
        if alert["status"] != "active" or alert["severity"] not in ("moderate", "severe", "extreme") or not begun:
            continue
        struck = [
            policy
            for policy in night.insurer.policies.get(customer["customer_id"], ())
            if policy["status"] == "active"
            and in_force(policy, night)
            and (policy["insured_region_code"] or customer["region_code"]) in alert["regions"]
        ]
        if struck:
            found.append(
                (alert["effective_at"], alert["alert_id"], alert, min(struck, key=lambda row: row["policy_id"]))
            )
    for due, name, alert, policy in sorted(found, key=lambda each: each[:2])[-1:]:
        yield "customer", name, due, {"alert": alert, "policy": policy}


def dormancy_care(customer: Row, night: Night) -> Iterator[Occasion]:
    """Half a year since the last sign of the customer, or since joining."""
    signs = [
        e["occurred_at"] for e in night.insurer.events.get(customer["customer_id"], ()) if e["type"] not in DERIVED
    ]
    if customer["joined_on"]:
        signs.append(night.midnight(customer["joined_on"]))
    if signs:
        last = max(signs).astimezone(night.zone).date()
        due = night.midnight(last + timedelta(days=180))
        if night.due(due, 14):
            yield "customer", last.isoformat(), due, {}


def motor_renewal(customer: Row, night: Night) -> Iterator[Occasion]:
    """Sixty days before a motor policy ends."""
    for policy in night.insurer.policies.get(customer["customer_id"], ()):
        if policy["line"] == "motor" and policy["status"] == "active" and policy["renewal_premium"] is not None:
            yield from _ahead(policy, policy["expiry_date"], 60, 20, night)


def premium_due(customer: Row, night: Night) -> Iterator[Occasion]:
    """A week before an instalment."""
    for policy in night.insurer.policies.get(customer["customer_id"], ()):
        if policy["status"] == "active" and policy["premium"] is not None:
            yield from _ahead(policy, policy["next_premium_due"], 7, 6, night)


def _ahead(policy: Row, day: date | None, days: int, age: int, night: Night) -> Iterator[Occasion]:
    if day and day >= night.now.date():
        due = night.midnight(day - timedelta(days=days))
        if night.due(due, age):
            yield f"policy:{policy['policy_id']}", day.isoformat(), due, {"policy": policy}


@dataclass(frozen=True)
class PlainCampaign:
    """What the loop needs of a campaign; `goal` is event type, days, and whether it must be about the subject."""

    name: str
    purpose: str
    find: Callable[[Row, Night], Iterator[Occasion]]
    channels: tuple[str, ...]
    goal: tuple[str, int, bool] | None = None
    holdout: float = 0.0
    hours: tuple[int, int] = (9, 20)
    workdays: bool = False
    valid_days: int = 3


CAMPAIGNS = (
    PlainCampaign(
        "claim-documents", "contract", claim_documents, ("push", "sms", "email"), ("documents_uploaded", 14, True)
    ),
    PlainCampaign("claim-progress", "contract", claim_progress, ("push", "sms", "email")),
    PlainCampaign("premium-due", "contract", premium_due, ("push", "sms", "email"), ("premium_paid", 14, True)),
    PlainCampaign(
        "claim-survey",
        "service",
        claim_survey,
        ("ai_outbound", "sms"),
        ("survey_answered", 14, False),
        hours=(10, 19),
        workdays=True,
    ),
    PlainCampaign(
        "motor-renewal", "service", motor_renewal, ("push", "sms", "email"), ("policy_renewed", 75, True), holdout=0.1
    ),
    PlainCampaign("birthday", "care", birthday, ("push", "sms"), valid_days=1),
    PlainCampaign("disaster-care", "care", disaster_care, ("push", "sms"), valid_days=1),
    PlainCampaign(
        "dormancy-care",
        "care",
        dormancy_care,
        ("push", "email", "sms"),
        ("app_login", 30, True),
        holdout=0.1,
        hours=(10, 19),
        workdays=True,
    ),
)
"""In the order in which Kairos decides them: contract, service, care; by name within."""
