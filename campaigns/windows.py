"""Local hours in which one may write: windows that cross midnight, both ends of daylight saving, holidays, unknown zones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from campaigns.definition import Campaign
from campaigns.policy import ContactPolicy, Hours
from channels.contract import Profile
from triggers.workdays import Calendar, calendar_of

_NONE, _SECOND = timedelta(0), timedelta(seconds=1)
Interval = tuple[datetime, datetime]
"""From, until (exclusive), as instants in UTC."""


@cache
def zone_of(name: str | None) -> ZoneInfo | None:
    """The IANA zone of this name; None where there is no such zone."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def home_zone(name: str) -> ZoneInfo:
    """The insurer's zone; ValueError where the workspace names none that exists."""
    zone = zone_of(name)
    if zone is None:
        raise ValueError(f"the workspace's timezone {name!r} does not exist; use an IANA name such as Asia/Shanghai")
    return zone


def in_utc(at: datetime) -> datetime:
    """An instant as NumPy takes it: in UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def hours_for(
    policy: ContactPolicy, campaign: Campaign, profile: Profile, *, known_zone: bool = True
) -> tuple[Hours, ...]:
    """The hours that must all hold: the insurer's, the campaign's, the gateway's; the strictest where the zone is unknown."""
    rules = [policy.hours]
    if campaign.hours:
        rules.append(campaign.hours)
    if profile.hours:
        opens, closes = profile.hours
        rules.append(Hours.model_validate({"from": opens, "to": closes}))
    if not known_zone:
        rules.append(policy.unknown_zone_hours)
    return tuple(rules)


def next_window(
    now: datetime, until: datetime, zone: ZoneInfo, rules: Iterable[Hours], calendar: Calendar | None = None
) -> Interval | None:
    """The first interval after `now` and before `until` that lies in the hours of every rule; None where there is none.

    Days are the local days of `zone`; what a skipped day loses is the window that *opens* on it. People work Monday to
    Friday where there is no `calendar`.
    """
    calendar = calendar or calendar_of("")
    common: list[Interval] = [(now.astimezone(UTC), until.astimezone(UTC))]
    for rule in rules:
        common = list(_overlap(common, list(_windows(rule, now, until, zone, calendar))))
    return common[0] if common else None


def _windows(rule: Hours, now: datetime, until: datetime, zone: ZoneInfo, calendar: Calendar) -> Iterator[Interval]:
    day = now.astimezone(zone).date() - timedelta(days=1)
    last = until.astimezone(zone).date()
    while day <= last:
        if not _skipped(rule, day, calendar):
            closing = day if rule.closes > rule.opens else day + timedelta(days=1)
            yield from _shown(datetime.combine(day, rule.opens), datetime.combine(closing, rule.closes), zone)
        day += timedelta(days=1)


def _skipped(rule: Hours, day: date, calendar: Calendar) -> bool:
    if rule.weekends == "skip" and not calendar.works(day):
        return True
    return rule.holidays == "skip" and calendar.holiday(day)


def _shown(opens: datetime, closes: datetime, zone: ZoneInfo) -> list[Interval]:
    """When the clocks of the zone show a time from `opens` until before `closes`: in two pieces where they are put back between."""
    offsets = {wall.replace(tzinfo=zone, fold=fold).utcoffset() or _NONE for wall in (opens, closes) for fold in (0, 1)}
    early, late = (opens - max(offsets)).replace(tzinfo=UTC), (closes - min(offsets)).replace(tzinfo=UTC)
    if len(offsets) == 1:
        return [(early, late)]
    change = _change(early, late, zone)
    before, after = _offset(early, zone), _offset(change, zone)
    first = (opens - before).replace(tzinfo=UTC), min(change, (closes - before).replace(tzinfo=UTC))
    second = max(change, (opens - after).replace(tzinfo=UTC)), (closes - after).replace(tzinfo=UTC)
    pieces = [(start, end) for start, end in (first, second) if start < end]
    if pieces == [first, second] and first[1] == second[0]:
        return [(first[0], second[1])]
    return pieces


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the zone's clocks are changed between these."""
    before = _offset(low, zone)
    while high - low > _SECOND:
        middle = (low + (high - low) // 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or _NONE


def _overlap(left: list[Interval], right: list[Interval]) -> Iterator[Interval]:
    for start, end in left:
        for other_start, other_end in right:
            begin, finish = max(start, other_start), min(end, other_end)
            if begin < finish:
                yield begin, finish
