"""`kairos why`: why a customer got a message, or did not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why")(why)


def why(
    customer: Annotated[str, typer.Argument(help="customer id")],
    workspace: WorkspaceOption = HERE,
    campaign: Annotated[str | None, typer.Option(help="only this campaign; all where absent")] = None,
    on: Annotated[str | None, typer.Option(help="as of this date, or date and time; default now")] = None,
    json_: JsonOption = False,
) -> None:
    """Tell the whole story: every gate's answer, or how near the customer came to a moment."""
    from kairos.stories import stories
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    now = place.instant(on, lambda: datetime.now(UTC))
    told = stories(place, customer, campaign, now)
    if json_:
        as_json([story.as_dict() for story in told])
        return
    for story in told:
        _tell(story.as_dict(), detailed=len(told) == 1)


def _tell(story: dict[str, Any], *, detailed: bool) -> None:
    out = console()
    out.print(
        f"[bold]{story['customer_id']}[/bold] and [bold]{story['campaign']}[/bold]: {story['summary']}", highlight=False
    )
    if not detailed:
        return
    for moment in story["moments"]:
        for decision in moment["decisions"]:
            rows = [
                (line["channel"], line["gate"], line["rule"], line["seen"], line["reason"] or "passed")
                for line in decision["trace"]
            ]
            title = f"{moment['subject']} ({moment['occasion']}), step {decision['step']}, {decision['decided_at']}: {decision['verdict']}"
            title += f", arm {decision['arm']}" if "arm" in decision else ""
            out.print(table(title, ("channel", "gate", "asked", "seen", "answer"), rows))
        if "archive" in moment:
            out.print(f"words and traces are in the archive: {moment['archive']}", highlight=False, soft_wrap=True)
            continue
        for message in moment["messages"]:
            out.print(
                f"{message['medium']} to {message['address']}, {message['state']}, not before {message['not_before']}:"
            )
            for part in message["parts"].values():
                out.print(f"  {part}", highlight=False, markup=False)
    if story["nearest"]:
        clauses = [
            (clause["path"], clause["wanted"], clause["seen"], "yes" if clause["passed"] else "no")
            for clause in story["nearest"]
        ]
        out.print(table("How near the trigger was", ("clause", "wanted", "seen", "holds"), clauses))
