"""The `kairos` command: options every command shares, and how errors end."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer

from kairos.errors import KairosError, ProblemsFoundError

app = typer.Typer(
    name="kairos",
    help="The right moment: watch the insurer's data for moments that matter, decide who should hear what, and remember it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="print the version and end")] = False) -> None:
    """The right moment: watch the insurer's data for moments that matter, decide who should hear what, and remember it."""
    if version:
        from importlib.metadata import version as installed

        print(f"kairos {installed('kairos')}")
        raise typer.Exit


COMMANDS = (
    "init",
    "lint",
    "run",
    "stream",
    "alert",
    "backtest",
    "send",
    "why",
    "recommend",
    "uplift",
    "consent",
    "callbacks",
    "quality",
    "campaigns",
    "ledger",
    "schema",
)
for _name in COMMANDS:
    import_module(f"kairos.cli.{_name}").register(app)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line. Exit codes: 0 done, 1 problems found, 2 used wrongly."""
    from campaigns.errors import CampaignError
    from recommender.errors import RecommenderError
    from templates.faults import TemplateError
    from triggers.errors import TriggersError

    try:
        app(arguments, standalone_mode=True)
    except ProblemsFoundError as found:
        print(found, file=sys.stderr)
        sys.exit(1)
    except (KairosError, CampaignError, TriggersError, TemplateError, RecommenderError) as error:
        print(f"kairos: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        print("kairos: interrupted; run the same command again, it goes on where it was", file=sys.stderr)
        sys.exit(130)
