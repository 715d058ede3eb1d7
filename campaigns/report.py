"""What became of all moments, campaign by campaign: the numbers every report shows, and the law they must obey."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from campaigns.ledger import Ledger

STATUSES = ("sent", "pending", "held_out", "held", "refused", "expired", "retracted")


@dataclass
class Funnel:
    """One campaign's moments by status, refusals and the like by reason, messages by channel and state."""

    campaign: str
    moments: int = 0
    statuses: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    reasons: dict[str, int] = field(default_factory=dict)
    messages: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        """moments = sent + pending + held out + held + refused + expired + retracted."""
        return self.moments == sum(self.statuses.values())

    def as_dict(self) -> dict[str, Any]:
        """The funnel for `--json`."""
        return {
            "campaign": self.campaign,
            "moments": self.moments,
            **self.statuses,
            "reasons": self.reasons,
            "messages": self.messages,
            "conserved": self.conserved,
        }


def funnels(ledger: Ledger) -> dict[str, Funnel]:
    """The funnel of every campaign that ever had a moment, by name."""
    with ledger.store.snapshot():
        return _funnels(ledger)


def _funnels(ledger: Ledger) -> dict[str, Funnel]:
    found: dict[str, Funnel] = {}
    for campaign, moments in sorted(ledger.store.all("count_moments")):
        found[campaign] = Funnel(campaign, moments)
    for campaign, status, count in ledger.store.all("count_statuses"):
        found[campaign].statuses[status] = count
    for campaign, _verdict, gate, reason, count in sorted(ledger.store.all("count_reasons"), key=lambda row: -row[4]):
        found[campaign].reasons[f"{gate}.{reason}"] = count
    for campaign, medium, state, count in ledger.store.all("count_messages"):
        found[campaign].messages.setdefault(medium, {})[state] = count
    return found
