"""The budget's second look: once its words are known, so are the parts of an SMS and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from campaigns.budgets import Allowance, Spent, allowances, day_after, local_days
from campaigns.compose import Failure, Messages, turn_down
from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.gate import Verdict
from campaigns.gates.budget import HAIR
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
    import numpy as np

    if not len(messages):
        return messages, []
    queue = _queue(scene, decisions, messages)
    limits = _limits(scene, campaign, queue["medium"].unique())
    if limits:
        reasons = _unpaid(queue, limits, spent)
        paid = (reasons == "").to_numpy(bool)
        if not paid.all():
            _put_off(scene, decisions, queue.assign(unpaid=reasons)[~paid], campaign)
            messages, queue = messages.only(np.flatnonzero(paid)), queue[paid]
    return messages, _taken(queue, campaign)


def _taken(queue: pd.DataFrame, campaign: Campaign) -> list[Row]:
    """What messages take of each day on each channel."""
    import numpy as np
    import pandas as pd

    days, day_names = pd.factorize(queue["budget_day"], sort=True)
    media, media_names = pd.factorize(queue["medium"], sort=True)
    both = days * len(media_names) + media
    sizes, spending = np.bincount(both), np.bincount(both, queue["cost"])
    return [
        (
            day_names[n // len(media_names)],
            campaign.name,
            media_names[n % len(media_names)],
            int(sizes[n]),
            round(float(spending[n]), 6),
        )
        for n in np.flatnonzero(sizes).tolist()
    ]


def costs(messages: Messages, media: np.ndarray, prices: Mapping[str, float]) -> np.ndarray:
    """What each message costs: an SMS by its parts, others by the piece; nothing where there is no price."""
    import numpy as np

    spending = np.zeros(len(messages))
    for medium, price in prices.items():
        places = np.flatnonzero(media == medium)
        spending[places] = [price * segments(text).count for text in messages.sms[places]] if medium == "sms" else price
    return spending


def _queue(scene: Scene, decisions: Decisions, messages: Messages) -> pd.DataFrame:
    """One row a message in the order in which they are served within a day: row of the decision, channel, day and cost."""
    import pandas as pd

    rows = messages.row  # ascending: decisions are in order of customer, subject and occasion
    table = decisions.table
    media = table["medium"].to_numpy(object)[rows]
    days = local_days(table["not_before"].iloc[rows], scene.now, home_zone(scene.rules.timezone)).to_numpy()
    spending = costs(messages, media, scene.rules.prices)
    columns = {
        "row": rows,
        "medium": pd.Series(media, dtype=object),
        "budget_day": pd.Series(days, dtype=object),
        "cost": spending,
    }
    return pd.DataFrame(columns)


def _limits(scene: Scene, campaign: Campaign, media: Iterable[str]) -> list[Allowance]:
    """What bounds the cost of these channels: the channels' limits first, the campaign's for what is left."""
    found = [each for medium in media for each in allowances(campaign, scene.rules.policy, medium)]
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
