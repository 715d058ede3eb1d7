"""Has the customer heard from us often enough?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, Verdict
from campaigns.policy import Cap as Rule

if TYPE_CHECKING:
    import pandas as pd


def _in_window(index: int, rule: Rule) -> str:
    """Contacts a rule counts, by customer; names of channels and purposes come from closed lists."""
    channels = ", ".join(f"'{name}'" for name in rule.channels)
    purposes = ", ".join(f"'{name}'" for name in rule.purposes)
    of_channel = f"medium in ({channels})" if channels else "true"
    of_purpose = f"purpose in ({purposes})" if purposes else "false"
    return f"""
        left join (
            select customer_id, count(*) as n, min("at") as since from contacts
             where "at" > $now::timestamptz - to_seconds({rule.period.total_seconds():.0f}) and {of_channel} and {of_purpose}
             group by 1) k{index} on k{index}.customer_id = b.customer_id"""


class Cap(Gate):
    """Counts reservations of all campaigns in rolling windows, the rows before in the same table included."""

    name = "cap"
    order = 50
    scope = "channel"
    reasons: ClassVar = {"cap_met": "the customer has had as many contacts as the contact policy allows in the period"}

    def evidence(self, case: Case) -> str | None:
        """Per rule that applies: contacts in its window, and the first of them."""
        parts = [_in_window(index, rule) for index, rule in self._rules(case)]
        columns = "".join(
            f", coalesce(k{index}.n, 0) as cap_{index}, k{index}.since as cap_since_{index}"
            for index, _ in self._rules(case)
        )
        return f"select b.moment_id{columns} from batch b {' '.join(parts)}" if parts else None

    @staticmethod
    def _rules(case: Case) -> list[tuple[int, Rule]]:
        return [
            (index, rule)
            for index, rule in enumerate(case.policy.caps)
            if case.campaign.purpose in rule.purposes and (not rule.channels or case.medium.name in rule.channels)
        ]

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Rows beyond the room that is left are dropped, held until there is room, or sent to the next channel."""
        import numpy as np

        size = len(table)
        verdict = np.zeros(size, dtype=np.int8)
        reason = np.full(size, "", dtype=object)
        seen = np.full(size, "", dtype=object)
        until = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]")
        before = table.groupby("customer_id", sort=False).cumcount().to_numpy()
        outcome = Verdict.HOLD if case.campaign.cap == "hold" else Verdict.REFUSE
        rules = self._rules(case)
        for index, rule in rules:
            count = table[f"cap_{index}"].to_numpy(dtype=np.int64) + before
            hit = count >= rule.max
            words = np.char.add(count.astype(str), f" in {rule.per}").astype(object)
            seen = np.where(hit | (seen == ""), words, seen)
            free = table[f"cap_since_{index}"].fillna(case.now).dt.tz_convert("UTC").dt.tz_localize(None)
            frees = free.to_numpy(dtype="datetime64[us]") + np.timedelta64(rule.period)
            until = np.where(hit, np.fmax(until, frees), until)
            verdict[hit] = outcome
            reason[hit] = "cap_met"
        asked = "; ".join(
            f"under {rule.max} per {rule.per} on {'/'.join(rule.channels) or 'any channel'}" for _, rule in rules
        )
        return Judgement(
            verdict, reason, seen, asked or "no cap applies", until=until, final=case.campaign.cap != "next"
        )
