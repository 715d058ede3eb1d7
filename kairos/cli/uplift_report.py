"""`kairos uplift report`: what the campaigns of a workspace caused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress, table
from kairos.cli.uplift_estimate import span

if TYPE_CHECKING:
    from rich.console import Console


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("report")(report)


def report(
    workspace: WorkspaceOption = HERE,
    campaign: Annotated[list[str] | None, typer.Option(help="only this campaign; may be repeated")] = None,
    as_of: Annotated[str | None, typer.Option(help="as of this date, or date and time; default now")] = None,
    segment: Annotated[str | None, typer.Option(help="column of customers to tell the effect by, e.g. tier")] = None,
    cuped: Annotated[
        bool, typer.Option("--cuped", help="adjust by the customers' events in the year before their first moment")
    ] = False,
    qini: Annotated[
        bool, typer.Option("--qini", help="try how well the view `uplift` ranks the customers: Qini curve and tenths")
    ] = False,
    alpha: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="error allowed: intervals hold with 1 - alpha")
    ] = 0.05,
    worth: Annotated[
        float | None,
        typer.Option(help="smallest effect that matters, a moment; a fifth of the control's level where absent"),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="write the report as one page that needs nothing else")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="write it as an Excel file")] = None,
    notebook: Annotated[Path | None, typer.Option(help="write a Jupyter notebook that reckons it again")] = None,
    locale: Annotated[str | None, typer.Option(help="language of the page; the workspace's first where absent")] = None,
    json_: JsonOption = False,
) -> None:
    """Tell what each campaign caused: health, effect with an interval one may look at every day, cost, and the queries."""
    from kairos.measurements import measure
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    with progress() as tell:
        made = measure(
            place,
            now,
            only=campaign or (),
            segment=segment,
            cuped=cuped,
            ranked=qini,
            alpha=alpha,
            worth=worth,
            progress=tell,
        )
    written = _write(made, locale or place.settings.locales[0], html, xlsx, notebook)
    if json_:
        as_json(made)
    else:
        show(console(), made)
        for path in written:
            console().print(f"Written: {path}", soft_wrap=True)
    if made["problems"]:
        raise typer.Exit(1)


def _write(
    made: dict[str, Any], locale: str, html: Path | None, xlsx: Path | None, notebook: Path | None
) -> list[Path]:
    """Write what was asked for, into folders that are made where there are none."""
    paths = [path for path in (html, xlsx, notebook) if path is not None]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    if html is not None:
        from kairos.pages.uplift import page

        html.write_text(page(made, locale), encoding="utf-8")
    if xlsx is not None:
        from kairos.upliftsheets import sheets
        from kairos.workbook import write_workbook

        write_workbook(xlsx, sheets(made))
    if notebook is not None:
        from kairos.notebooks import notebook as written

        notebook.write_text(written(made), encoding="utf-8")
    return paths


def show(out: Console, made: dict[str, Any]) -> None:
    """Health where it is not sound, then effects, then what is counted twice."""
    for each in made["campaigns"]:
        for check in each["health"]:
            if not check["sound"]:
                out.print(f"[bold red]{each['campaign']}, {check['check']}:[/bold red] {check['seen']}", soft_wrap=True)
    rows = [_row(each, part, made["currency"]) for each in made["campaigns"] for part in each["effects"]]
    names = (
        "campaign",
        "group",
        "customers",
        "level",
        "control",
        "effect",
        "always-valid interval",
        "one more costs",
        "verdict",
    )
    title = f"What the campaigns caused, as of {made['as_of'][:10]}, {1 - made['alpha']:.0%} intervals"
    out.print(table(title, names, rows, numbers=("customers",)))
    parts = [
        (part["segment"], *_row(each, part, made["currency"]))
        for each in made["campaigns"]
        for part in each["segments"]
    ]
    for each in made["campaigns"]:
        if each["ranking"]:
            out.print(f"{each['campaign']}: {_ranking(each['ranking'])}", soft_wrap=True)
    if parts:
        out.print(table(f"By {made['segment']}", (str(made["segment"]), *names), parts, numbers=("customers",)))
    for each in made["campaigns"]:
        for part in each["effects"]:
            out.print(f"{each['campaign']}, {part['group']}: {part['why']}.{_wait(part)}", soft_wrap=True)
        for twice in each["counted_twice"]:
            out.print(
                f"{each['campaign']}: {twice['events']:,} events {each['goal']} count for {twice['campaign']} too; "
                "do not add the two effects.",
                soft_wrap=True,
            )
    for problem in made["problems"]:
        place = f"{problem['path']}:{problem['line']}:{problem['column']}"
        out.print(f"[bold red]not measured:[/bold red] {place}: {problem['message']}", soft_wrap=True)
    for name, why in made["not_measured"].items():
        out.print(f"[bold]not measured:[/bold] {name}: {why}", soft_wrap=True)


def _wait(part: dict[str, Any]) -> str:
    if part["verdict"] != "not enough data yet" or part["days_needed"] is None:
        return ""
    return f" About {part['days_needed']:,} days more, at the pace so far."


def _row(each: dict[str, Any], part: dict[str, Any], currency: str) -> tuple[object, ...]:
    cost = part["cost_per_outcome"]
    price = f"{cost['value']:,.2f} {currency}" if cost and cost["bounded"] and cost["value"] else ""
    return (
        each["campaign"],
        part["group"],
        part["treated"]["n"] + part["control"]["n"],
        _percent(part["treated"]["level"]),
        _percent(part["control"]["level"]),
        "" if part["estimate"] is None else f"{part['estimate']:+.4f}",
        span(part["always_valid"]),
        price,
        part["verdict"],
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _ranking(found: dict[str, Any]) -> str:
    """Whether what the view `uplift` says ranks the customers, in a sentence."""
    about = (
        f"{', '.join(found['models']) or 'the view uplift'} on {found['customers']:,} customers it has not learnt from"
    )
    if "qini" not in found:
        return f"not enough data yet to try the ranking of {about}"
    qini = found["qini"]
    said = "ranks better than chance" if qini["low"] > 0 else "no evidence that it ranks better than chance"
    return f"{about}: {said}, Qini {qini['value']:.4f} ({qini['low']:.4f} to {qini['high']:.4f})"
