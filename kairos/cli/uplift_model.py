"""`kairos uplift model`: whom a contact changes, learnt from a trial, and whether knowing it is worth anything."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress, table

if TYPE_CHECKING:
    from recommender.uplift.frame import Columns, Frame
    from recommender.uplift.trial import Plan

Names = list[str] | None


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("model")(model)


def model(
    outcome: Annotated[str, typer.Option(help="column of the outcome: 0 and 1, or yes and no")],
    train: Annotated[
        Path | None, typer.Option(help="CSV (also .gz) or Parquet to learn from, one row a customer")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="the same columns, of customers to test on")] = None,
    data: Annotated[Path | None, typer.Option(help="instead of both: one file, cut into halves several times")] = None,
    splits: Annotated[int, typer.Option(min=1, help="how often `--data` is cut into halves")] = 6,
    treatment: Annotated[
        str | None, typer.Option(help="column of who was treated; where absent customers are ranked by response only")
    ] = None,
    treated: Annotated[str | None, typer.Option(help="arm that counts as treated, where the column names arms")] = None,
    control: Annotated[str | None, typer.Option(help="arm it is compared with")] = None,
    propensity: Annotated[
        str | None, typer.Option(help="column of each row's probability of treatment; the share treated where absent")
    ] = None,
    estimate_propensity: Annotated[
        bool, typer.Option("--estimate-propensity", help="nobody drew who was treated: estimate it from the features")
    ] = False,
    feature: Annotated[
        Names, typer.Option(help="column to learn from; may be repeated; all others where absent")
    ] = None,
    ignore: Annotated[
        Names, typer.Option(help="column not to learn from: ids, other outcomes; may be repeated")
    ] = None,
    learner: Annotated[Names, typer.Option(help="learner to try; may be repeated; all where absent")] = None,
    best: Annotated[float, typer.Option(min=0.01, max=1, help="share of the customers whose effect is told")] = 0.3,
    value: Annotated[float, typer.Option(min=1e-9, help="what an outcome is worth")] = 1.0,
    cost: Annotated[float, typer.Option(min=0, help="what a contact costs, in the same currency")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="of splits, folds, boosting and intervals")] = 1,
    draws: Annotated[int, typer.Option(min=100, help="times the test rows are drawn again for intervals")] = 500,
    scores: Annotated[Path | None, typer.Option(help="write a score per row, CSV or Parquet by its ending")] = None,
    html: Annotated[Path | None, typer.Option(help="write the report as one page that needs nothing else")] = None,
    locale: Annotated[str, typer.Option(help="language of the page: en or zh-CN")] = "en",
    save: Annotated[
        str | None,
        typer.Option(
            help="fit the best learner that can be served on `--train` or `--data`, and put it in service under this name"
        ),
    ] = None,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="save it also where targeting does not beat the response model")
    ] = False,
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Compare learners of what a contact causes for whom, and say whether targeting by them beats the response model."""
    from recommender.uplift.frame import Columns, read_frame
    from recommender.uplift.policy import Money
    from recommender.uplift.trial import Plan, plan_names

    paths = _paths(train, test, data)
    if treatment is None and (html or save or treated or control or propensity or estimate_propensity):
        raise typer.BadParameter("name the column of who was treated", param_hint="--treatment")
    columns = Columns(outcome, treatment, treated, control, propensity, tuple(feature or ()), tuple(ignore or ()))
    plan = Plan(plan_names(tuple(learner or ())), seed, draws, best, Money(value, cost), estimate_propensity)
    frames = [read_frame(path, columns) for path in paths]
    found = _ranked(frames, splits, plan) if treatment is None else _compared(frames, splits, plan, columns)
    report = {"files": [str(path) for path in paths], "columns": _named(columns), **found.as_dict()}
    if scores is not None:
        from recommender.uplift.scorefile import score_table, write_table

        write_table(score_table(frames[-1], found.scores), scores)
    if html is not None:
        from kairos.pages.uplift_model import page

        html.write_text(page(report, locale), encoding="utf-8")
    if save is not None:
        report["saved"] = _saved(workspace, save, frames[0], (found, report), unproven)
    if json_:
        as_json(report)
    else:
        show(report)


def _saved(
    workspace: Path, name: str, frame: Frame, told: tuple[Any, dict[str, Any]], unproven: bool
) -> dict[str, str]:
    from kairos.uplift import save_model
    from kairos.workspace import Workspace

    return save_model(Workspace(Path(workspace)), name, frame, *told, datetime.now(UTC), unproven=unproven)


def _paths(train: Path | None, test: Path | None, data: Path | None) -> list[Path]:
    if data is not None and train is None and test is None:
        return [data]
    if train is not None and test is not None and data is None:
        return [train, test]
    raise typer.BadParameter("give --train and --test, or --data alone", param_hint="--data")


def _compared(frames: list[Frame], splits: int, plan: Plan, columns: Columns) -> Any:
    from recommender.uplift.comparison import compare_files, compare_splits

    with progress() as tell:
        if len(frames) == 1:
            return compare_splits(frames[0], splits, plan, tell)
        return compare_files(frames[0], frames[1], plan, columns.features, tell)


def _ranked(frames: list[Frame], splits: int, plan: Plan) -> Any:
    from recommender.uplift.gains import rank_files, rank_splits

    with progress() as tell:
        if len(frames) == 1:
            return rank_splits(frames[0], splits, plan.seed, plan.draws, tell)
        return rank_files(frames[0], frames[1], plan.seed, plan.draws)


def _named(columns: Columns) -> dict[str, Any]:
    return {
        name: getattr(columns, name)
        for name in ("treatment", "treated", "control", "outcome", "propensity")
        if getattr(columns, name) is not None
    }


def show(report: dict[str, Any]) -> None:
    """The report as tables: the verdict last, where the eye rests."""
    out = console()
    rows = ", ".join(f"{name} {count:,}" for name, count in report["rows"].items())
    cut = f"; {report['splits']} splits into halves" if report["splits"] > 1 else ""
    if "average_effect" in report:
        out.print(table(f"Learners ({rows}{cut})", _HEADINGS, [_line(each, report) for each in report["learners"]]))
        out.print(f"Qini, AUUC: {report['definition']}", soft_wrap=True)
    else:
        names = ("model", "area under the gains curve", "95 %", "outcomes reached by the better half", "95 %")
        lines = [
            (each["learner"], *_told(each["gains"]), *_told(each["reached_by_half"])) for each in report["learners"]
        ]
        out.print(table(f"Ranked by response ({rows}{cut})", names, lines))
    for name, why in report["left_out"].items():
        out.print(f"[bold]left out:[/bold] {name} {why}", soft_wrap=True)
    out.print(f"[bold]{report['verdict']['finding']}[/bold]", soft_wrap=True)
    for words in report["verdict"]["words"]:
        out.print(f"- {words}", soft_wrap=True)
    if saved := report.get("saved"):
        out.print(f"in service: {saved['name']}, {saved['learner']}, version {saved['version']}", soft_wrap=True)


_HEADINGS = ("learner", "Qini", "95 %", "AUUC", "over response", "95 %", "p", "best", "worth it")


def _line(each: dict[str, Any], report: dict[str, Any]) -> tuple[str, ...]:
    over, worth = each["over_response"], each["worth_contacting"]
    effect = each["best"]["effect"]
    return (
        each["learner"],
        *_told(each["qini"]),
        _number(each["auuc"]["value"]),
        *(_told(over) if over else ("", "")),
        f"{over['p_value']:.3g}" if over else "",
        f"{report['best_share']:.0%}: {_number(effect['value'])}",
        f"{worth['share']:.0%}" if worth else "",
    )


def _told(span: dict[str, Any]) -> tuple[str, str]:
    return _number(span["value"]), f"{_number(span['low'])} to {_number(span['high'])}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4f}"
