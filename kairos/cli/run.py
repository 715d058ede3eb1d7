"""`kairos run`: the nightly turn, facts to reserved messages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, not_run, progress, table

SELDOM = (100_000, 20, 20)
"""When to look for dead cycles: rows are many and hold none."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    workspace: WorkspaceOption = HERE,
    as_of: Annotated[str | None, typer.Option(help="date, or date and time, to run as of; default now")] = None,
    campaign: Annotated[list[str] | None, typer.Option(help="only this campaign; may be repeated")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="decide everything, on a copy of the ledger")] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="processes that decide at once where there is much to do; default one a core"),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Find the moments, decide, render, and reserve the messages. Running it again the same day adds nothing."""
    import gc

    from kairos.runs import run_workspace
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    gc.set_threshold(*SELDOM)
    with progress() as tell:
        report = run_workspace(place, now, only=campaign or (), rehearsal=dry_run, progress=tell, workers=workers)
    if json_:
        as_json(report)
    else:
        show(report)
    if report["problems"]:
        raise typer.Exit(1)


def show(report: dict[str, Any]) -> None:
    """The report as tables."""
    out = console()
    facts = [
        (
            view,
            count["read"],
            count["kept"],
            count["later"],
            count["set_aside"],
            count["nulled"],
            ", ".join(f"{r} {n:,}" for r, n in count["reasons"].items()),
        )
        for view, count in report["facts"].items()
        if count["read"]
    ]
    numbers = ("read", "kept", "later", "set aside", "nulled")
    out.print(table("Facts (later: not known yet as of this day)", ("view", *numbers, "why"), facts, numbers=numbers))
    rows = []
    for line in report["campaigns"]:
        refused = ", ".join(f"{reason} {count:,}" for reason, count in line["reasons"].items())
        rows.append(
            (
                line["campaign"],
                line["moments"],
                line["new"],
                line["sent"],
                line["held_out"],
                line["held"],
                line["pending"],
                line["refused"],
                line["expired"] + line["retracted"],
                refused,
            )
        )
    names = ("campaign", "moments", "new", "sent", "held out", "held", "pending", "refused", "gone", "why not")
    title = f"Moments as of {report['as_of']}" + (" (rehearsal, nothing kept)" if report["rehearsal"] else "")
    out.print(table(title, names, rows, numbers=names[1:-1]))
    not_run(out, report["problems"])
    for warning in report["warnings"]:
        out.print(f"[bold yellow]warning:[/bold yellow] {warning}", soft_wrap=True)
    for name, why in report["idle"].items():
        out.print(f"[bold]not run:[/bold] {'everything' if name == '*' else name}: {why}", soft_wrap=True)
    total = report["totals"]
    law = "holds" if total["conserved"] else "IS BROKEN, run `kairos ledger check`"
    out.print(
        f"{total['customers']:,} customers, {total['moments']:,} moments, {total['new']:,} of them new; "
        f"{report['reserved']:,} messages reserved in {report['seconds']['total']:.1f} s. The conservation law {law}."
    )
