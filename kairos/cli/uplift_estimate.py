"""`kairos uplift estimate`: the effect of a treatment in a file of one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.output import JsonOption, as_json, console, table
from kairos.figures import p_value

if TYPE_CHECKING:
    from rich.console import Console

    from recommender.effect.plan import Plan


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("estimate")(estimate)


def estimate(
    data: Annotated[Path, typer.Option(help="CSV (also .gz) or Parquet, one row for each that was drawn")],
    treatment: Annotated[str, typer.Option(help="column of the group: 0 and 1, or named arms")],
    outcome: Annotated[str, typer.Option(help="column of the outcome: 0 and 1, a count or an amount")],
    per: Annotated[
        str | None, typer.Option(help="column the outcome is divided by: a ratio of sums, by the delta method")
    ] = None,
    covariate: Annotated[
        list[str] | None, typer.Option(help="column known before the treatment, for CUPED; may be repeated")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="column to tell the effect by")] = None,
    cost: Annotated[str | None, typer.Option(help="column of what was spent on the row")] = None,
    control: Annotated[str | None, typer.Option(help="group the others are compared with; 0 where absent")] = None,
    share: Annotated[
        list[str] | None, typer.Option(help="share of the rows a group was meant to have, NAME=0.5; once a group")
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="error allowed: intervals hold with 1 - alpha")
    ] = 0.05,
    worth: Annotated[
        float | None, typer.Option(help="smallest effect that matters; a fifth of the control's level where absent")
    ] = None,
    look: Annotated[
        str | None, typer.Option(help="look 2/5 of a plan: judged by O'Brien-Fleming's boundary for it")
    ] = None,
    peeking: Annotated[
        bool, typer.Option("--peeking", help="looked at again and again: judged by the always-valid interval")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Tell what a treatment caused: levels, difference with intervals, sample-ratio check, and whether it is proven."""
    from recommender.effect.estimate import estimate as compare
    from recommender.effect.files import control_of, read_groups
    from recommender.effect.groups import Columns

    columns = Columns(treatment, outcome, per, tuple(covariate or ()), segment, cost)
    plan = _plan(alpha, worth, look, peeking)
    groups = read_groups(data, columns)
    base = control_of(groups, columns, control)
    found = compare(groups, columns, base, plan, _shares(share, list(groups.by_group())))
    report = {"data": str(data), "treatment": treatment, "alpha": alpha, "judged_by": plan.reading}
    report |= found.as_dict() | {"query": groups.query}
    if json_:
        as_json(report)
    else:
        show(console(), report)


def _plan(alpha: float, worth: float | None, look: str | None, peeking: bool) -> Plan:
    from recommender.effect.plan import Plan, even_looks

    if look is None:
        return Plan(alpha, "always_valid" if peeking else "fixed", worth=worth)
    if peeking:
        raise typer.BadParameter("looks are planned or they are not; give one of --look and --peeking")
    said = re.fullmatch(r"(\d+)/(\d+)", look)
    try:
        looks = even_looks(int(said[1]), int(said[2])) if said else ()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--look") from error
    if not looks:
        raise typer.BadParameter("write this look and how many are planned, as 2/5", param_hint="--look")
    return Plan(alpha, "planned", looks, worth)


def _shares(said: list[str] | None, names: list[str]) -> dict[str, float] | None:
    """Group to share. Raises BadParameter for one that is no group, none of a group, or no number above 0."""
    if not said:
        return None
    shares: dict[str, float] = {}
    for each in said:
        name, _, number = each.rpartition("=")
        if name not in names or not re.fullmatch(r"\d*\.?\d+", number) or not float(number):
            raise typer.BadParameter(f"{each!r}: write GROUP=0.5; groups: {', '.join(names)}", param_hint="--share")
        shares[name] = float(number)
    if missing := set(names) - set(shares):
        raise typer.BadParameter(f"and the share of {', '.join(sorted(missing))}?", param_hint="--share")
    return shares


def show(out: Console, report: dict[str, Any]) -> None:
    """Health first, then levels, then effects."""
    _show_ratio(out, report["sample_ratio"])
    measured = report["metric"]["outcome"] + (f" / {report['metric']['per']}" if report["metric"]["per"] else "")
    rows = [(g["group"], g["n"], f"{g['total']:,.6g}", _short(g["level"])) for g in report["groups"]]
    out.print(
        table(
            f"Groups; the control is {report['control']}", ("group", "rows", "total", measured), rows, numbers=("rows",)
        )
    )
    names = ("group", "effect", "interval", "always valid", "of control", "p", "verdict")
    out.print(
        table(f"Effect on {measured}, {1 - report['alpha']:.0%} intervals", names, [_row(e) for e in report["effects"]])
    )
    if report["segments"]:
        rows = [(e["segment"], *_row(e)) for e in report["segments"]]
        out.print(table("By segment (p after Benjamini-Hochberg)", ("segment", *names), rows))
        for group, p in report["same_in_all_segments"].items():
            if p is not None:
                out.print(
                    f"{group}: were the effect the same in all segments, they would differ so much with p = {p_value(p)}."
                )
    for each in report["effects"]:
        _say(out, each)


def _show_ratio(out: Console, ratio: dict[str, Any] | None) -> None:
    if ratio is None:
        out.print("Sample ratio: not checked, the groups are far from equal; say with --share what was meant.")
        return
    meant = "equal shares (assumed)" if ratio["assumed_equal"] else "the shares meant"
    sound = "fits" if ratio["sound"] else "DOES NOT FIT: find out who was lost before you believe anything below"
    out.print(f"Sample ratio: {sound}; {meant}, p = {ratio['p_value']:.3g}.")


def _row(effect: dict[str, Any]) -> tuple[str, ...]:
    relative = effect["relative"]["value"]
    return (
        effect["group"],
        _signed(effect["estimate"]),
        span(effect.get("planned") or effect["fixed"]),
        span(effect["always_valid"]),
        "" if relative is None else f"{relative:+.1%}",
        p_value(effect["p_adjusted"]),
        effect["verdict"],
    )


def _say(out: Console, effect: dict[str, Any]) -> None:
    words = f"{effect['group']}: {effect['verdict']}. {effect['why'][:1].upper()}{effect['why'][1:]}."
    if effect["cuped"]:
        words += f" Covariates took {effect['cuped']['variance_cut']:.1%} off the variance."
    cost = effect["cost_per_outcome"]
    if cost:
        bound = span(cost["fixed"]) if cost["bounded"] else "no bound, since the effect may be 0"
        words += f" One more outcome cost {_short(cost['value'])} ({bound})."
    out.print(words, soft_wrap=True)


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.5g}"


def span(ends: list[float | None]) -> str:
    """An interval in words; an end that is open is an ellipsis."""
    low, high = ("…" if end is None else f"{end:+.4g}" for end in ends)
    return f"{low} to {high}"
