"""Is there an address for this channel?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd


class Reachable(Gate):
    """Customers without an address on this channel. Asked before the holdout, so that both arms hold only people one could reach."""

    name = "reachable"
    order = 25
    scope = "channel"
    reasons: ClassVar = {
        "no_address": "the customer has no usable address on this channel",
        "unknown_customer": "the customer is no longer in the customers view",
    }

    def evidence(self, case: Case) -> str | None:
        """The customer's address on this channel, language and zone."""
        return f"""
            select b.moment_id, nullif(trim(c."{case.medium.address}"), '') as address, c.locale, c.timezone,
                   c.customer_id is null as reachable_unknown
              from batch b left join customers c using (customer_id)"""

    def judge(self, table: pd.DataFrame, case: Case) -> Judgement:
        """Refuse where the address is missing."""
        return judged(
            table,
            f"{case.medium.address} known",
            [
                ("unknown_customer", table["reachable_unknown"], "no such customer"),
                ("no_address", table["address"].isna(), f"no {case.medium.address}"),
            ],
            seen="known",
        )
