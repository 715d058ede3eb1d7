"""`kairos recommend`: fit the model of offers, and look at what it would offer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress, table

commands = typer.Typer(help="Fit the model of offers, and look at what it would offer.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(commands, name="recommend")


@commands.command("fit")
def fit(
    workspace: WorkspaceOption = HERE,
    as_of: Annotated[str | None, typer.Option(help="learn from what was known then; default now")] = None,
    seed: Annotated[int, typer.Option(min=0, help="the same seed and facts make the same model")] = 1,
    model: Annotated[
        str | None,
        typer.Option(help="which model serves, blend and boosting among them; the preferred one where absent"),
    ] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="choose each model's settings on customers kept apart for it; takes longer")
    ] = False,
    outcomes: Annotated[
        bool, typer.Option(help="learn from what became of the offers the ledger knows of, where there is one")
    ] = True,
    json_: JsonOption = False,
) -> None:
    """Learn which offers help whom; the model goes into service when it is complete."""
    from kairos.fitting import fit_workspace
    from kairos.workspace import Workspace
    from recommender.models import models

    if model is not None and model not in models():
        raise typer.BadParameter(f"{model} is none of {', '.join(models())}", param_hint="--model")
    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    with progress() as tell:
        report = fit_workspace(place, now, seed, model=model, tune=tune, outcomes=outcomes, progress=tell)
    if json_:
        as_json(report.as_dict())
    else:
        _show_fit(report.as_dict())


@commands.command("top")
def top(
    workspace: WorkspaceOption = HERE,
    customer: Annotated[
        list[str] | None, typer.Option(help="customer id; may be repeated; the first ten where absent")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="insurance or service; both where absent")] = None,
    k: Annotated[int, typer.Option("--top", min=1, help="how many offers a customer")] = 3,
    as_of: Annotated[str | None, typer.Option(help="as of this date; default now")] = None,
    all_: Annotated[
        Path | None, typer.Option("--all", help="write the offers of every customer to this Parquet file instead")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Show the best offers of some customers, with probability and reason; or write those of all, on a cluster where `engine` names one."""
    from kairos.offers import all_offers, top_offers
    from kairos.workspace import Workspace

    if kind not in (None, "insurance", "service"):
        raise typer.BadParameter("insurance or service", param_hint="--kind")
    wanted: Literal["insurance", "service"] | None = kind  # type: ignore[assignment]
    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    if all_ is not None:
        with progress() as tell:
            made = all_offers(place, all_, wanted, k, now, tell)
        if json_:
            as_json(made)
        else:
            console().print(
                f"{made['offers']:,} offers of {made['served']:,} of {made['customers']:,} customers: {all_}",
                soft_wrap=True,
            )
        return
    offers = top_offers(place, customer or (), wanted, k, now)
    if json_:
        as_json(offers)
        return
    rows = [(o["customer_id"], o["rank"], o["name"], f"{o['probability']:.3f}", o["reason"]) for o in offers]
    console().print(table("Offers", ("customer", "rank", "offer", "probability", "reason"), rows))


@commands.command("list")
def list_(workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """List the fitted versions, the newest first: which one serves, how good it was, and whether it is whole."""
    from kairos.workspace import Workspace
    from recommender.inventory import inventory

    found = inventory(Workspace(Path(workspace)).models)
    if json_:
        as_json([each.as_dict() for each in found])
        return
    rows = [
        (
            each.version,
            "yes" if each.current else "",
            each.served,
            f"{each.mrr_at_3:.3f}",
            each.training_rows,
            each.torn,
        )
        for each in found
    ]
    names = ("version", "in service", "model", "MRR@3", "training rows", "torn")
    console().print(table("Fitted versions", names, rows, numbers=("training rows",)))


@commands.command("use")
def use(
    version: Annotated[str | None, typer.Argument(help="its name; the one before that in service where absent")] = None,
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Put a fitted version into service, in one step: without a name, roll back to the one before."""
    from kairos.workspace import Workspace
    from recommender.store import put_in_service

    serving = put_in_service(Workspace(Path(workspace)).models, version)
    if json_:
        as_json({"version": serving})
    else:
        console().print(f"{serving} is in service", soft_wrap=True)


@commands.command("estimate")
def estimate(
    logged: Annotated[
        Path, typer.Option(help="CSV or Parquet: propensity, outcome, new_propensity, expected? and expected_new?")
    ],
    json_: JsonOption = False,
) -> None:
    """Estimate what another model would have brought, from offers that were drawn by a known chance."""
    from recommender.offpolicy import estimate as worth_of
    from recommender.offpolicy import read_log

    found = worth_of(read_log(logged)).as_dict()
    if json_:
        as_json(found)
        return
    rows = [("as logged", f"{found['logged']['value']:.4f}", _span(found["logged"]), "", "")]
    for name, value in found["estimates"].items():
        more = found["over_logged"][name]
        rows.append((name, f"{value['value']:.4f}", _span(value), f"{more['value']:+.4f}", _span(more)))
    out = console()
    out.print(table("Mean outcome an offer", ("estimate", "mean", "95 %", "over logged", "95 %"), rows))
    out.print(f"{found['rows']:,} offers, of which the weights leave {found['effective_rows']:,.0f}.")
    if found["distrust"]:
        out.print(f"[bold red]not to be trusted:[/bold red] {found['distrust']}", soft_wrap=True)
        raise typer.Exit(1)


@commands.command("evaluate")
def evaluate(
    interactions: Annotated[
        Path, typer.Option(help="CSV or Parquet to learn from: user_id, item_id, event_id?, time?")
    ],
    test: Annotated[Path, typer.Option(help="what was taken later, same columns; an event is foreseen as a whole")],
    eligible: Annotated[
        Path | None, typer.Option(help="event_id, item_id: what each test event could have taken")
    ] = None,
    users: Annotated[Path | None, typer.Option(help="user_id and columns that become features")] = None,
    items: Annotated[Path | None, typer.Option(help="item_id of the whole catalogue")] = None,
    k: Annotated[int, typer.Option(min=1, help="how many offers count")] = 3,
    exposure: Annotated[
        bool | None,
        typer.Option(help="score per chance to take an item; default where --eligible says what could be taken"),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(min=0, help="learn from the test events in so many parts, not eligible = held; needs --eligible"),
    ] = 0,
    search: Annotated[bool, typer.Option(help="choose settings on the window instead of taking the defaults")] = True,
    model: Annotated[list[str] | None, typer.Option(help="only this model and popularity; may be repeated")] = None,
    html: Annotated[Path | None, typer.Option(help="write the comparison as one page that needs nothing else")] = None,
    locale: Annotated[str, typer.Option(help="language of the page: en or zh-CN")] = "en",
    seed: Annotated[int, typer.Option(min=0, help="of the models and of the intervals")] = 1,
    json_: JsonOption = False,
) -> None:
    """Compare every model on your own files: learn from the one, foresee the other, with intervals."""
    from recommender.comparison import compare
    from recommender.foresight import Asked
    from recommender.models import models
    from recommender.trial import read_trial

    if unknown := set(model or ()) - set(models()):
        raise typer.BadParameter(f"{min(unknown)} is none of {', '.join(models())}", param_hint="--model")
    for option, wanted in (("--exposure", exposure), ("--folds", folds)):
        if wanted and eligible is None:
            raise typer.BadParameter("needs --eligible, which says what could be taken", param_hint=option)
    if folds == 1:
        raise typer.BadParameter("a single part leaves nothing to learn from; give 2 or more", param_hint="--folds")
    asked = Asked(only=model, exposure=exposure, search=search)
    trial = read_trial(interactions, test, eligible=eligible, users=users, items=items)
    with progress() as tell:
        found = compare(trial, k, seed, tell, asked=asked, folds=folds)
    if html is not None:
        from kairos.pages.evaluation import page

        html.write_text(page(found.as_dict(), locale), encoding="utf-8")
    if json_:
        as_json(found.as_dict())
        return
    _show_comparison(found.as_dict())
    if html is not None:
        console().print(f"The page: {html}", soft_wrap=True)


def _show_comparison(report: dict[str, Any]) -> None:
    out, k = console(), report["k"]
    names = (
        "model",
        f"HR@{k}",
        "95 %",
        "over popularity",
        "95 %",
        f"MRR@{k}",
        f"NDCG@{k}",
        "precision",
        "recall",
        "MAP",
        "coverage",
        "novelty",
        "Brier",
    )
    for segment in dict.fromkeys(line["segment"] for line in report["models"]):
        lines = [line for line in report["models"] if line["segment"] == segment]
        rows = [
            (
                line["model"], f"{line['hr']['value']:.4f}", _span(line["hr"]),
                *((f"{more['value']:+.4f}", _span(more)) if (more := line["over_popularity"].get("hr")) else ("", "")),
                *(f"{line[name]['value']:.4f}" for name in ("mrr", "ndcg", "precision", "recall", "map")),
                f"{line['coverage']:.0%}",
                f"{line['novelty']:.2f}",
                f"{line['brier']:.4f}",
            )
            for line in lines
        ]  # fmt: skip
        out.print(table(f"{segment}: {lines[0]['events']:,} test events", names, rows))
    fading = (
        f"a row weighs half after {report['half_life_days']:.0f} days" if report["half_life_days"] else "no row fades"
    )
    settings = "; ".join(
        f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in each.items())
        for name, each in report["settings"].items()
    )
    out.print(f"Chosen on the last of the training rows: {fading}; {settings}.", soft_wrap=True)
    for name, why in report["not_fitted"].items():
        out.print(f"[bold]not fitted:[/bold] {name}: {why}")


def _span(value: dict[str, float]) -> str:
    return f"{value['low']:.4f} to {value['high']:.4f}"


def _show_fit(report: dict[str, Any]) -> None:
    out = console()
    rows = [
        (
            m["name"],
            f"{m['hr_at_1']:.3f}",
            f"{m['hr_at_3']:.3f}",
            f"{m['mrr_at_3']:.3f}",
            "yes" if m["name"] == report["served"] else "",
        )
        for m in report["models"]
    ]
    out.print(table(f"Model {report['version']}", ("model", "HR@1", "HR@3", "MRR@3", "served"), rows))
    out.print(report["why"])
    for m in report["models"]:
        if "settings" in m:
            out.print(f"{m['name']}: " + ", ".join(f"{name} {value:g}" for name, value in m["settings"].items()))
    if report["blend"]:
        out.print("blend: " + ", ".join(f"{name} {weight:.3g}" for name, weight in report["blend"].items()))
    if report["outcomes"]:
        told = ", ".join(f"{count:,} {name}" for name, count in report["outcomes"].items())
        out.print(f"Offers learnt from: {told}.")
    for m in report["not_fitted"]:
        out.print(f"[bold]not fitted:[/bold] {m['name']}: {m['note']}")
    for problem in report["problems"]:
        out.print(
            f"[bold red]never offered:[/bold red] {problem['product_id']}: {problem['message']} ({problem['hint']})"
        )
