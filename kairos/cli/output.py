"""How commands speak: tables for people, JSON for programs, progress on the terminal only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, Group

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="folder of the workspace", show_default="here")
]
JsonOption = Annotated[bool, typer.Option("--json", help="report as JSON on standard output")]

HERE = Path()


def console() -> Console:
    """Standard output for people; wide enough for tables when it is not a terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140)


def as_json(value: Any) -> None:
    """Print a report as JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[str] = ()
) -> Group:
    """A table for people under its title; the columns named in `numbers` are aligned right, with thousands separated."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    made = Table(header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return Group(Text(title, style="bold"), made)


def not_run(out: Console, problems: Sequence[Mapping[str, Any]]) -> None:
    """Say which campaigns did not run, and why."""
    for problem in problems:
        place = f"{problem['path']}:{problem['line']}:{problem['column']}"
        out.print(f"[bold red]not run:[/bold red] {place}: {problem['message']}", soft_wrap=True)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar a stage on the terminal's error channel; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    screen = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=screen,
        disable=not screen.is_terminal,
    )
    tasks: dict[str, Any] = {}
    with bars:

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell
