"""The report on the service: indices, falls and topics of a period, as plain values."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from recommender.quality.answers import Unread
from recommender.quality.falls import falls
from recommender.quality.indices import indices
from recommender.quality.scales import SCALES
from recommender.quality.topics import topics

if TYPE_CHECKING:
    import duckdb


def quality(
    db: duckdb.DuckDBPyConnection,
    unread: Unread,
    since: datetime,
    until: datetime,
    recent: datetime,
    *,
    of_region: int,
) -> dict[str, Any]:
    """From the table `survey_answers`: everything said from `since` until before `until`.

    Falls compare what came from `recent` on with what came before it.
    """
    whole = indices(db, since, until, of_region=of_region)
    before, now = (indices(db, *span, of_region=of_region) for span in ((since, recent), (recent, until)))
    return {
        "from": since.isoformat(),
        "to": until.isoformat(),
        "recent_from": recent.isoformat(),
        "indices": [each.as_dict() for each in whole],
        "falls": [each.as_dict() for each in falls(before, now)],
        "topics": {name: _topics(db, name, since, until) for name in SCALES},
        "set_aside": {
            "unknown_kind": unread.unknown_kind, "no_number": unread.no_number, "off_scale": unread.off_scale,
        },
    }  # fmt: skip


def _topics(db: duckdb.DuckDBPyConnection, name: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    rows = db.execute(
        f"""select comment, {SCALES[name].sql} from survey_answers
             where kind = $kind and comment is not null and answered_at >= $since and answered_at < $until order by event_id""",  # noqa: S608
        {"kind": name, "since": since, "until": until},
    ).fetchall()
    comments, marks = [row[0] for row in rows], [float(row[1]) for row in rows]
    return [topic.as_dict() for topic in topics(comments, marks)]
