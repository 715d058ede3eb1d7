"""Is there an address for this channel?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from campaigns.gate import Case, Gate, Judgement, judged

if TYPE_CHECKING:
    import pandas as pd

    from campaigns.docket import Docket


class Reachable(Gate):
    """Customers without an address on this channel. Asked before the holdout, so that both arms hold only people one could reach."""

    name = "reachable"
    order = 25
    scope = "channel"
    reasons: ClassVar = {
        "no_address": "the customer has no usable address on this channel",
        "unknown_customer": "the customer is no longer in the customers view",
    }

    def evidence(self, docket: Docket) -> str | None:
        """The customer's address on the row's channel, language and zone."""
        media = {case.medium.name: case.medium.address for case in docket.cases.values()}
        address = " ".join(f"when '{name}' then c.\"{column}\"" for name, column in sorted(media.items()))
        return f"""
            select b.place, nullif(trim(case b.medium {address} end), '') as address, c.locale, c.timezone,
                   c.customer_id is null as reachable_unknown
              from batch b left join customers c using (customer_id)"""

    def rule(self, case: Case) -> str:
        """The column it takes."""
        return f"{case.medium.address} known"

    def judge(self, table: pd.DataFrame, docket: Docket) -> Judgement:
        """Refuse where the address is missing."""
        missing = docket.of(table, lambda case: f"no {case.medium.address}")
        return judged(
            table,
            [
                ("unknown_customer", table["reachable_unknown"], "no such customer"),
                ("no_address", table["address"].isna(), missing),
            ],
            seen="known",
        )
