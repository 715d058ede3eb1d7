"""Facts from rows written in a test, read by the very path the insurer's files take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from triggers.facts import Facts, open_facts
from triggers.sources import RowSource, Sources
from triggers.views import VIEWS
from triggers.workdays import Calendar

Rows = Sequence[Mapping[str, Any]]


def facts(
    now: datetime | str,
    *,
    timezone: str = "Asia/Shanghai",
    default_phone_region: str = "CN",
    calendar: Calendar | None = None,
    versions: bool = False,
    **tables: Rows,
) -> Facts:
    """In-memory facts as known at `now` (ISO text or datetime; naive ones are local to `timezone`).

    Each keyword is a canonical view, each row a mapping of its columns; columns may be left out and others added,
    values are checked and cast as if they came from a file. A view not named has no source: references to it are not
    checked. `calendar` says on which days people work, Monday to Friday where it is None.
    """
    unknown = set(tables) - set(VIEWS)
    if unknown:
        raise ValueError(f"no such views: {', '.join(sorted(unknown))}")
    moment = datetime.fromisoformat(now) if isinstance(now, str) else now
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    sources = Sources({name: RowSource(name, rows) for name, rows in tables.items()})
    return open_facts(
        sources,
        moment,
        timezone=timezone,
        default_phone_region=default_phone_region,
        folder=None,
        calendar=calendar,
        versions=versions,
    )
