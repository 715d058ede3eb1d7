"""Answers to surveys as one table: from the insurer's events and from calls, each readable one once, the others counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from recommender.quality.scales import SCALES

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EVENT = "survey_answered"
FROM_EVENTS, FROM_CALLS = "csat", "nps"
"""What an answer is to that does not say so (`properties.kind`): events carry 1 to 5, call results 0 to 10."""

_SAID = f"""
    select e.event_id, e.customer_id, e.occurred_at as answered_at, coalesce(e.channel, '') as channel, '{FROM_EVENTS}' as usual,
           json_extract_string(try_cast(e.properties as json), '$.kind') as said,
           json_extract_string(try_cast(e.properties as json), '$.score') as score,
           json_extract_string(try_cast(e.properties as json), '$.comment') as comment
      from events e where e.type = $event and e.occurred_at <= $now
    union all
    select c.event_id, c.customer_id, c."at", 'ai_outbound', '{FROM_CALLS}', null, json_extract_string(c.detail, '$.score'), null
      from called c where c."at" <= $now and not exists (select 1 from events e where e.event_id = c.event_id)"""  # noqa: S608 - own text
_READ = f"""
    create or replace temp table survey_answers as
    select s.event_id, s.customer_id, s.answered_at, s.channel, coalesce(lower(s.said), s.usual) as kind,
           try_cast(s.score as double) as score,
           nullif(trim(s.comment), '') as comment, coalesce(k.campaign, '') as campaign, coalesce(c.region_code, '') as region,
           coalesce(c.agent_id, '') as agent
      from ({_SAID}) s left join asked k using (event_id) left join customers c on c.customer_id = s.customer_id"""  # noqa: S608
_IN_SCALE = " or ".join(
    f"(kind = '{each.name}' and score between {each.low} and {each.high})" for each in SCALES.values()
)


@dataclass(frozen=True)
class Unread:
    """Answers that could not be used, by reason."""

    unknown_kind: int
    no_number: int
    off_scale: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.unknown_kind + self.no_number + self.off_scale


def lay_out(db: duckdb.DuckDBPyConnection, called: pa.Table, asked: pa.Table, now: datetime) -> Unread:
    """Make the table `survey_answers` (event_id, customer_id, answered_at, channel, kind, score, comment, campaign, region, agent).

    `called`: answers given on calls (event_id, customer_id, at, detail: a JSON object with the score). `asked`: event_id and the campaign
    that had asked. What no scale knows is set aside and counted.
    """
    db.register("called", called)
    db.register("asked", asked)
    db.execute(_READ, {"event": EVENT, "now": now})
    known = ", ".join(f"'{name}'" for name in SCALES)
    unknown, no_number, off = db.execute(
        f"""select count(*) filter (kind not in ({known})), count(*) filter (kind in ({known}) and score is null),
                   count(*) filter (kind in ({known}) and score is not null and not ({_IN_SCALE})) from survey_answers"""  # noqa: S608
    ).fetchall()[0]
    db.execute(f"delete from survey_answers where kind not in ({known}) or score is null or not ({_IN_SCALE})")  # noqa: S608
    for name in ("called", "asked"):
        db.unregister(name)
    return Unread(int(unknown), int(no_number), int(off))


def keep_only(db: duckdb.DuckDBPyConnection, campaign: str) -> None:
    """Drop the answers this campaign had not asked for from `survey_answers`."""
    db.execute("delete from survey_answers where campaign <> $campaign", {"campaign": campaign})
