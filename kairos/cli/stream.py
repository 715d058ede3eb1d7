"""`kairos stream`: take facts as they happen, and act on them at once."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console

if TYPE_CHECKING:
    from kairos.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stream")(stream)


def stream(
    workspace: WorkspaceOption = HERE,
    http: Annotated[
        str, typer.Option(help="serve health, metrics and the AsyncAPI document here, e.g. 127.0.0.1:8787")
    ] = "",
    document: Annotated[
        bool, typer.Option("--document", help="print the AsyncAPI document of what may be sent, and end")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Take facts from the broker until stopped: write them down, decide what they lead to, reserve the messages."""
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    if document:
        as_json(_document(place))
        return
    import asyncio

    from kairos.stream.application import run_stream

    out = console()

    def ready(url: str) -> None:
        print(f"Taking facts from {url} (kairos.facts.<view>); Ctrl-C ends it.", file=sys.stderr, flush=True)

    totals = asyncio.run(run_stream(place, lambda: datetime.now(UTC), http=http, ready=ready))
    if json_:
        as_json(vars(totals))
    else:
        out.print(
            f"{totals.rows:,} facts taken, {totals.reserved:,} messages reserved, {totals.withdrawn:,} withdrawn, "
            f"everybody looked at {totals.sweeps:,} times"
        )


def _document(place: Workspace) -> dict[str, object]:
    from kairos.stream.http import document
    from kairos.stream.inlet import open_inlet

    async def unused(_arrivals: object) -> list[str | None]:
        raise RuntimeError("a document takes nothing")

    return document(open_inlet(place.settings.stream.broker or "nats://127.0.0.1:4222", unused))
