"""`kairos ledger`: look after the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, progress, table

commands = typer.Typer(help="Look after the ledger.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(commands, name="ledger")


@commands.callback()
def group() -> None:
    """Look after the ledger."""


@commands.command("check")
def check(workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """Try every law the ledger must obey; exit code 1 where one is broken."""
    from campaigns.check import check as check_ledger
    from kairos.workspace import Workspace

    with Workspace(Path(workspace)).ledger() as ledger:
        findings = check_ledger(ledger)
    broken = [finding for finding in findings if not finding.holds]
    if json_:
        as_json({"holds": not broken, "laws": [{**vars(finding), "holds": finding.holds} for finding in findings]})
    else:
        rows = [(f.law, f.means, "holds" if f.holds else f"broken by {f.broken}, first {f.first}") for f in findings]
        console().print(table("Laws of the ledger", ("law", "means", "result"), rows))
    if broken:
        raise typer.Exit(1)


@commands.command("audit")
def audit(workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """Who did what to campaigns, oldest first; exit code 1 where the log is not whole."""
    from campaigns.audit import entries, faults
    from kairos.workspace import Workspace

    with Workspace(Path(workspace)).ledger() as ledger:
        found, broken = [entry.as_dict() for entry in entries(ledger)], faults(ledger)
    if json_:
        as_json({"whole": not broken, "faults": broken, "entries": found})
    else:
        rows = [(e["seq"], e["at"], e["actor"], e["act"], e["campaign"], e["hash"][:12]) for e in found]
        console().print(table("Audit log", ("entry", "at", "by", "act", "campaign", "hash"), rows))
        for fault in broken:
            print(fault)
    if broken:
        raise typer.Exit(1)


@commands.command("copy")
def copy(
    target: Annotated[
        str, typer.Argument(help="sqlite:///file or postgresql://...; ${NAME} is taken from the environment")
    ],
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Copy the whole ledger into an empty one, to move from a file to a server or back; then name it in kairos.yaml."""
    from contextlib import closing

    from campaigns.ledger.copying import copy_ledger
    from campaigns.ledger.store import is_postgres, open_store
    from kairos.errors import KairosError
    from kairos.workspace import Workspace

    if not (target.startswith("sqlite:///") or is_postgres(target)):
        raise KairosError(
            "there is no such place for a ledger; write sqlite:///ledger.db, or postgresql://user@host/name"
        )
    place = Workspace(Path(workspace))
    with place.ledger() as ledger, closing(open_store(place.place_of(target))) as there:
        rows = copy_ledger(ledger.store, there)
    if json_:
        as_json({"rows": rows})
    else:
        console().print(table("Copied", ("table", "rows"), list(rows.items()), numbers=("rows",)))


@commands.command("archive")
def archive(
    workspace: WorkspaceOption = HERE,
    older_than: Annotated[
        str, typer.Option(metavar="SPAN", help="move what has been over for so long: 24h, 400d, 18mo")
    ] = "400d",
    to: Annotated[
        Path | None, typer.Option(help="folder of the Parquet files; default `archive` in the workspace")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="tell what would move, and move nothing")] = False,
    as_of: Annotated[str | None, typer.Option(help="reckon from this date, or date and time; default now")] = None,
    json_: JsonOption = False,
) -> None:
    """Move what is finished and old out of the ledger into Parquet files, one folder a month; nothing of it is ever sent again.

    May be killed and run again. Reports, caps, answers and erasure go on as before; see the page on looking after the ledger.
    """
    from kairos.archiving import archive_old
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    now = place.instant(as_of, lambda: datetime.now(UTC))
    with progress() as tell:
        report = archive_old(place, older_than, now, to=to, dry_run=dry_run, progress=tell)
    if json_:
        as_json(report)
        return
    rows = list(report["rows"].items())
    title = f"{'Would move' if dry_run else 'Moved'} to {report['folder']}: what was over before {report['before']}"
    console().print(table(title, ("table", "rows"), rows, numbers=("rows",)))
    console().print(
        f"{report['open']:,} older moments are not over yet; {report['needed']:,} stay, because a customer's answer is found by them"
    )


CustomerArgument = Annotated[str, typer.Argument(help="the insurer's id of the customer")]
LedgerOnly = Annotated[
    bool, typer.Option("--ledger-only", help="do not look into the insurer's tables for addresses and policies")
]


@commands.command("export")
def export(
    customer: CustomerArgument,
    workspace: WorkspaceOption = HERE,
    ledger_only: LedgerOnly = False,
    json_: JsonOption = False,
) -> None:
    """Tell everything the ledger holds about a customer, for an inquiry; --json for all of it, else how much of what."""
    from kairos.erasure import tell_all
    from kairos.workspace import Workspace

    told = tell_all(Workspace(Path(workspace)), customer, datetime.now(UTC), ledger_only=ledger_only)
    if json_:
        as_json(told)
        return
    rows = [(name, len(held)) for name, held in told["tables"].items()]
    console().print(table(f"What the ledger holds about {customer}", ("table", "rows"), rows, numbers=("rows",)))
    if told["archive"]:
        rows = [(name, len(held)) for name, held in told["archive"].items()]
        console().print(table(f"What the archive holds about {customer}", ("table", "rows"), rows, numbers=("rows",)))
    for folder in told["unreached"]:
        console().print(f"[bold red]not reached:[/bold red] the archive {folder}", highlight=False, soft_wrap=True)
    if told["erased"]:
        console().print(f"{customer} was erased; nobody of that id, number or address is contacted")


@commands.command("forget")
def forget(
    customers: Annotated[list[str], typer.Argument(help="ids of the customers, as the insurer's tables have them")],
    workspace: WorkspaceOption = HERE,
    ledger_only: LedgerOnly = False,
    json_: JsonOption = False,
) -> None:
    """Erase customers from the ledger and never contact them again; exit code 1 where one has to wait.

    What happened stays counted. Erase them in your own tables first: what those still say comes back with the next run.
    """
    from kairos.erasure import forget_all
    from kairos.workspace import Workspace

    report = forget_all(Workspace(Path(workspace)), customers, datetime.now(UTC), ledger_only=ledger_only)
    if json_:
        as_json(report)
    else:
        for line in report["customers"]:
            console().print(_forgotten(line), highlight=False)
        if report["done"] and not report["scoured"]:
            console().print(
                "somebody is using the ledger: old words may lie in freed pages until this command is run again"
            )
        for place in report["elsewhere"]:
            console().print(f"not reached: {place}", highlight=False, soft_wrap=True)
    if not (report["done"] and report["scoured"]):
        raise typer.Exit(1)


def _forgotten(line: dict[str, object]) -> str:
    if line["unreached"]:
        return (
            f"[bold red]not erased:[/bold red] {line['customer_id']}: the archive is not where it was; "
            f"put it back, then run this again: {', '.join(map(str, cast('list[str]', line['unreached'])))}"
        )
    if not line["done"]:
        return (
            f"[bold red]not erased:[/bold red] {line['customer_id']}: {line['in_hand']} of the messages are in a sender's hand; "
            "let `kairos send` finish, then run this again"
        )
    told = f"erased: {line['customer_id']} is now {line['pseudonym']}"
    return f"{told}; the insurer's tables still name this customer" if line["in_tables"] else told
