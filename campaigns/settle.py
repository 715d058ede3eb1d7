"""The budget's second look: once its words are known, so are the parts of an SMS and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from campaigns.budgets import Spent, allowances, day_after, local_days
from campaigns.compose import Failure, Reservation, turn_down
from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.gate import Verdict
from campaigns.gates.budget import HAIR
from campaigns.scene import Scene
from campaigns.windows import home_zone
from channels.segments import segments

if TYPE_CHECKING:
    import pandas as pd

Row = tuple[str, str, str, int, float]
"""Day, campaign, channel, messages, cost."""


def settle(
    scene: Scene, decisions: Decisions, messages: Sequence[Reservation], campaign: Campaign, spent: Spent
) -> tuple[list[Reservation], list[Row]]:
    """The messages the day still pays for, and what they take of it.

    `spent` is what was taken before this batch. Those the day does not pay for wait for the next one, or are dropped, as
    their limit says.
    """
    if not messages:
        return [], []
    queue = _queue(scene, decisions, messages)
    reasons = _unpaid(scene, queue, campaign, spent)
    unpaid = queue.assign(unpaid=reasons)[(reasons != "").to_numpy(bool)]
    if len(unpaid):
        _put_off(scene, decisions, unpaid, campaign)
    cut, took = set(unpaid["row"]), dict[tuple[str, str], tuple[int, float]]()
    for row, day, medium, cost in zip(*(queue[name].tolist() for name in _PAID), strict=True):
        if row not in cut:
            size, total = took.get((day, medium), (0, 0.0))
            took[day, medium] = (size + 1, total + cost)
    return [message for message in messages if message.row not in cut], [
        (day, campaign.name, medium, size, round(cost, 6)) for (day, medium), (size, cost) in sorted(took.items())
    ]


_PAID = ("row", "budget_day", "medium", "cost")


def costs(messages: Sequence[Reservation], media: Sequence[str], prices: Mapping[str, float]) -> list[float]:
    """What each message costs: an SMS by its parts, others by the piece; nothing where there is no price."""
    return [
        prices.get(medium, 0.0) * (segments(message.parts["sms"]).count if medium == "sms" and prices.get("sms") else 1)
        for message, medium in zip(messages, media, strict=True)
    ]


def _queue(scene: Scene, decisions: Decisions, messages: Sequence[Reservation]) -> pd.DataFrame:
    """One row a message in the order in which they are served within a day: row of the decision, channel, day and cost."""
    import pandas as pd

    rows = [message.row for message in messages]  # ascending: decisions are in order of customer, subject and occasion
    table = decisions.table
    media = table["medium"].to_numpy()[rows]
    days = local_days(table["not_before"].iloc[rows], scene.now, home_zone(scene.rules.timezone)).to_numpy()
    spending = costs(messages, media.tolist(), scene.rules.prices)
    return pd.DataFrame({"row": rows, "medium": media, "budget_day": days, "cost": spending})


def _unpaid(scene: Scene, queue: pd.DataFrame, campaign: Campaign, spent: Spent) -> pd.Series[str]:
    """The reason for which each message cannot be paid; the channel's limits first, the campaign's for what is left."""
    import pandas as pd

    reason = pd.Series("", index=queue.index, dtype=object)
    found = {m: allowances(campaign, scene.rules.policy, m) for m in queue["medium"].unique()}
    limits = {(each.scope, each.name): each for all_ in found.values() for each in all_ if each.limit.cost is not None}
    for (scope, name), allowance in sorted(limits.items(), key=lambda each: each[0][0] != "channel"):
        asked = queue[(reason == "") & ((queue["medium"] == name) | (scope == "campaign"))]
        left = asked["budget_day"].map({day: allowance.left(spent, day)[1] for day in asked["budget_day"].unique()})
        over = asked.groupby("budget_day", sort=False)["cost"].cumsum() > left.astype(float) + HAIR
        reason[asked.index[over & (asked["cost"] > 0)]] = f"{scope}_cost"
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
