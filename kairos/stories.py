"""Why, for one customer: the workspace opened, the campaigns asked."""

from __future__ import annotations

from datetime import datetime

from campaigns.why import Story, why
from kairos.errors import KairosError
from kairos.inspection import runnable
from kairos.workspace import Workspace


def stories(place: Workspace, customer_id: str, campaign: str | None, now: datetime) -> list[Story]:
    """One story per campaign (or for the one named), as of `now`. Raises KairosError for a campaign there is not."""
    with place.facts(now) as facts, place.ledger() as ledger:
        campaigns, _ = runnable(place, facts.columns)
        chosen = [each for each in campaigns if campaign in (None, each.name)]
        if not campaigns:
            raise KairosError(f"{place.folder} has no sound campaign; see `kairos lint -w {place.folder}`")
        if not chosen:
            known = ", ".join(each.name for each in campaigns)
            raise KairosError(f"there is no sound campaign {campaign!r}; known: {known}; see `kairos lint`")
        return why(customer_id, chosen, facts, ledger, now)
