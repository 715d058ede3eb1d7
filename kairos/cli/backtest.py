"""`kairos backtest`: what the campaigns would have done on the days of a period."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, not_run, progress, table

DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest")(backtest)


def backtest(
    from_: Annotated[datetime, typer.Option("--from", formats=DAY, help="first day")],
    to: Annotated[datetime, typer.Option("--to", formats=DAY, help="last day")],
    workspace: WorkspaceOption = HERE,
    campaign: Annotated[list[str] | None, typer.Option(help="only this campaign; may be repeated")] = None,
    html: Annotated[Path | None, typer.Option(help="write the report as one page that needs nothing else")] = None,
    locale: Annotated[str | None, typer.Option(help="language of the page; the workspace's first where absent")] = None,
    with_ledger: Annotated[
        bool, typer.Option("--with-ledger", help="begin with what the ledger holds instead of with nothing")
    ] = False,
    sample: Annotated[
        str, typer.Option(help="run this share of the customers, e.g. 5%, and tell the counts for all of them")
    ] = "100%",
    json_: JsonOption = False,
) -> None:
    """Run the days with the real gates on a ledger that is thrown away: how much, when, for whom not, at what cost."""
    from kairos.backtests import backtest as run
    from kairos.workspace import Workspace

    place, share = Workspace(Path(workspace)), _share(sample)
    with progress() as tell:
        report = run(
            place, from_.date(), to.date(), only=campaign or (), with_ledger=with_ledger, progress=tell, sample=share
        )
    if html is not None:
        from kairos.pages.backtest import page

        html.write_text(page(report, locale or place.settings.locales[0]), encoding="utf-8")
    if json_:
        as_json(report)
    else:
        show(report)
        if html is not None:
            console().print(f"The page: {html}", soft_wrap=True)
    if report["problems"]:
        raise typer.Exit(1)


def _share(text: str) -> float:
    """The share of the customers to run. Raises BadParameter for what is none."""
    from pydantic import TypeAdapter, ValidationError

    from campaigns.policy import Share

    try:
        share: float = TypeAdapter(Share).validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"].replace(" | ", "; "), param_hint="--sample") from error
    if not share:
        raise typer.BadParameter("a sample of nobody tells nothing; give a share above 0%", param_hint="--sample")
    return share


def show(report: dict[str, Any]) -> None:
    """The report as tables."""
    out, cost = console(), report["currency"]
    rows = [
        (
            line["campaign"], line["moments"], sum(line["per_day"].values()), max(line["per_day"].values(), default=0),
            line["held_out"], line["refused"], line["expired"] + line["retracted"], line["sms_parts"],
            "" if line["cost"] is None else f"{line['cost']:,.2f}",
            line["silent"] or ", ".join(f"{reason} {count:,}" for reason, count in line["reasons"].items()),
        )
        for line in report["campaigns"]
    ]  # fmt: skip
    numbers = ("moments", "messages", "most a day", "held out", "refused", "gone", "SMS parts", cost)
    drawn = report.get("sample")
    told = f", told from a sample of {drawn['customers']:,} customers ({drawn['share']:.3g} of all)" if drawn else ""
    title = f"{report['days']} days, {report['from']} to {report['to']}, beginning with {report['began_with']}{told}"
    out.print(table(title, ("campaign", *numbers, "why not"), rows, numbers=numbers))
    busy = [(f"{hour:02}:00", count) for hour, count in enumerate(report["per_hour"]) if count]
    out.print(table("Messages by the customer's hour", ("hour", "messages"), busy, numbers=("messages",)))
    headings = ("gate", "campaign", "channel", "outcome", "moments")
    capped = [tuple(each.values()) for each in report["caps"]]
    if capped:
        out.print(table("Too much at once, or in a day", headings, capped, numbers=("moments",)))
    met = [(*each["campaigns"], each["customers"], each["capped"]) for each in report["collisions"][:15]]
    if met:
        names = ("campaign", "and", "same customer and day", "capped")
        out.print(table("Collisions", names, met, numbers=names[2:]))
    not_run(out, report["problems"])
    total, busiest = report["totals"], report["busiest"]
    spent = "" if total["cost"] is None else f", {total['cost']:,.2f} {cost}"
    within = f" (± {drawn['messages_within']:,}, 95 % interval)" if drawn else ""
    law = "holds" if total["conserved"] else "IS BROKEN"
    out.print(
        f"{total['moments']:,} moments, {total['messages']:,} messages{within}{spent}; the busiest day {busiest['day'] or 'none'} with "
        f"{busiest['messages']:,}; {report['seconds']['total']:.1f} s. The conservation law {law}."
    )
