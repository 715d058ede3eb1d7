"""`kairos quality`: what customers say of the service, who has fallen, and what their words are about."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress, table
from kairos.figures import p_value

NAMES = {"nps": "net promoter score", "csat": "satisfaction, % of 4 and 5", "ces": "ease, mean of 1 to 7"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("quality")(quality)


def quality(
    workspace: WorkspaceOption = HERE,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="as known on this date, or date and time; default now")
    ] = None,
    days: Annotated[int, typer.Option(min=2, help="how many days up to then")] = 180,
    recent: Annotated[int, typer.Option(min=1, help="falls: the last so many days against those before")] = 28,
    region: Annotated[int, typer.Option(min=1, help="how many characters of a region code make a region")] = 2,
    campaign: Annotated[str | None, typer.Option(help="only answers this campaign had asked for")] = None,
    scores: Annotated[
        Path | None, typer.Option(help="write each customer's last answer, 0 to 10, to this .csv or .parquet")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="write the report as one page that needs nothing else")] = None,
    locale: Annotated[str | None, typer.Option(help="language of the page; the workspace's first where absent")] = None,
    json_: JsonOption = False,
) -> None:
    """NPS, satisfaction and ease by campaign, channel, region, agent and month; exit code 1 where one of them has fallen."""
    from kairos.quality import service_quality
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    with progress() as tell:
        report = service_quality(
            place, place.instant(as_of, lambda: datetime.now(UTC)),
            days=days, recent=recent, of_region=region, campaign=campaign, scores=scores, progress=tell,
        )  # fmt: skip
    if html is not None:
        from kairos.pages.quality import page

        html.write_text(page(report, locale or place.settings.locales[0]), encoding="utf-8")
    if json_:
        as_json(report)
    else:
        _show(report)
        if html is not None:
            console().print(f"The page: {html}", soft_wrap=True)
    if report["falls"]:
        raise typer.Exit(1)


def _show(report: dict[str, Any]) -> None:
    """The report as tables, what has fallen first."""
    out, numbers = console(), ("answers", "value", "from", "to")
    if not report["indices"]:
        out.print("Nobody has answered in this time.")
    for fall in report["falls"]:
        where = f"{fall['by']} {fall['group']}" if fall["by"] else "all together"
        out.print(
            f"[bold red]fallen:[/bold red] {NAMES[fall['kind']]} of {where}: {fall['before']:g} to {fall['now']:g} "
            f"({fall['answers'][1]:,} answers, adjusted p = {p_value(fall['p_adjusted'])})"
        )
    for kind, name in NAMES.items():
        rows = [
            (
                each["by"] or "all", each["group"], each["answers"], f"{each['value']:.1f}",
                *("?" if end is None else f"{end:.1f}" for end in each["interval"]),
            )
            for each in report["indices"]
            if each["kind"] == kind and (each["enough"] or not each["by"])
        ]  # fmt: skip
        few = sum(each["kind"] == kind and not each["enough"] for each in report["indices"])
        if rows:
            out.print(table(name, ("by", "group", *numbers), rows, numbers=numbers))
        if few:
            out.print(f"{few:,} groups with too few answers to judge anybody by stand in `--json` and on the page.")
        spoken = [
            (", ".join(topic["terms"]), f"{topic['share']:.0%}", f"{topic['mark']:.1f}", topic["examples"][0])
            for topic in report["topics"][kind]
        ]
        if spoken:
            out.print(
                table(
                    "What the comments are about",
                    ("words", "share", "mean", "for example"),
                    spoken,
                    numbers=("share", "mean"),
                )
            )
    if aside := sum(report["set_aside"].values()):
        told = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in report["set_aside"].items() if count)
        out.print(f"{aside:,} answers set aside: {told}.")
    if "scores" in report:
        out.print(f"The last answers of {report['scores']:,} customers were written.")
