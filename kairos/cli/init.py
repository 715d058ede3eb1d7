"""`kairos init`: a new workspace, empty with commented examples, or a demonstration insurer."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from kairos.cli.output import JsonOption, as_json, console, progress, table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="folder to make; may exist, nothing in it is overwritten")],
    demo: Annotated[bool, typer.Option("--demo", help="generate an insurer to try everything on")] = False,
    customers: Annotated[int, typer.Option(min=1, help="customers of the demo insurer")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="the same seed makes the same insurer")] = 1,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day the demo facts surround; default today")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Make a workspace: settings, sources, the thirteen example campaigns; with --demo also facts."""
    from kairos.starter import write_starter

    day = as_of.date() if as_of else date.today()  # noqa: DTZ011 - the edge where the clock is read
    written = write_starter(folder, demo=demo)
    report: dict[str, object] = {"folder": str(folder), "written": [str(path) for path in written]}
    if demo:
        from kairos.demo import generate

        with progress() as tell:
            summary = generate(folder, customers=customers, seed=seed, as_of=day, progress=tell)
        report["demo"] = {
            "as_of": day.isoformat(),
            "seed": seed,
            "rows": dict(summary.rows),
            "dirt": dict(summary.dirt),
        }
    if json_:
        as_json(report)
        return
    out = console()
    if demo:
        rows = [(view, count) for view, count in summary.rows.items()]
        out.print(table(f"A demonstration insurer in {folder}, as of {day}", ("view", "rows"), rows, numbers=("rows",)))
        out.print(
            f"Next: kairos recommend fit -w {folder} --as-of {day}, then kairos run -w {folder} --as-of {day}",
            soft_wrap=True,
        )
    else:
        out.print(
            f"A workspace in {folder}. Say in {folder}/sources.yaml where your tables are, then: kairos lint -w {folder}"
        )
