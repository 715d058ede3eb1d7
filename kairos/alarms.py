"""An alert given by hand: kept in the inbox, and its campaigns run at once for everybody it covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaigns import inbox
from campaigns.live import Live
from kairos.errors import KairosError
from kairos.freshness import fresh, need_model
from kairos.service import in_service
from kairos.workspace import Workspace
from triggers.arrivals import UnusableError, read_arrival

if TYPE_CHECKING:
    from triggers.arrivals import Arrived


@dataclass
class Alarm:
    """What came of it."""

    alerts: list[dict[str, Any]] = field(default_factory=list)
    new: int = 0
    reserved: int = 0
    withdrawn: int = 0
    set_aside: dict[str, int] = field(default_factory=dict)
    """Faults of rows that could not be used, or not in full: how many, by reason."""
    problems: list[dict[str, Any]] = field(default_factory=list)
    """Of campaigns that did not run for it."""


def raise_alarm(place: Workspace, paths: Sequence[Path], now: datetime) -> Alarm:
    """Take alert files, as issuers send them or as JSON rows, and act on what is new. Raises KairosError for a file that is none."""
    arrived = [each for path in paths for each in _read(path)]
    alarm = Alarm([_shown(each) for each in arrived])
    with place.ledger() as ledger, place.facts(now) as facts:
        service = in_service(place, facts.columns, ledger, now)
        need_model(place, [campaign for campaign in service.campaigns if campaign.trigger.kind == "region"])
        service = fresh(place, facts, service, now)
        alarm.problems = [problem.as_dict() for problem in service.problems]
        live = Live(place.scene(facts), service.campaigns, ledger, inbox.last(ledger))
        alarm.new = inbox.keep(ledger, arrived, now)
        step = live.arrivals(now)
        alarm.reserved, alarm.withdrawn = step.reserved, step.withdrawn
        alarm.set_aside = {reason: count for (_, reason), count in step.set_aside.items()}
    return alarm


def _read(path: Path) -> list[Arrived]:
    try:
        return read_arrival("alerts", path.read_bytes())
    except OSError as error:
        raise KairosError(f"{path} cannot be read: {error.strerror}") from error
    except UnusableError as error:
        raise KairosError(
            f"{path} is no alert: {error}; CAP, GDACS, QWeather and rows of the view alerts are read"
        ) from error


def _shown(arrived: Arrived) -> dict[str, Any]:
    return {
        name: arrived.row.get(name)
        for name in ("alert_id", "event", "severity", "status", "effective_at", "expires_at")
    }
