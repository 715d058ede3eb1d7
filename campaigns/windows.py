"""Local hours in which one may write: windows that cross midnight, both ends of daylight saving, holidays, unknown zones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from campaigns.definition import Campaign
from campaigns.policy import ContactPolicy, Hours
from channels.contract import Profile

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

    Days are the local days of `zone`; what a skipped day loses is the window that *opens* on it.
    """
    common: list[Interval] = [(now.astimezone(UTC), until.astimezone(UTC))]
    for rule in rules:
        common = list(_overlap(common, list(_windows(rule, now, until, zone, calendar))))
    return common[0] if common else None


def _windows(
    rule: Hours, now: datetime, until: datetime, zone: ZoneInfo, calendar: Calendar | None
) -> Iterator[Interval]:
    day = now.astimezone(zone).date() - timedelta(days=1)
    last = until.astimezone(zone).date()
    while day <= last:
        if not _skipped(rule, day, calendar):
            closing = day if rule.closes > rule.opens else day + timedelta(days=1)
            yield _instant(day, rule.opens, zone), _instant(closing, rule.closes, zone)
        day += timedelta(days=1)


def _skipped(rule: Hours, day: date, calendar: Calendar | None) -> bool:
    free = day.weekday() >= 5 if calendar is None else not calendar.works(day)
    if rule.weekends == "skip" and free:
        return True
    return rule.holidays == "skip" and calendar is not None and calendar.holiday(day)


def _instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _overlap(left: list[Interval], right: list[Interval]) -> Iterator[Interval]:
    for start, end in left:
        for other_start, other_end in right:
            begin, finish = max(start, other_start), min(end, other_end)
            if begin < finish:
                yield begin, finish


class Calendar:
    """Working days and public holidays of a country. Years it does not know in full have only their fixed holidays."""

    def __init__(self, country: str) -> None:
        import holidays

        self._known = holidays.country_holidays(country)

    def works(self, day: date) -> bool:
        """Whether people work on this day: no on weekends and holidays, yes on a weekend day that makes up for a bridge day."""
        return bool(self._known.is_working_day(day))

    def holiday(self, day: date) -> bool:
        """Whether the day belongs to a public holiday: one itself, or a free day joined to one without a working day between."""
        if self.works(day):
            return False
        return any(self._joined(day, step) for step in (timedelta(days=1), timedelta(days=-1)))

    def _joined(self, day: date, step: timedelta) -> bool:
        while not self.works(day):
            if day in self._known:
                return True
            day += step
        return False


@cache
def calendar_of(country: str) -> Calendar | None:
    """The calendar of a country code; None where none is named."""
    return Calendar(country) if country else None
