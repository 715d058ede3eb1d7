"""What has arrived, as far as it tells which campaigns to ask: most events concern few of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.definition import Campaign

ALWAYS = frozenset({"policy_renewed", "policy_bought", "bereavement"})
"""Events that may withdraw messages of any campaign."""


@dataclass(frozen=True)
class News:
    """Types of the events that arrived, where nothing but events did; anything else may concern everybody."""

    types: frozenset[str]
    only_events: bool

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> News:
        """What rows of these views are."""
        types = frozenset(str(row.get("type")) for row in rows.get("events", ()))
        return cls(types, set(rows) <= {"events"})

    def begins(self, campaign: Campaign) -> bool:
        """Whether a moment of the campaign may have begun."""
        return not self.only_events or campaign.trigger.begun_by(self.types)

    def ends(self, campaign: Campaign) -> bool:
        """Whether a message of the campaign that waits may have become wrong."""
        goal = {campaign.goal.event} if campaign.goal else set()
        return not self.only_events or bool(self.types & (ALWAYS | goal)) or campaign.trigger.ended_by(self.types)
