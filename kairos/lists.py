"""Campaigns as `kairos campaigns` shows them: files beside what is in service, versions beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from campaigns.lifecycle import LifecycleError, Standing
from campaigns.register import ALL, Register
from campaigns.versions import body_of, diff, text_of
from kairos.errors import KairosError, ProblemsFoundError
from kairos.inspection import readable_sources, runnable
from kairos.workspace import Workspace


def listed(place: Workspace, register: Register) -> dict[str, Any]:
    """Every campaign there is a file or a standing of; broken files stay listed."""
    files, problems = place.campaigns()
    says = {file.campaign.name: file.campaign.version for file in files}
    found = {each["campaign"]: each for each in register.listed()}
    blank = {"changed_at": "", "by": ""}
    stems = {path.stem for path in place.campaign_files()}
    lines = []
    for name in sorted(says.keys() | found.keys() | stems):
        standing = found.get(name, {**vars(Standing(name)), **blank})
        missing = "cannot be read" if name in stems else "no file"
        lines.append({**standing, "file": says.get(name, missing)})
    return {
        "approval": place.settings.approval,
        "campaigns": lines,
        "stopped": register.halts().get(ALL, ""),
        "problems": [problem.as_dict() for problem in problems],
    }


def told(place: Workspace, register: Register, name: str) -> dict[str, Any]:
    """One campaign in full."""
    standing = _known(place, register, name)
    body = register.body(name, standing.version) if standing.version else _file(place, name)
    return {
        **vars(standing),
        "versions": register.versions(name),
        "acts": register.acts(name),
        "stopped": register.halts().get(ALL, ""),
        "text": text_of(body) if body else "",
    }


def changes(place: Workspace, register: Register, name: str, version: str | None) -> dict[str, Any]:
    """The difference an approval, or a run, would make. Raises LifecycleError for a version there is not."""
    standing = _known(place, register, name)
    served = version or standing.version
    before = register.body(name, served) if served else ""
    waits = standing.proposed if not version else ""
    after = register.body(name, waits) if waits else _file(place, name)
    if not after and name in {path.stem for path in place.campaign_files()}:
        raise KairosError(f"the file of {name} cannot be read; see `kairos lint -w {place.folder}`")
    names = (f"{name} {served or '(nothing)'}", f"{name} {waits or '(file)'}")
    return {"campaign": name, "before": names[0], "after": names[1], "lines": diff(before, after, names)}


def published(place: Workspace, register: Register, names: Sequence[str], now: datetime, by: str) -> dict[str, Any]:
    """Put sound campaigns up for approval, or into service where nobody need approve. Raises KairosError for a name unknown."""
    from triggers import columns_of

    sources, problems = readable_sources(place)
    if sources is None:
        raise ProblemsFoundError(problems)
    good, problems = runnable(place, columns_of(sources))
    missing = sorted(set(names) - {path.stem for path in place.campaign_files()})
    if missing:
        raise KairosError(f"there is no file campaigns/{missing[0]}.yaml")
    chosen = [campaign for campaign in good if not names or campaign.name in names]
    lines = []
    for campaign in chosen:
        before = register.standing(campaign.name)
        if before and before.final and not names:
            continue
        if place.settings.approval == "required":
            after = register.propose(campaign, now, by)
        else:
            after = register.adopt([campaign], now, by)[campaign.name]
        lines.append({**vars(after), "told": _outcome(after, campaign.version)})
    return {"campaigns": lines, "problems": [each.as_dict() for each in problems]}


def _outcome(after: Standing, version: str) -> str:
    if after.final:
        return "stopped for good"
    if after.proposed == version:
        return f"version {version} waits for an approval"
    if after.version == version:
        return f"version {version} is in service"
    return f"version {after.version} stays in service; version {version} was rolled back from"


def _file(place: Workspace, name: str) -> str:
    files, _ = place.campaigns()
    return next((body_of(file.campaign) for file in files if file.campaign.name == name), "")


def _known(place: Workspace, register: Register, name: str) -> Standing:
    standing = register.standing(name)
    if standing is None and not _file(place, name):
        known = ", ".join(sorted({*register.standings(), *(path.stem for path in place.campaign_files())})) or "none"
        raise LifecycleError(f"there is no campaign {name!r}; known: {known}")
    return standing or Standing(name)
