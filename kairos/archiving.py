"""Archiving: how old is old enough, and where to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from campaigns.archive import Shelf, archive, rehearse
from kairos.errors import KairosError
from kairos.service import actor
from kairos.workspace import Workspace
from triggers.durations import Span

FOLDER = "archive"


def archive_old(
    place: Workspace,
    older_than: str,
    now: datetime,
    *,
    to: Path | None,
    dry_run: bool,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Move what has been over for so long, or tell what would move. Raises KairosError for a span that is none, or too short."""
    before = _before(place, older_than, now)
    shelf = Shelf(place.folder, to or place.folder / FOLDER)
    with place.ledger() as ledger:
        if dry_run:
            report = rehearse(ledger, before, now)
        else:
            report = archive(
                ledger, shelf, before, now, actor(), progress=lambda done, total: progress("archive", done, total)
            )
    said = {"as_of": now.isoformat(), "before": before.isoformat(), "folder": str(shelf.folder), "dry_run": dry_run}
    return said | report.as_dict()


def _before(place: Workspace, older_than: str, now: datetime) -> datetime:
    """The instant before which things must have been over: nothing that caps or the contest still count."""
    try:
        before = Span.parse(older_than).before(now)
    except ValueError as error:
        raise KairosError(f"--older-than: {error}") from error
    counted = place.policy().counted_since(now)
    if before > counted:
        raise KairosError(
            f"--older-than {older_than} is too short: caps and the contest still count what was sent since {counted:%Y-%m-%d}"
        )
    return before
