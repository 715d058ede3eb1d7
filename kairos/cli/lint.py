"""`kairos lint`: everything one can know to be wrong before anything runs."""

from __future__ import annotations

from pathlib import Path

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint")(lint)


def lint(workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """Check settings, sources, campaigns and templates; exit code 1 where something is wrong."""
    from kairos.errors import ProblemsFoundError
    from kairos.inspection import inspect_workspace

    try:
        checked, problems = inspect_workspace(Path(workspace))
    except ProblemsFoundError as found:
        checked, problems = 0, found.problems
    if json_:
        as_json({"campaigns": checked, "problems": [problem.as_dict() for problem in problems]})
    else:
        for problem in problems:
            print(problem)
        noun = "problem" if len(problems) == 1 else "problems"
        print(f"{checked} campaigns checked, {len(problems) or 'no'} {noun}")
    if problems:
        raise typer.Exit(1)
