"""Which campaigns are in service: what the files say where nobody need approve it, else what was published and approved."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.lifecycle import Standing
from campaigns.lint import lint_campaign
from campaigns.problems import Problem
from campaigns.register import ALL, Register
from campaigns.versions import campaign_of, document_of
from kairos.inspection import runnable, surroundings
from kairos.workspace import Workspace

if TYPE_CHECKING:
    from triggers.trigger import Columns


@dataclass(frozen=True)
class Service:
    """What a turn runs. `campaigns` holds the paused ones too, as not enabled: what of them waits is still looked at.

    `idle`: name -> why it does not run. `warnings`: what runs, and perhaps should not.
    """

    campaigns: list[Campaign]
    problems: list[Problem]
    idle: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """The part of a report about what does not run, or should not."""
        return {
            "problems": [problem.as_dict() for problem in self.problems],
            "idle": self.idle,
            "warnings": self.warnings,
        }


def actor() -> str:
    """Who works here: KAIROS_USER, else the user of the system."""
    return os.environ.get("KAIROS_USER") or getpass.getuser()


def in_service(place: Workspace, columns: Columns, ledger: Ledger, now: datetime) -> Service:
    """What may run now, noted in the ledger as running. Faulty campaigns are left out and told under `problems`."""
    register = Register(ledger)
    if place.settings.approval == "required":
        service, standings = _approved(place, columns, register)
    else:
        service, standings = _as_written(place, columns, register, now)
    if ALL in register.halts():
        return Service([resting(each) for each in service.campaigns], service.problems, {ALL: register.halts()[ALL]})
    running = [each for each in service.campaigns if standings[each.name].runs]
    register.begin((each.name for each in running if standings[each.name].state == "reviewed"), now, actor())
    paused = [resting(each) for each in service.campaigns if standings[each.name].state == "paused"]
    return Service([*running, *paused], service.problems, _idle(standings))


def served(place: Workspace, ledger: Ledger) -> list[Campaign]:
    """The campaigns whose messages are handed over, by the version in service: approved, or as the files say."""
    files, _ = place.campaigns()
    found = {file.campaign.name: file.campaign for file in files}
    register = Register(ledger)
    for name, standing in register.standings().items():
        if standing.version and (name not in found or found[name].version != standing.version):
            campaign, _ = _published(register, standing)
            found |= {name: campaign} if campaign else {}
    return list(found.values())


def _as_written(
    place: Workspace, columns: Columns, register: Register, now: datetime
) -> tuple[Service, dict[str, Standing]]:
    """What the files say goes into service; what is paused, stopped or rolled back stays so."""
    good, problems = runnable(place, columns)
    register.vanish(sorted(_gone(place, register)), now, actor())
    found = register.adopt(good, now, actor())
    kept: list[Campaign] = []
    for campaign in good:
        served = found[campaign.name].version
        kept.append(campaign if served == campaign.version else campaign_of(register.body(campaign.name, served)))
    return Service(kept, problems), {**register.standings(), **found}


def _gone(place: Workspace, register: Register) -> set[str]:
    """Campaigns in service whose file is not there any more; a file that cannot be read is there."""
    files, _ = place.campaigns()
    here = {path.stem for path in place.campaign_files()} | {file.campaign.name for file in files}
    return {name for name, each in register.standings().items() if each.state != "ended" and name not in here}


def _approved(place: Workspace, columns: Columns, register: Register) -> tuple[Service, dict[str, Standing]]:
    """The approved versions, whatever the files say."""
    around = surroundings(place, columns)
    standings = register.standings()
    good: list[Campaign] = []
    problems: list[Problem] = []
    for name, standing in standings.items():
        if not standing.version or standing.state == "ended":
            continue
        campaign, faults = _published(register, standing)
        if campaign:
            document = document_of(name, standing.version, register.body(name, standing.version))
            faults = lint_campaign(document, campaign, around)
        problems += faults
        good += [campaign] if campaign and not faults else []
    files, broken = place.campaigns()
    never = {file.campaign.name: Standing(file.campaign.name) for file in files}
    return Service(good, sorted(set(problems) | set(broken))), {**never, **standings}


def _published(register: Register, standing: Standing) -> tuple[Campaign | None, list[Problem]]:
    try:
        return campaign_of(register.body(standing.campaign, standing.version)), []
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        hint = "publish it again from a file this Kairos can read"
        path = f"version {standing.version}/{standing.campaign}.yaml"
        return None, [Problem(path, 1, 1, where, f"this Kairos cannot read it: {first['msg']}", hint)]


def resting(campaign: Campaign) -> Campaign:
    """The campaign as it is while it does not run."""
    return campaign.model_copy(update={"enabled": False})


def _idle(standings: dict[str, Standing]) -> dict[str, str]:
    why: dict[str, str] = {}
    for name, standing in sorted(standings.items()):
        if standing.runs:
            continue
        if standing.state == "draft":
            waits = f"version {standing.proposed} waits for an approval" if standing.proposed else "not published"
            why[name] = f"{waits}; see `kairos campaigns {'approve' if standing.proposed else 'publish'}`"
        else:
            why[name] = standing.state
    return why
