"""The contact rules as a plain developer writes them: one customer, one message at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.plain_campaigns import Night, Occasion, PlainCampaign
from benchmarks.plain_facts import Row, phone_of

MESSAGE_CHANNELS = ("sms", "push", "email")
SALT, EVERYONE = "change-me", 0.01
BEREAVED_DAYS = 180

Plan = tuple[str, str, datetime, datetime]
"""Channel, address, not before, not after."""


class Contacts:
    """What one customer has been sent this night, by all campaigns: what the caps count."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def room(self, channel: str) -> bool:
        """At most three messages a week, one call a month."""
        if channel in MESSAGE_CHANNELS:
            return sum(self.counts[each] for each in MESSAGE_CHANNELS) < 3
        return self.counts[channel] < 1


def verdict(
    campaign: PlainCampaign, customer: Row, occasion: Occasion, night: Night, contacts: Contacts
) -> tuple[str, Plan | None]:
    """What becomes of one occasion: a reason, and the plan where it is `sent`."""
    if _reached(campaign, customer, occasion, night):
        return "goal_reached", None
    reason = "no_channel"
    for channel in campaign.channels:
        if campaign.purpose != "contract" and not _agreed(campaign.purpose, channel, customer, night):
            reason = "consent_refused"
            continue
        address = _address(channel, customer)
        if not address:
            reason = "no_address"
            continue
        if campaign.purpose != "contract":
            if stopped := _circumstance(campaign.purpose, customer, night) or _held_out(campaign, customer):
                return stopped, None
            if not contacts.room(channel):
                reason = "cap_met"
                continue
        window = _window(campaign, customer["timezone"], night.now, night.zone, _limit(campaign, occasion, night))
        if window is None:
            reason = "no_window"
            continue
        if campaign.purpose != "contract":
            contacts.counts[channel] += 1
        return "sent", (channel, address, *window)
    return reason, None


def _reached(campaign: PlainCampaign, customer: Row, occasion: Occasion, night: Night) -> bool:
    if campaign.goal is None:
        return False
    kind, days, about = campaign.goal
    _, _, due, rows = occasion
    named = {rows["policy"]["policy_id"]} if "policy" in rows else set()
    named |= {rows["claim"]["claim_id"]} if "claim" in rows else set()
    for event in night.insurer.events.get(customer["customer_id"], ()):
        if event["type"] != kind:
            continue
        if about and event["subject_id"] in named and event["occurred_at"] >= due - timedelta(days=days):
            return True
        if event["occurred_at"] >= due and (not about or event["subject_id"] is None or not named):
            return True
    return False


def _agreed(purpose: str, channel: str, customer: Row, night: Night) -> bool:
    """Not refused: every no that covers this was taken back by a later yes about the same or something narrower."""
    said = [
        row
        for row in night.insurer.consents.get(customer["customer_id"], ())
        if row["purpose"] in (purpose, "*") and row["channel"] in (channel, "*")
    ]
    yes = [row for row in said if row["granted"] and not (row["expires_at"] and row["expires_at"] <= night.now)]
    return all(row["granted"] or any(_takes_back(each, row) for each in yes) for row in said)


def _takes_back(yes: Row, no: Row) -> bool:
    within = all(no[name] in ("*", yes[name]) for name in ("purpose", "channel"))
    return within and bool(yes["at"] > no["at"])


def _address(channel: str, customer: Row) -> str | None:
    if channel == "push":
        return (customer["push_token"] or "").strip() or None
    return customer["email"] if channel == "email" else phone_of(customer)


def _circumstance(purpose: str, customer: Row, night: Night) -> str | None:
    if customer["deceased_on"]:
        return "deceased"
    since = night.now - timedelta(days=BEREAVED_DAYS)
    events = night.insurer.events.get(customer["customer_id"], ())
    if purpose == "service" and any(e["type"] == "bereavement" and e["occurred_at"] > since for e in events):
        return "bereavement"
    return None


def _held_out(campaign: PlainCampaign, customer: Row) -> str | None:
    if _draw(f"{SALT}:global:{customer['customer_id']}") < EVERYONE:
        return "holdout_global"
    held = campaign.holdout and _draw(f"{SALT}:{campaign.name}:{customer['customer_id']}") < campaign.holdout
    return "holdout_campaign" if held else None


def _draw(text: str) -> float:
    return float(int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:13], 16)) / 16**13


def _limit(campaign: PlainCampaign, occasion: Occasion, night: Night) -> datetime:
    """Until when the message makes sense: so many days, and not beyond the alert it is about."""
    limit, alert = night.now + timedelta(days=campaign.valid_days), occasion[3].get("alert")
    return min(limit, alert["expires_at"]) if alert and alert["expires_at"] else limit


@cache
def _window(
    campaign: PlainCampaign, name: str | None, now: datetime, home: ZoneInfo, limit: datetime
) -> tuple[datetime, datetime] | None:
    """The first allowed hours in the customer's zone before `limit`."""
    zone = ZoneInfo(name) if name else home
    for day in _days(now.astimezone(zone), limit.astimezone(zone)):
        if campaign.workdays and day.weekday() >= 5:
            continue
        opens, closes = (datetime.combine(day.date(), time(hour), zone).astimezone(UTC) for hour in campaign.hours)
        start, end = max(opens, now), min(closes, limit)
        if start < end:
            return start, end
    return None


def _days(first: datetime, last: datetime) -> Iterator[Any]:
    while first.date() <= last.date():
        yield first
        first += timedelta(days=1)
