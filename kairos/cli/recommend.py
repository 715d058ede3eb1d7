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
