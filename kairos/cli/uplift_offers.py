"""`kairos uplift offers` and `interleave`: what offers cause, where and for how long, and whose offers are preferred."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kairos.cli.output import JsonOption, as_json, console, table
from kairos.figures import p_value


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.command("offers")(offers)
    commands.command("interleave")(interleave)


def offers(
    data: Annotated[
        Path, typer.Option(help="CSV (also .gz) or Parquet, one row an occasion, of treated and held-out customers")
    ],
    treatment: Annotated[str, typer.Option(help="column of whether the offer was made")],
    outcome: Annotated[str, typer.Option(help="column of the outcome: 0 and 1, or yes and no")],
    offer: Annotated[
        str, typer.Option(help="column of the offer chosen, for those held out the one they would have got")
    ],
    segment: Annotated[str | None, typer.Option(help="column to tell each offer's effect by")] = None,
    exposure: Annotated[
        str | None, typer.Option(help="column of which time it was: 1 the first, 2 the second, ...")
    ] = None,
    treated: Annotated[str | None, typer.Option(help="arm that counts as treated, where the column names arms")] = None,
    control: Annotated[str | None, typer.Option(help="arm it is compared with")] = None,
    json_: JsonOption = False,
) -> None:
    """Tell the effect of each offer, by segment, and whether it wears off with the times it was made."""
    from recommender.uplift.offerfile import offer_report

    report = offer_report(data, (treatment, treated, control), outcome, offer, segment, exposure)
    if json_:
        as_json(report)
        return
    out = console()
    for name, part in report["effects"].items():
        out.print(table(f"Effect by {name}", (*name.split(", "), *_HEADINGS), [_line(each) for each in part["cells"]]))
        out.print(
            f"were the effect the same everywhere, it would differ so much with p = {p_value(part['differ_p_value']) or '?'}"
        )
    if worn := report.get("fatigue"):
        out.print(
            table(
                "Effect the first time, the second, ...", ("time", *_HEADINGS), [_line(each) for each in worn["cells"]]
            )
        )
        slope = worn["slope"]
        out.print(
            f"[bold]{worn['verdict']}[/bold]: {_number(slope['value'])} a time "
            f"({_number(slope['low'])} to {_number(slope['high'])})"
        )


def interleave(
    data: Annotated[
        Path, typer.Option(help="CSV (also .gz) or Parquet, one row an offer shown in an interleaved list")
    ],
    customer: Annotated[str, typer.Option(help="column of the customer")] = "customer_id",
    team: Annotated[str, typer.Option(help="column of the model that picked the offer; it has two values")] = "team",
    taken: Annotated[str, typer.Option(help="column of whether it was taken: 0 and 1, or yes and no")] = "taken",
    json_: JsonOption = False,
) -> None:
    """Tell whose offers are preferred where the lists of two models were interleaved by team draft."""
    from recommender.uplift.offerfile import interleaving_report

    report = interleaving_report(data, customer, team, taken)
    if json_:
        as_json(report)
        return
    first, second = report["models"]
    rows = [(first, report["first"]), (second, report["second"]), ("neither", report["ties"])]
    out, delta = console(), report["delta"]
    out.print(table(f"{report['customers']:,} customers", ("took more of", "customers"), rows, numbers=("customers",)))
    out.print(
        f"[bold]{report['verdict']}[/bold]: {first} less {second} {_number(delta['value'])} "
        f"({_number(delta['low'])} to {_number(delta['high'])}), p = {p_value(report['p_value'])}", soft_wrap=True
    )  # fmt: skip


_HEADINGS = ("rows", "rate with it", "rate without", "effect", "95 %", "p (adjusted)")


def _line(each: dict[str, Any]) -> tuple[Any, ...]:
    effect, own = each["effect"], ("rows", "treated_rate", "untreated_rate", "effect", "p_value")
    names = [value for name, value in each.items() if name not in own]
    rates = (_number(each["treated_rate"]), _number(each["untreated_rate"]))
    span = f"{_number(effect['low'])} to {_number(effect['high'])}"
    return (*names, each["rows"], *rates, _number(effect["value"]), span, p_value(each["p_value"]))


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4f}"
