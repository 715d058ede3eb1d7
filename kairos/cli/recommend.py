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
    json_: JsonOption = False,
) -> None:
    """Learn which offers help whom; the model goes into service when it is complete."""
    from kairos.workspace import Workspace
    from recommender import fit as fit_models

    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    with progress() as tell, place.facts(now, tell) as facts:
        report = fit_models(facts.db, place.models, now, seed=seed, progress=tell)
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
    json_: JsonOption = False,
) -> None:
    """Show the best offers of some customers, with probability and reason."""
    from kairos.offers import top_offers
    from kairos.workspace import Workspace

    if kind not in (None, "insurance", "service"):
        raise typer.BadParameter("insurance or service", param_hint="--kind")
    wanted: Literal["insurance", "service"] | None = kind  # type: ignore[assignment]
    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    offers = top_offers(place, customer or (), wanted, k, now)
    if json_:
        as_json(offers)
        return
    rows = [(o["customer_id"], o["rank"], o["name"], f"{o['probability']:.3f}", o["reason"]) for o in offers]
    console().print(table("Offers", ("customer", "rank", "offer", "probability", "reason"), rows))


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
    if json_:
        as_json(found.as_dict())
    else:
        _show_comparison(found.as_dict())


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
    for problem in report["problems"]:
        out.print(
            f"[bold red]never offered:[/bold red] {problem['product_id']}: {problem['message']} ({problem['hint']})"
        )
