"""`kairos callbacks`: serve what providers and customers call."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kairos.cli.output import HERE, WorkspaceOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("callbacks")(callbacks)


def callbacks(
    workspace: WorkspaceOption = HERE,
    http: Annotated[str, typer.Option(help="address to serve at, behind whatever ends TLS")] = "127.0.0.1:8788",
) -> None:
    """Serve receipts, messages customers write back, and links that confirm a consent, until stopped.

    POST /callbacks/twilio, POST /replies/twilio, and the page /confirm/TOKEN. What Twilio did not sign is refused.
    """
    import asyncio

    from kairos.callbacks.serving import serve_callbacks
    from kairos.workspace import Workspace

    def ready(url: str) -> None:
        print(f"Serving callbacks at {url}; Ctrl-C ends it.", file=sys.stderr, flush=True)

    asyncio.run(serve_callbacks(Workspace(Path(workspace)), lambda: datetime.now(UTC), http, ready))
