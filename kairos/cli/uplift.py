"""`kairos uplift`: what campaigns and trials caused, and whom a contact changes."""

from __future__ import annotations

import typer

from kairos.cli import uplift_apply, uplift_estimate, uplift_model, uplift_offers, uplift_report, uplift_rows

commands = typer.Typer(help="What campaigns and trials caused, with honest intervals.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group; each command is a file of its own."""
    for command in (uplift_report, uplift_estimate, uplift_rows, uplift_model, uplift_apply, uplift_offers):
        command.register(commands)
    app.add_typer(commands, name="uplift")
