"""Is there anything left today of what the campaign and the channel may take?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.budgets import Spent, allowances, day_after, local_days
from campaigns.gate import Case, Gate, Judgement, Verdict
from campaigns.windows import home_zone

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from campaigns.docket import Docket

ORDER = ["budget_day", "customer_id", "subject", "occasion"]
"""Who is served first: as batches come, so that how they are cut changes nothing. Value first is arbitration's part."""

HAIR = 1e-9
"""Sums of prices are not exact; a message that just fits, fits."""


class Budget(Gate):
    """Daily volume and cost of the campaign and of the channel, counted on the insurer's day on which the message is to go.

    An SMS is reckoned with one part here; `campaigns.settle` looks again when its words are known.
    """

    name = "budget"
    order = 80
    scope = "channel"
    reasons: ClassVar = {
        "campaign_volume": "the campaign has sent as many messages as it may on that day",
        "campaign_cost": "the campaign has spent what it may on that day",
        "channel_volume": "the channel has carried as many messages as it may on that day",
        "channel_cost": "the channel has cost what it may on that day",
    }

    def applies(self, case: Case) -> bool:
        """Where the campaign or the channel has a limit; never for contract notices."""
        return bool(allowances(case.campaign, case.policy, case.medium.name))

    def rule(self, case: Case) -> str:
        """What the days may take."""
        limits = allowances(case.campaign, case.policy, case.medium.name)
        return "; ".join(_told(each.scope, each.limit.volume, each.limit.cost) for each in limits)

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Rows beyond what is left wait for the next day, are dropped, or try the next channel."""
        import numpy as np

        size = len(table)
        verdict, reason, seen = np.zeros(size, dtype=np.int8), np.full(size, "", object), np.full(size, "", object)
        until, final = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]"), np.ones(size, dtype=bool)
        for case, rows in docket.apart(table):  # those who share an allowance are of one case (`campaigns.waves`)
            own = self._judged(table.iloc[rows], case)
            verdict[rows], reason[rows], seen[rows], until[rows] = own.verdict, own.reason, own.seen, own.until
            final[rows] = own.final
        return Judgement(verdict, reason, seen, until=until, final=final)

    @staticmethod
    def _judged(table: pd.DataFrame, case: Case) -> Judgement:
        """The rows of one case."""
        import numpy as np
        import pandas as pd

        zone, size = home_zone(case.timezone), len(table)
        days = local_days(table["not_before"], case.now, zone)
        place = _places(table, days)
        verdict, reason = np.zeros(size, dtype=np.int8), np.full(size, "", dtype=object)
        final = np.ones(size, dtype=bool)
        price, spent = case.prices.get(case.medium.name, 0.0), case.spent or Spent()
        seen = np.full(size, "", dtype=object)
        for allowance in allowances(case.campaign, case.policy, case.medium.name):
            lefts = {day: allowance.left(spent, day) for day in days.unique()}
            volume, cost = (days.map({day: left[at] for day, left in lefts.items()}).to_numpy(float) for at in (0, 1))
            limit = allowance.limit
            for name, hits in (("volume", place >= volume), ("cost", (place + 1) * price > cost + HAIR)):
                new = hits & (verdict == Verdict.PASS)
                verdict[new] = Verdict.HOLD if limit.over == "wait" else Verdict.REFUSE
                reason[new] = f"{allowance.scope}_{name}"
                final[new] = allowance.scope == "campaign" or limit.over != "next"
            taken = days.map({day: spent.taken(allowance.scope, day, allowance.name)[0] for day in lefts}).to_numpy(int)
            number = np.char.add(f"{allowance.scope}'s number ", (taken + place + 1).astype(str)).astype(object)
            seen = seen + np.where(seen == "", "", ", ") + number
        untils = days.map({day: day_after(day, zone) for day in days.unique()})
        until = pd.to_datetime(untils, utc=True).dt.tz_localize(None).to_numpy("datetime64[us]")
        seen = seen + " on " + days.to_numpy(object)
        return Judgement(verdict, reason, seen, until=until, final=final)


def _places(table: pd.DataFrame, days: pd.Series[str]) -> np.ndarray:
    """The place of each row in its day's queue, from 0."""
    queue = table.assign(budget_day=days).sort_values(ORDER, kind="stable")
    places: np.ndarray = queue.groupby("budget_day", sort=False).cumcount().reindex(table.index).to_numpy()
    return places


def _told(scope: str, volume: int | None, cost: float | None) -> str:
    parts = ([f"{volume} messages"] if volume is not None else []) + ([f"cost {cost:g}"] if cost is not None else [])
    return f"the {scope}'s day: {' and '.join(parts)}"
