"""`kairos alert`: an alert given by hand fires its campaigns at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, not_run, table

if TYPE_CHECKING:
    from kairos.alarms import Alarm


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("alert")(alert)


def alert(
    files: Annotated[
        list[Path], typer.Argument(help="alert files: CAP, GDACS, QWeather, or rows of the view alerts as JSON")
    ],
    workspace: WorkspaceOption = HERE,
    as_of: Annotated[str | None, typer.Option(help="date, or date and time, to act as of; default now")] = None,
    json_: JsonOption = False,
) -> None:
    """Take alerts, updates and cancellations: care campaigns fire, selling pauses or goes on, what waits is looked at again."""
    from kairos.alarms import raise_alarm
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    alarm = raise_alarm(place, files, place.instant(as_of, lambda: datetime.now(UTC)))
    if json_:
        as_json(vars(alarm))
    else:
        _show(alarm)
    if alarm.problems:
        raise typer.Exit(1)


def _show(alarm: Alarm) -> None:
    out = console()
    names = ("alert_id", "event", "severity", "status", "effective_at", "expires_at")
    rows = [[each[name] or "" for name in names] for each in alarm.alerts]
    out.print(table("Alerts", names, rows))
    out.print(f"{alarm.new:,} of them new; {alarm.reserved:,} messages reserved, {alarm.withdrawn:,} withdrawn")
    if alarm.set_aside:
        faults = ", ".join(f"{reason} {count:,}" for reason, count in alarm.set_aside.items())
        out.print(f"[bold red]could not be used:[/bold red] {faults}", soft_wrap=True)
    not_run(out, alarm.problems)
