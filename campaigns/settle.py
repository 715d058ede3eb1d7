"""The budget's second look: once its words are known, so are the parts of an SMS and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from campaigns.budgets import Allowance, Spent, allowances, day_after, local_days
from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.failures import Failure, turn_down
from campaigns.gate import Verdict
from campaigns.gates.budget import HAIR
from campaigns.messages import Messages
from campaigns.scene import Scene
from campaigns.windows import home_zone
from channels.segments import segments

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Row = tuple[str, str, str, int, float]
"""Day, campaign, channel, messages, cost."""


def settle(
    scene: Scene, decisions: Decisions, messages: Messages, campaign: Campaign, spent: Spent
) -> tuple[Messages, list[Row]]:
    """The messages the day still pays for, and what they take of it.

    `spent` is what was taken before this batch. Those the day does not pay for wait for the next one, or are dropped, as
    their limit says.
    """
    if not len(messages):
        return messages, []
    table, zone = decisions.table, home_zone(scene.rules.timezone)
    media = table["medium"].to_numpy(object)[messages.row]
    days = local_days(table["not_before"].iloc[messages.row], scene.now, zone).to_numpy()
    spending = costs(messages, media, scene.rules.prices)
    limits = _limits(scene, campaign, media)
    if limits:
        queue = _queue(messages, media, days, spending)
        queue["unpaid"] = _unpaid(queue, limits, spent)
        paid = (queue["unpaid"] == "").to_numpy(bool)
        if not paid.all():
            _put_off(scene, decisions, queue[~paid], campaign)
            messages, media, days, spending = messages.only(paid), media[paid], days[paid], spending[paid]
    return messages, _taken(campaign, days, media, spending)


def _taken(campaign: Campaign, days: np.ndarray, media: np.ndarray, spending: np.ndarray) -> list[Row]:
    """What messages take of each day on each channel."""
    import numpy as np
    import pandas as pd

    day, day_names = pd.factorize(days, sort=True)
    medium, media_names = pd.factorize(media, sort=True)
    both = day * len(media_names) + medium
    sizes, sums = np.bincount(both), np.bincount(both, spending)
    rows = ((*divmod(number, len(media_names)), number) for number in np.flatnonzero(sizes).tolist())
    return [
        (day_names[day], campaign.name, media_names[medium], int(sizes[number]), round(float(sums[number]), 6))
        for day, medium, number in rows
    ]


def costs(messages: Messages, media: np.ndarray, prices: Mapping[str, float]) -> np.ndarray:
    """What each message costs: an SMS by its parts, others by the piece; nothing where there is no price."""
    import numpy as np

    spending = np.zeros(len(messages))
    for medium, price in prices.items():
        places = np.flatnonzero(media == medium)
        spending[places] = [price * segments(text).count for text in messages.sms[places]] if medium == "sms" else price
    return spending


def _queue(messages: Messages, media: np.ndarray, days: np.ndarray, spending: np.ndarray) -> pd.DataFrame:
    """One row a message in the order in which they are served within a day: row of the decision, channel, day and cost."""
    import pandas as pd

    rows = messages.row  # ascending: decisions are in order of customer, subject and occasion
    medium, day = (pd.Series(each, dtype=object) for each in (media, days))
    return pd.DataFrame({"row": rows, "medium": medium, "budget_day": day, "cost": spending})


def _limits(scene: Scene, campaign: Campaign, media: np.ndarray) -> list[Allowance]:
    """What bounds the cost of these channels: the channels' limits first, the campaign's for what is left."""
    found = [
        each for medium in dict.fromkeys(media.tolist()) for each in allowances(campaign, scene.rules.policy, medium)
    ]
    limits = {(each.scope, each.name): each for each in found if each.limit.cost is not None}
    return sorted(limits.values(), key=lambda each: each.scope != "channel")


def _unpaid(queue: pd.DataFrame, limits: Sequence[Allowance], spent: Spent) -> pd.Series[str]:
    """The reason for which each message cannot be paid, by the first limit that does not."""
    import pandas as pd

    reason = pd.Series("", index=queue.index, dtype=object)
    for limit in limits:
        asked = queue[(reason == "") & ((queue["medium"] == limit.name) | (limit.scope == "campaign"))]
        left = asked["budget_day"].map({day: limit.left(spent, day)[1] for day in asked["budget_day"].unique()})
        over = asked.groupby("budget_day", sort=False)["cost"].cumsum() > left.astype(float) + HAIR
        reason[asked.index[over & (asked["cost"] > 0)]] = f"{limit.scope}_cost"
    return reason


def _put_off(scene: Scene, decisions: Decisions, unpaid: pd.DataFrame, campaign: Campaign) -> None:
    """Decide them anew: they wait for the next day, or are dropped."""
    zone, policy = home_zone(scene.rules.timezone), scene.rules.policy
    failures = []
    for row, medium, day, reason, cost in unpaid[["row", "medium", "budget_day", "unpaid", "cost"]].itertuples(
        index=False
    ):
        limit = next(a.limit for a in allowances(campaign, policy, medium) if reason.startswith(a.scope))
        waits = limit.over != "drop"  # another channel would need other words: it waits, and is asked again
        until = day_after(day, zone) if waits else None
        failures.append(
            Failure(row, reason, f"costs {cost:g} on {day}", "budget", Verdict.HOLD if waits else Verdict.REFUSE, until)
        )
    turn_down(decisions, failures)
