"""`kairos lint`: everything one can know to be wrong before anything runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, table

if TYPE_CHECKING:
    from campaigns.problems import Problem


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint")(lint)


def lint(
    workspace: WorkspaceOption = HERE,
    volume: Annotated[
        bool, typer.Option("--volume", help="run the triggers, and hold the day against budgets and caps")
    ] = False,
    as_of: Annotated[str | None, typer.Option(help="date, or date and time, for --volume; default now")] = None,
    json_: JsonOption = False,
) -> None:
    """Check settings, sources, campaigns and templates, each and together; exit code 1 where something is wrong."""
    from kairos.errors import ProblemsFoundError
    from kairos.inspection import inspect_workspace

    lines: list[dict[str, Any]] = []
    try:
        checked, problems = inspect_workspace(Path(workspace))
        if volume:
            lines, more = _volume(Path(workspace), as_of)
            problems += more
    except ProblemsFoundError as found:
        checked, problems = 0, found.problems
    if json_:
        shown = {"campaigns": checked, "problems": [problem.as_dict() for problem in problems]}
        as_json(shown | ({"volume": lines} if volume else {}))
    else:
        _show(checked, problems, lines)
    if problems:
        raise typer.Exit(1)


def _volume(folder: Path, as_of: str | None) -> tuple[list[dict[str, Any]], list[Problem]]:
    from kairos.volume import estimate
    from kairos.workspace import Workspace

    place = Workspace(folder)
    return estimate(place, place.instant(as_of, lambda: datetime.now(UTC)))


def _show(checked: int, problems: list[Problem], lines: list[dict[str, Any]]) -> None:
    if lines:
        names = ("campaign", "day", "overdue", "customers")
        rows = [[line[name] for name in names] for line in lines]
        console().print(table("Moments at most, before any gate", names, rows, numbers=names[1:]))
    for problem in problems:
        print(problem)
    noun = "problem" if len(problems) == 1 else "problems"
    print(f"{checked} campaigns checked, {len(problems) or 'no'} {noun}")
