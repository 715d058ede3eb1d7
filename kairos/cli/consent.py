"""`kairos consent`: what customers say about being contacted, told to Kairos itself."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.output import HERE, JsonOption, WorkspaceOption, as_json, console

if TYPE_CHECKING:
    from kairos.workspace import Workspace

commands = typer.Typer(help="What customers say about being contacted.", no_args_is_help=True)
CustomerArgument = Annotated[str, typer.Argument(help="the insurer's id of the customer")]
ChannelOption = Annotated[str, typer.Option(help="sms, push, email, ai_outbound, agent_task, or * for all")]
PurposeOption = Annotated[str, typer.Option(help="service, care, marketing, or * for all")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(commands, name="consent")


@commands.callback()
def group() -> None:
    """What customers say about being contacted."""


@commands.command("request")
def request(
    customer: CustomerArgument,
    text_version: Annotated[str, typer.Option(help="version of the wording the customer is asked to agree to")],
    purpose: PurposeOption = "marketing",
    channel: ChannelOption = "sms",
    valid: Annotated[str, typer.Option(help="how long the customer may confirm")] = "48h",
    request_id: Annotated[str | None, typer.Option("--id", help="id of the request; the same one asks once")] = None,
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Ask for a consent: it grants nothing until the customer confirms. A campaign on `consent_requested` sends the question."""
    from campaigns.optin import Request, ask

    now = datetime.now(UTC)
    wanted = Request(request_id or uuid.uuid4().hex, customer, purpose, channel, text_version)
    expires_at = _span(valid).after(now)
    with _workspace(workspace).ledger() as ledger:
        new = ask(ledger, wanted, secrets.token_urlsafe(24), now, expires_at)
    told = {"request_id": wanted.request_id, "new": new, "expires_at": expires_at.isoformat()}
    words = f"asked as {wanted.request_id}, to be confirmed before {expires_at:%Y-%m-%d %H:%M} UTC"
    _tell(told, words if new else f"{wanted.request_id} was asked before", json_)


@commands.command("confirm")
def confirm(
    token: Annotated[str, typer.Argument(help="the token of the link the customer followed")],
    evidence: Annotated[str, typer.Option(help="where the record of it is kept, e.g. the page and its log")],
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Take back the token of a question: once, and before it expires; exit code 1 where it confirms nothing."""
    from campaigns.optin import confirm as take

    with _workspace(workspace).ledger() as ledger:
        answer = take(ledger, token, datetime.now(UTC), evidence)
    _tell(
        {"answer": answer, "granted": answer == "confirmed"},
        f"the token is {answer}" if answer != "confirmed" else "confirmed",
        json_,
    )
    if answer != "confirmed":
        raise typer.Exit(1)


@commands.command("reply")
def reply(
    words: Annotated[str, typer.Argument(help="all of what the customer wrote")],
    sender: Annotated[str, typer.Option("--from", help="phone number or e-mail address it came from")],
    answer_id: Annotated[str, typer.Option("--id", help="the provider's id of it: the same one counts once")],
    channel: Annotated[str, typer.Option(help="sms or email")] = "sms",
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Act on what a customer wrote back: a stop, a confirmation, something for a person, or nothing."""
    from campaigns.replies import Reply, take_reply

    place = _workspace(workspace)
    said = Reply(answer_id, channel, _address(place, channel, sender), words, datetime.now(UTC))
    with place.ledger() as ledger:
        meaning = take_reply(ledger, said, place.policy().salt_of_hashes)
    _tell({"meaning": meaning}, meaning.replace("_", " "), json_)


@commands.command("refuse")
def refuse(
    customer: CustomerArgument,
    evidence: Annotated[str, typer.Option(help="where the record of it is kept")],
    purpose: PurposeOption = "*",
    channel: ChannelOption = "*",
    workspace: WorkspaceOption = HERE,
    json_: JsonOption = False,
) -> None:
    """Note that a customer told somebody to stop: everything, or one purpose or channel. What waits in the outbox does not go."""
    from campaigns.policy import PURPOSES
    from channels.contract import MEDIA
    from kairos.errors import KairosError

    if purpose not in (*PURPOSES, "*") or channel not in (*MEDIA, "*"):
        raise KairosError(
            f"there is no {purpose!r} on {channel!r}; purposes: {', '.join(PURPOSES)}; channels: {', '.join(MEDIA)}; * is all"
        )
    with _workspace(workspace).ledger() as ledger:
        new = ledger.opt_out(customer, datetime.now(UTC), evidence, purpose=purpose, medium=channel)
    _tell({"customer_id": customer, "purpose": purpose, "channel": channel, "new": new}, "noted", json_)


def _address(place: Workspace, channel: str, written: str) -> str:
    """The address as messages have it. Raises KairosError where it is none."""
    from kairos.errors import KairosError
    from triggers.phones import e164

    if channel == "email":
        return written.strip()
    number = e164(written, place.settings.phone_region)
    if channel != "sms" or number is None:
        raise KairosError(
            f"nobody can write by {channel} from {written!r}; name sms and a phone number, or email and an address"
        )
    return number


def _span(written: str) -> Any:
    from kairos.errors import KairosError
    from triggers.durations import Span

    try:
        return Span.parse(written)
    except ValueError as error:
        raise KairosError(f"--valid: {error}") from error


def _workspace(folder: Path) -> Workspace:
    from kairos.workspace import Workspace

    return Workspace(Path(folder))


def _tell(told: dict[str, Any], words: str, json_: bool) -> None:
    if json_:
        as_json(told)
    else:
        console().print(words, highlight=False)
