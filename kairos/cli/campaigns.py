"""`kairos campaigns`: what is in service, who let it, and the switch that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console, table

if TYPE_CHECKING:
    from campaigns.register import Register
    from kairos.workspace import Workspace

commands = typer.Typer(help="Publish, approve, pause and stop campaigns.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="name of the campaign")]
OneOrAllArgument = Annotated[str | None, typer.Argument(help="name of the campaign")]
ByOption = Annotated[str | None, typer.Option(help="who does it; KAIROS_USER, or the user of the system, where absent")]
VersionOption = Annotated[str | None, typer.Option(help="only this version, as it was read")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(commands, name="campaigns")


@commands.callback()
def group() -> None:
    """Publish, approve, pause and stop campaigns."""


@contextmanager
def _opened(workspace: Path) -> Iterator[tuple[Workspace, Register]]:
    from campaigns.register import Register
    from kairos.workspace import Workspace

    place = Workspace(Path(workspace))
    with place.ledger() as ledger:
        yield place, Register(ledger)


def _now() -> datetime:
    return datetime.now(UTC)


def _who(by: str | None) -> str:
    from kairos.service import actor

    return by or actor()


def _tell(shown: dict[str, Any], words: str, json_: bool) -> None:
    as_json(shown) if json_ else console().print(words, soft_wrap=True, highlight=False)


@commands.command("list")
def list_(workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """Every campaign: its state, the version in service, what its file says, what waits for an approval."""
    from kairos.lists import listed

    with _opened(workspace) as (place, register):
        shown = listed(place, register)
    if json_:
        as_json(shown)
        return
    rows = [
        (
            each["campaign"],
            each["state"],
            each["version"],
            each["file"],
            each["proposed"],
            each["changed_at"],
            each["by"],
        )
        for each in shown["campaigns"]
    ]
    names = ("campaign", "state", "in service", "file says", "waits for approval", "since", "by")
    console().print(table("Campaigns", names, rows))
    if shown["stopped"]:
        console().print(f"[bold red]Nothing is sent:[/bold red] {shown['stopped']}", soft_wrap=True)


@commands.command("show")
def show(name: NameArgument, workspace: WorkspaceOption = HERE, json_: JsonOption = False) -> None:
    """One campaign: where it stands, its versions, what was done about it, and what the version in service says."""
    from kairos.lists import told

    with _opened(workspace) as (place, register):
        shown = told(place, register, name)
    if json_:
        as_json(shown)
        return
    out = console()
    out.print(f"{name}: {shown['state']}", highlight=False)
    versions = [
        (
            each["version"],
            each["published_at"],
            each["published_by"],
            each["approved_at"] or "",
            each["approved_by"] or "",
        )
        for each in shown["versions"]
    ]
    out.print(table("Versions", ("version", "written", "by", "approved", "by"), versions))
    acts = [(each["at"], each["actor"], each["act"], each["detail"]) for each in shown["acts"]]
    out.print(table("What was done", ("at", "by", "act", "what changed"), acts))
    print(shown["text"], end="")


@commands.command("diff")
def diff(
    name: NameArgument, workspace: WorkspaceOption = HERE, version: VersionOption = None, json_: JsonOption = False
) -> None:
    """What would change: from the version in service to the one that waits, or else to the file; --version compares with that one."""
    from kairos.lists import changes

    with _opened(workspace) as (place, register):
        shown = changes(place, register, name, version)
    if json_:
        as_json(shown)
    else:
        print("\n".join(shown["lines"]) if shown["lines"] else f"{shown['before']} and {shown['after']} say the same")


@commands.command("publish")
def publish(
    names: Annotated[list[str] | None, typer.Argument(help="names of campaigns; all sound ones where absent")] = None,
    workspace: WorkspaceOption = HERE,
    by: ByOption = None,
    json_: JsonOption = False,
) -> None:
    """Put what the files say up for approval, or, with `approval: none`, into service."""
    from kairos.lists import published

    with _opened(workspace) as (place, register):
        shown = published(place, register, names or [], _now(), _who(by))
    if json_:
        as_json(shown)
    else:
        for each in shown["campaigns"]:
            print(f"{each['campaign']}: {each['state']}, {each['told']}")
        for problem in shown["problems"]:
            print(f"{problem['path']}:{problem['line']}:{problem['column']}: {problem['message']}")
    if shown["problems"]:
        raise typer.Exit(1)


@commands.command("approve")
def approve(
    name: NameArgument,
    workspace: WorkspaceOption = HERE,
    version: VersionOption = None,
    by: ByOption = None,
    json_: JsonOption = False,
) -> None:
    """Let the version that waits into service. Whoever wrote it cannot; read `kairos campaigns diff` first."""
    with _opened(workspace) as (place, register):
        approvers = place.settings.approvers
        after = register.approve(name, _now(), _who(by), approvers, version or "")
    _tell(vars(after), f"{name}: version {after.version} is {after.state}", json_)


@commands.command("pause")
def pause(
    name: NameArgument, workspace: WorkspaceOption = HERE, by: ByOption = None, json_: JsonOption = False
) -> None:
    """Find, decide and send nothing of a campaign until `resume`."""
    with _opened(workspace) as (_, register):
        after = register.pause(name, _now(), _who(by))
    _tell(vars(after), f"{name} is paused; `kairos campaigns resume {name}` goes on", json_)


AllOption = Annotated[bool, typer.Option("--all", help="everything")]


@commands.command("resume")
def resume(
    name: OneOrAllArgument = None,
    workspace: WorkspaceOption = HERE,
    everything: AllOption = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> None:
    """Go on with a paused campaign, or after `stop --all`. What came due meanwhile follows `late` and `max_age`."""
    chosen = _one(name, everything)
    with _opened(workspace) as (_, register):
        if chosen is None:
            register.resume_all(_now(), _who(by))
        else:
            register.resume(chosen, _now(), _who(by))
        states = _states(register)
    _tell({"resumed": chosen or "*", "campaigns": states}, f"{chosen or 'sending'} goes on", json_)


@commands.command("stop")
def stop(
    name: OneOrAllArgument = None,
    workspace: WorkspaceOption = HERE,
    everything: AllOption = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> None:
    """End a campaign for good and withdraw what waits; --all is the kill switch: nothing more of anything leaves, until `resume --all`."""
    chosen, gone = _one(name, everything), 0
    with _opened(workspace) as (_, register):
        if chosen is None:
            register.stop_all(_now(), _who(by))
        else:
            gone = register.stop(chosen, _now(), _who(by))
        states = _states(register)
    words = f"{chosen} has ended; {gone:,} messages withdrawn" if chosen else "nothing more is sent"
    _tell({"stopped": chosen or "*", "withdrawn": gone, "campaigns": states}, words, json_)


@commands.command("rollback")
def rollback(
    name: NameArgument,
    version: Annotated[str, typer.Argument(help="a version that was in service; see `kairos campaigns show`")],
    workspace: WorkspaceOption = HERE,
    by: ByOption = None,
    json_: JsonOption = False,
) -> None:
    """Put an earlier version into service again; what the file says now does not come back until the file is changed."""
    with _opened(workspace) as (_, register):
        after = register.roll_back(name, version, _now(), _who(by))
    _tell(vars(after), f"{name}: version {version} is in service again", json_)


def _one(name: str | None, everything: bool) -> str | None:
    if (name is None) != everything:
        raise typer.BadParameter("name one campaign, or say --all")
    return name


def _states(register: Register) -> dict[str, str]:
    return {name: standing.state for name, standing in register.standings().items()}
