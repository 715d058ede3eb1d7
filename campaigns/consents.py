"""What customers tell Kairos itself about being contacted, each word with its evidence.

The gate `consent` adds it to the insurer's records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds

Kind = Literal["consent", "call_refusal"]


@dataclass(frozen=True)
class Statement:
    """One yes or no. `statement_id` is the same whenever the same word is brought again.

    A `call_refusal` is a no to calls that lasts for the policy's term; a `consent` no lasts until it is taken back.
    """

    statement_id: str
    customer_id: str
    purpose: str
    medium: str
    granted: bool
    at: datetime
    expires_at: datetime | None = None
    text_version: str = ""
    evidence: str = ""
    kind: Kind = "consent"
    source: str = "desk"

    def values(self) -> dict[str, object]:
        """Parameters of `tell`. Raises ValueError for an instant without a zone."""
        return {
            **vars(self),
            "granted": int(self.granted),
            "at": seconds(self.at),
            "expires_at": seconds(self.expires_at) if self.expires_at else None,
        }


def tell(ledger: Ledger, statements: Sequence[Statement]) -> int:
    """Write statements down, all or none; the number of those that were new."""
    rows = [statement.values() for statement in statements]
    return ledger.store.repeat(lambda: ledger.store.many("tell", rows))
