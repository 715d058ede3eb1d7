"""`kairos ledger`: look after the ledger."""

from __future__ import annotations

from pathlib import Path

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, table

commands = typer.Typer(help="Look after the ledger.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(commands, name="ledger")


@commands.callback()
def group() -> None:
    """Look after the ledger."""


@commands.command("check")
def check(workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """Try every law the ledger must obey; exit code 1 where one is broken."""
    from campaigns.check import check as check_ledger
    from kairos.workspace import Workspace

    with Workspace(Path(workspace)).ledger() as ledger:
        findings = check_ledger(ledger)
    broken = [finding for finding in findings if not finding.holds]
    if json_:
        as_json({"holds": not broken, "laws": [{**vars(finding), "holds": finding.holds} for finding in findings]})
    else:
        rows = [(f.law, f.means, "holds" if f.holds else f"broken by {f.broken}, first {f.first}") for f in findings]
        console().print(table("Laws of the ledger", ("law", "means", "result"), rows))
    if broken:
        raise typer.Exit(1)
