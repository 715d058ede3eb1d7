"""What campaigns would have done: days run on a simulated ledger with the real gates, and what came of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from campaigns.answers import ANSWERS
from campaigns.definition import Campaign
from campaigns.ledger.ledger import instant
from campaigns.report import Funnel, funnels
from campaigns.scene import Scene
from campaigns.simulation import SimulatedLedger
from campaigns.turn import take_turn
from campaigns.why import meaning
from campaigns.windows import home_zone, zone_of
from channels.segments import segments

if TYPE_CHECKING:
    from triggers.facts import Facts

Progress = Callable[[str, int, int], None]
AsOf = Callable[[datetime], AbstractContextManager["Facts"]]
"""The facts as known at an instant, for as long as the block lasts."""
ROWS = 50_000


@dataclass(frozen=True)
class Period:
    """The days run, both included, each at the same time of the insurer's day."""

    first: date
    last: date
    at: datetime
    """Any instant with the time of day and the zone of the runs."""

    def instants(self) -> Iterator[datetime]:
        """One instant a day."""
        day = self.first
        while day <= self.last:
            yield datetime.combine(day, self.at.timetz())
            day += timedelta(days=1)

    def __len__(self) -> int:
        return (self.last - self.first).days + 1


def run_days(
    scene: Scene,
    as_of: AsOf,
    campaigns: Sequence[Campaign],
    ledger: SimulatedLedger,
    period: Period,
    progress: Progress,
) -> None:
    """Run every day. What may go by the next one counts as delivered then: nobody hands anything over."""
    for number, now in enumerate(period.instants()):
        progress("days", number, len(period))
        ledger.deliver(now)
        with as_of(now) as facts:
            take_turn(replace(scene, facts=facts), campaigns, ledger, goals=ANSWERS)  # others change no decision
    ledger.deliver(datetime.combine(period.last + timedelta(days=1), period.at.timetz()))
    progress("days", len(period), len(period))


@dataclass
class _Tally:
    """Counts on their way into the report."""

    found: dict[str, Counter[str]] = field(default_factory=dict)
    sent: dict[str, Counter[str]] = field(default_factory=dict)
    hours: dict[str, Counter[int]] = field(default_factory=dict)
    channels: dict[str, Counter[str]] = field(default_factory=dict)
    units: Counter[tuple[str, str]] = field(default_factory=Counter)


def report(
    ledger: SimulatedLedger, campaigns: Sequence[Campaign], period: Period, prices: Mapping[str, float], timezone: str
) -> dict[str, Any]:
    """Volume per day and hour, refusals by reason, caps met, collisions, SMS parts and cost.

    `prices`: channel -> price of a unit (an SMS part, a call, a message); where one is not given its cost is not known.
    """
    tally, zone = _Tally(), home_zone(timezone)
    _count_moments(ledger, tally, zone)
    _count_messages(ledger, tally, zone)
    counted = funnels(ledger)
    lines = [_line(campaign, counted, tally, prices) for campaign in campaigns]
    total: Counter[str] = sum(tally.sent.values(), Counter())
    busiest = max(total.items(), key=lambda each: (each[1], each[0]), default=("", 0))
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "days": len(period),
        "campaigns": lines,
        "per_day": dict(sorted(total.items())),
        "per_hour": _by_hour(sum(tally.hours.values(), Counter())),
        "busiest": {"day": busiest[0], "messages": busiest[1]},
        "caps": _caps(ledger),
        "collisions": _collisions(ledger),
        "totals": {
            "moments": sum(line["moments"] for line in lines),
            "messages": total.total(),
            "sms_parts": sum(count for (_, medium), count in tally.units.items() if medium == "sms"),
            "cost": _cost(tally.units, prices),
            "conserved": all(funnel.conserved for funnel in counted.values()),
        },
    }


def scaled(made: Mapping[str, Any], share: float, customers: int, ledger: SimulatedLedger) -> dict[str, Any]:
    """A report on a share of the customers, drawn with that probability each, told for all of them.

    Counts are divided by the share (Horvitz-Thompson). `sample.messages_within`: half the 95 % interval of the messages in
    all, 1.96 times the root of the sum over customers of (1 - p) / p^2 times the square of their messages (Poisson
    sampling: Särndal, Swensson, Wretman, Model Assisted Survey Sampling, 1992, 3.5).
    """
    told = {name: _told(made[name], share) if name in _COUNTED else made[name] for name in made}
    squares = ledger.store.one("messages_squared")
    within = 1.96 * ((1 - share) * int(squares[0] if squares else 0)) ** 0.5 / share
    return {**told, "sample": {"share": share, "customers": customers, "messages_within": round(within)}}


_COUNTED = ("campaigns", "per_day", "per_hour", "busiest", "caps", "collisions", "totals")


def _told(value: Any, share: float) -> Any:
    """Every number of a nested report divided by the share; whole ones stay whole."""
    match value:
        case bool():
            return value
        case int():
            return round(value / share)
        case float():
            return round(value / share, 2)
        case dict():
            return {name: _told(each, share) for name, each in value.items()}
        case list():
            return [_told(each, share) for each in value]
    return value


def _line(
    campaign: Campaign, counted: Mapping[str, Funnel], tally: _Tally, prices: Mapping[str, float]
) -> dict[str, Any]:
    """One campaign; why it sent nothing, where it did not."""
    name = campaign.name
    funnel: dict[str, Any] = counted.get(name, Funnel(name)).as_dict()
    own = Counter({(each, medium): count for (each, medium), count in tally.units.items() if each == name})
    sent = tally.sent.get(name, Counter())
    silent = ""
    if not sent:
        worst = next(iter(funnel["reasons"]), "")
        gate, _, reason = worst.partition(".")
        silent = f"mostly because {meaning(gate, reason)}" if worst else "the trigger found no moment in the period"
    return {
        **funnel,
        "title": dict(campaign.title),
        "per_day": dict(sorted(sent.items())),
        "found_per_day": dict(sorted(tally.found.get(name, Counter()).items())),
        "per_hour": _by_hour(tally.hours.get(name, Counter())),
        "channels": dict(sorted(tally.channels.get(name, Counter()).items())),
        "sms_parts": sum(count for (_, medium), count in own.items() if medium == "sms"),
        "cost": _cost(own, prices),
        "silent": silent,
    }


def _by_hour(hours: Counter[int]) -> list[int]:
    return [hours[hour] for hour in range(24)]


def _cost(units: Counter[tuple[str, str]], prices: Mapping[str, float]) -> float | None:
    """None where a channel that was used has no price."""
    if not prices or any(medium not in prices for _, medium in units):
        return None
    return round(sum(count * prices[medium] for (_, medium), count in units.items()), 2)


def _count_moments(ledger: SimulatedLedger, tally: _Tally, zone: ZoneInfo) -> None:
    """Moments by the day they were let in."""
    for campaign, at, count in ledger.store.all("count_admitted"):
        day = instant(at).astimezone(zone).date().isoformat()
        tally.found.setdefault(campaign, Counter())[day] += count


def _count_messages(ledger: SimulatedLedger, tally: _Tally, zone: ZoneInfo) -> None:
    """Messages by local day and hour of the customer, by channel; and what they count as at the gateway."""
    for campaign, medium, name, at, count in ledger.store.all("count_planned"):
        local = instant(at).astimezone(zone_of(name) or zone)
        tally.sent.setdefault(campaign, Counter())[local.date().isoformat()] += count
        tally.hours.setdefault(campaign, Counter())[local.hour] += count
        tally.channels.setdefault(campaign, Counter())[medium] += count
        if medium != "sms":
            tally.units[campaign, medium] += count
    after = ""
    while rows := ledger.store.all("sms_words", after=after, limit=ROWS):
        after = rows[-1][0]
        for _, campaign, parts in rows:
            tally.units[campaign, "sms"] += segments(json.loads(parts)["sms"]).count


def _caps(ledger: SimulatedLedger) -> list[dict[str, Any]]:
    """How often a cap or a daily budget was met, or another message was worth more, by campaign and channel."""
    rows = ledger.store.all("count_capped")
    names = ("gate", "campaign", "channel", "verdict", "moments")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _collisions(ledger: SimulatedLedger) -> list[dict[str, Any]]:
    """Pairs of campaigns that had something for the same customer on the same day, and how often there was room for one only."""
    rows = ledger.store.all("collisions")
    return [{"campaigns": [one, other], "customers": n, "capped": capped} for one, other, n, capped in rows]
