"""`kairos uplift apply`: what a fitted uplift model says of the customers, written for the view `uplift`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress

if TYPE_CHECKING:
    from kairos.workspace import Workspace


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("apply")(apply)


def apply(
    name: Annotated[str, typer.Argument(help="the model, as `kairos uplift model --save` called it")],
    campaign: Annotated[list[str], typer.Option(help="campaign it is about; may be repeated")],
    workspace: WorkspaceOption = HERE,
    data: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet with customer_id and the model's columns; the facts where absent"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="where to; facts/uplift/<model>.parquet of the workspace where absent")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="the customers as known then; default now")] = None,
    json_: JsonOption = False,
) -> None:
    """Say for each customer what a contact of these campaigns adds, as the view `uplift`; who refused personalisation is left out."""
    from kairos.uplift import apply_model
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    with progress() as tell:
        report = apply_model(place, name, campaign, now, data=data, out=out, progress=tell)
    report["hint"] = _hint(place, Path(report["file"]))
    if json_:
        as_json(report)
    else:
        show(report)


def _hint(place: Workspace, file: Path) -> str:
    """What is still to be done so that campaigns see it."""
    if "uplift" in place.sources().views:
        return ""
    folder = place.folder.resolve()
    shown = file.resolve().relative_to(folder) if file.resolve().is_relative_to(folder) else file.resolve()
    return f"add to sources.yaml: `uplift: {shown.parent / '*.parquet' if file.suffix == '.parquet' else shown}`"


def show(report: dict[str, Any]) -> None:
    """What was written, in a few lines."""
    out = console()
    out.print(
        f"{report['model']}: {report['customers']:,} customers, {report['put_off']:,} of whom a contact would put off; "
        f"effect {report['mean']:+.4f} on average ({report['low']:+.4f} to {report['high']:+.4f})", soft_wrap=True
    )  # fmt: skip
    if report["left_out"]:
        out.print(f"{report['left_out']:,} rows left out: no customers, doubled, or personalisation refused")
    out.print(f"written: {report['file']}", soft_wrap=True)
    if report["hint"]:
        out.print(f"[bold]next:[/bold] {report['hint']}", soft_wrap=True)
