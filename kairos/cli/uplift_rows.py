"""`kairos uplift rows`: a campaign that has run as a table to learn uplift from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("rows")(rows)


def rows(
    campaign: Annotated[str, typer.Option(help="campaign with a goal and a holdout")],
    out: Annotated[Path, typer.Option(help="where to, CSV or Parquet by its ending")],
    workspace: WorkspaceOption = HERE,
    as_of: Annotated[str | None, typer.Option(help="outcomes as known then; default now")] = None,
    json_: JsonOption = False,
) -> None:
    """Write one row a customer drawn, with group, outcome and what was known before: what `kairos uplift model --data` learns from."""
    from kairos.upliftrows import write_trial
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    with progress() as tell:
        report = write_trial(place, campaign, out, place.instant(as_of, lambda: datetime.now(UTC)), tell)
    if json_:
        as_json(report)
        return
    drawn = f"{report['treated']:,} treated, {report['held_out']:,} held out; {report['reached']:,} reached the goal"
    others = f"{report['left_out']:,} left out: not known then, or personalisation refused"
    console().print(
        f"{report['customers']:,} customers as known at {report['known_at']}: {drawn}; {others}", soft_wrap=True
    )
    call = f"kairos uplift model --data {report['file']} --treatment treated --outcome reached --ignore customer_id --ignore arm"
    console().print(f"next: {call}", soft_wrap=True)
    if report["offers"]:
        about = "--treatment arm --treated ARM --control OTHER --outcome reached --offer offer"
        console().print(
            f"or what each offer caused: kairos uplift offers --data {report['file']} {about}", soft_wrap=True
        )
