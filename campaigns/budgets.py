"""Daily budgets: what the insurer's days have taken, and what they have left for a campaign on a channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from campaigns.localdays import first_moment

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import pandas as pd

    from campaigns.definition import Campaign
    from campaigns.policy import ContactPolicy, Limit

Key = tuple[str, str, str]
"""Local day of the insurer (ISO), campaign, channel."""
Amount = tuple[int, float]
"""Messages, and what they cost."""
NOTHING: Amount = (0, 0.0)


@dataclass(frozen=True)
class Spent:
    """Messages reserved and what they cost, by day, campaign and channel. Values that add up; never changed in place."""

    amounts: Mapping[Key, Amount] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str, int, float]]) -> Spent:
        """From rows of (day, campaign, channel, volume, cost); several about the same are added."""
        return cls().plus(rows)

    def plus(self, rows: Iterable[tuple[str, str, str, int, float]]) -> Spent:
        """With more reserved."""
        amounts = dict(self.amounts)
        for day, campaign, medium, volume, cost in rows:
            before = amounts.get((day, campaign, medium), NOTHING)
            amounts[day, campaign, medium] = (before[0] + volume, before[1] + cost)
        return Spent(amounts)

    def taken(self, scope: Literal["campaign", "channel"], day: str, name: str) -> Amount:
        """What a campaign took on all channels, or a channel for all campaigns, on one day."""
        place = 1 if scope == "campaign" else 2
        found = [amount for key, amount in self.amounts.items() if key[0] == day and key[place] == name]
        return sum(volume for volume, _ in found), sum(cost for _, cost in found)


@dataclass(frozen=True)
class Allowance:
    """One limit that holds for a campaign on a channel, and whose it is."""

    scope: Literal["campaign", "channel"]
    name: str
    limit: Limit

    def left(self, spent: Spent, day: str) -> tuple[float, float]:
        """Messages and cost left on a day; infinite where there is no limit."""
        volume, cost = spent.taken(self.scope, day, self.name)
        limit = self.limit
        return (
            float("inf") if limit.volume is None else max(limit.volume - volume, 0),
            float("inf") if limit.cost is None else max(limit.cost - cost, 0.0),
        )


def allowances(campaign: Campaign, policy: ContactPolicy, medium: str) -> list[Allowance]:
    """The limits for this campaign on this channel; a contract notice has none."""
    if campaign.purpose == "contract":
        return []
    found = [Allowance("campaign", campaign.name, campaign.budget)] if campaign.budget else []
    limit = policy.budgets.get(medium)
    return found + ([Allowance("channel", medium, limit)] if limit else [])


def local_days(not_before: pd.Series[pd.Timestamp], now: datetime, zone: ZoneInfo) -> pd.Series[str]:
    """The insurer's local day on which each message is to go, today at the earliest."""
    import numpy as np
    import pandas as pd

    at_once = pd.Timestamp(now).tz_convert(None).to_datetime64()
    codes, distinct = pd.factorize(np.fmax(not_before.to_numpy("datetime64[us]"), at_once))
    days = [each.date().isoformat() for each in pd.DatetimeIndex(distinct, tz="UTC").tz_convert(zone)]
    return pd.Series(pd.array(days, dtype=object).take(codes), index=not_before.index, dtype=object)


def day_after(day: str, zone: ZoneInfo) -> datetime:
    """When the next day begins, in UTC: what waits for a budget is asked again then."""
    from datetime import date, timedelta

    return first_moment(date.fromisoformat(day) + timedelta(days=1), zone)
