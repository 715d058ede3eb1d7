"""What customers say of the service: the workspace opened, answers of events and of calls brought together, told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaigns.ledger import Ledger
from kairos.errors import KairosError
from kairos.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

PROVINCE = 2
"""Characters of a region code that make a region: a province of GB/T 2260, a country of ISO 3166-2."""


def service_quality(
    place: Workspace,
    now: datetime,
    *,
    days: int,
    recent: int,
    of_region: int,
    campaign: str | None,
    scores: Path | None,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """The report on `days` days up to `now`; falls compare the last `recent` of them with those before.

    `scores`: where each customer's last answer is written. Raises KairosError where the periods leave nothing to compare.
    """
    from recommender.quality.answers import keep_only, lay_out
    from recommender.quality.customers import write_scores
    from recommender.quality.report import quality

    if not 0 < recent < days:
        raise KairosError(
            f"the last {recent} of {days} days leave nothing to compare with: give `--days` more than `--recent`"
        )
    with place.facts(now, progress) as facts, place.ledger() as ledger:
        unread = lay_out(facts.db, *_of_ledger(ledger), now)
        written = write_scores(facts.db, scores) if scores is not None else 0
        if campaign is not None:
            keep_only(facts.db, campaign)
        since, after = now - timedelta(days=days), now + timedelta(microseconds=1)
        told = quality(facts.db, unread, since, after, now - timedelta(days=recent), of_region=of_region)
    return {"insurer": place.settings.insurer, **told, **({"scores": written} if scores is not None else {})}


def _of_ledger(ledger: Ledger) -> tuple[pa.Table, pa.Table]:
    """Answers given on calls, and which campaign had asked for an answer."""
    import pyarrow as pa

    from recommender.quality.answers import EVENT

    texts = pa.string()
    called = ledger.store.all("call_answers", event=EVENT)
    asked = ledger.store.all("asked_surveys", event=EVENT)
    ids, customers, at, details = zip(*called, strict=True) if called else ((), (), (), ())
    events, campaigns = zip(*asked, strict=True) if asked else ((), ())
    return (
        pa.table(
            {
                "event_id": pa.array(ids, texts),
                "customer_id": pa.array(customers, texts),
                "at": pa.array(at, pa.int64()).cast(pa.timestamp("s", "UTC")),
                "detail": pa.array(details, texts),
            }
        ),
        pa.table({"event_id": pa.array(events, texts), "campaign": pa.array(campaigns, texts)}),
    )
