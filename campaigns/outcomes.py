"""What customers did after a moment: goals reached within their window, for treated and held-out alike."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.ledger.ledger import seconds

if TYPE_CHECKING:
    import pyarrow as pa

    from triggers.facts import Facts

ROWS = 100_000
LATE = 30 * 86_400
"""Seconds for which an event may come to be known after its window closed, and still count: some exports come once a month."""

_REACHED = """
    select w.moment_id, e.event_id, e.type, epoch(e.occurred_at)::bigint as reached_at
      from watched w join events e on e.customer_id = w.customer_id and e.type = $goal
     where epoch(e.occurred_at) >= w.due_at and epoch(e.occurred_at) < w.until
       and (not $of_subject or (w.policy_id is null and w.claim_id is null)
            or e.subject_id is null or e.subject_id in (w.policy_id, w.claim_id))
     order by all"""


def record_outcomes(campaign: Campaign, facts: Facts, ledger: Ledger) -> int:
    """Write down the goals reached since, for treated and held-out alike; a goal already known is left. How many were new.

    Each event is written to every moment it counts for; `campaigns.measure` counts it once.
    """
    if not campaign.goal:
        return 0
    window = seconds(facts.now) - seconds(campaign.goal.within.before(facts.now))
    looked = ledger.store.one("looked_at", key=f"outcomes:{campaign.name}")
    # a window that closed since the last look still has its last stretch unread, and what happened in it may be told late
    since = min(int(looked[0]) if looked else seconds(facts.now), seconds(facts.now)) - window - LATE
    after, new = 0, 0
    while rows := ledger.store.all("goal_watch", campaign=campaign.name, since=since, after=after, limit=ROWS):
        after = rows[-1][0]
        facts.db.register("watched", _watched(rows, window))
        found = facts.db.execute(
            _REACHED, {"goal": campaign.goal.event, "of_subject": campaign.goal.of == "subject"}
        ).fetchall()
        new += ledger.store.repeat(partial(ledger.store.many, "outcome", found))
    with ledger.store.transaction():
        ledger.store.run("look", {"key": f"outcomes:{campaign.name}", "now": seconds(facts.now)})
    return new


def _watched(rows: list[tuple[Any, ...]], window: int) -> pa.Table:
    """Moments with the second until which their goal counts."""
    import pyarrow as pa

    moment_ids, customers, policies, claims, due = zip(*rows, strict=True)
    return pa.table(
        {
            "moment_id": pa.array(moment_ids, pa.int64()),
            "customer_id": pa.array(customers, pa.string()),
            "policy_id": pa.array(policies, pa.string()),
            "claim_id": pa.array(claims, pa.string()),
            "due_at": pa.array(due, pa.int64()),
            "until": pa.array([at + window for at in due], pa.int64()),
        }
    )
