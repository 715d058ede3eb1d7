"""`kairos send`: hand the outbox over to the channels."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress, table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send")(send)


def send(
    workspace: WorkspaceOption = HERE,
    as_of: Annotated[
        str | None, typer.Option(help="hand over what is due at this date, or date and time; default now")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Hand over what is due, once. Killed half-way, it asks the provider what arrived before it sends anything again."""
    import asyncio

    from kairos.handover import hand_over
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    with progress() as tell:
        report = asyncio.run(hand_over(place, now, lambda: datetime.now(UTC), progress=tell))
    if json_:
        as_json(report)
    else:
        out = console()
        rows = [(line["channel"], line["outcome"], line["messages"]) for line in report["outcomes"]]
        out.print(
            table(
                f"Handed over as of {report['as_of']}", ("channel", "outcome", "messages"), rows, numbers=("messages",)
            )
        )
        for name, count in {**report["cleared"], **report["reconciled"], "replanned": report["replanned"]}.items():
            if count:
                out.print(f"{name.replace('_', ' ')}: {count:,}")
        for halted, reason in report["halted"].items():
            out.print(f"[bold red]{halted} stopped:[/bold red] {reason}")
        for name, stopped in report["stopped"].items():
            out.print(f"[bold]{'everything' if name == '*' else name} is not sent:[/bold] {stopped}", soft_wrap=True)
        if report["waiting"]["messages"]:
            waiting = report["waiting"]
            out.print(f"{waiting['messages']:,} messages wait for their hour, the first one for {waiting['first']}")
        for folder in report["folders"]:
            out.print(f"The messages can be read in {folder}", soft_wrap=True)
    if report["halted"]:
        raise typer.Exit(1)
