"""Lint of a whole workspace: every campaign that may run, and every problem of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from campaigns.definition import Campaign
from campaigns.lint import Surroundings, lint_campaign
from campaigns.problems import Problem
from campaigns.workspace_lint import links_refused, overlaps, unreachable, uplift_unheard
from kairos.errors import ProblemsFoundError
from kairos.workspace import CampaignFile, Workspace

if TYPE_CHECKING:
    from triggers.sources import Sources
    from triggers.trigger import Columns

LINT_DAY = datetime(2026, 1, 5, 10, tzinfo=UTC)
"""Conditions are tried against empty tables; any instant will do, so lint needs no clock."""


def inspect_workspace(folder: Path) -> tuple[int, list[Problem]]:
    """Check everything in a workspace: how many campaign files there are, and what is wrong. Raises KairosError, ProblemsFoundError."""
    from triggers import columns_of

    place = Workspace(folder)
    sources, problems = readable_sources(place)
    problems += _calendar_problems(place) + _list_problems(place)
    files = len(list((folder / "campaigns").glob("*.y*ml")))
    if sources is not None:
        columns = columns_of(sources)
        around, read = surroundings(place, columns), place.campaigns()
        problems += _apart(read, around)[1] + _together(read[0], around, sources.views)
    else:
        problems += place.campaigns()[1]
    if not files:
        problems.append(
            Problem(
                str(folder / "campaigns"), 1, 1, "", "there are no campaigns", "write one, or see `kairos init --help`"
            )
        )
    return files, sorted(problems)


def _together(found: Sequence[CampaignFile], around: Surroundings, given: Collection[str]) -> list[Problem]:
    """What is worth a look before campaigns go out, and stops none of them from running."""
    written = [(file.document, file.campaign) for file in found]
    problems = overlaps(written, LINT_DAY)
    for document, campaign in written:
        problems += unreachable(document, campaign) + links_refused(document, campaign, around)
        problems += uplift_unheard(document, campaign, given)
    return problems


def _calendar_problems(place: Workspace) -> list[Problem]:
    try:
        _ = place.calendar
    except ProblemsFoundError as error:
        return error.problems
    return []


def _list_problems(place: Workspace) -> list[Problem]:
    try:
        _ = place.policy(), place.do_not_contact
    except ProblemsFoundError as error:
        return error.problems
    return []


def readable_sources(place: Workspace) -> tuple[Sources | None, list[Problem]]:
    """What sources.yaml says, or what is wrong with it."""
    from triggers import SourceError

    try:
        return place.sources(), []
    except SourceError as error:
        return None, [_source_problem(fault, place) for fault in (error, *error.others)]


def _source_problem(fault: object, place: Workspace) -> Problem:
    from triggers import SourceError

    assert isinstance(fault, SourceError)  # noqa: S101 - narrows the type
    path = str(fault.path or place.folder / "sources.yaml")
    return Problem(path, fault.line, fault.column, fault.where, fault.message, fault.hint)


def surroundings(place: Workspace, columns: Columns) -> Surroundings:
    """What campaigns are checked against."""
    return Surroundings(columns, place.words(), place.profiles(), LINT_DAY, place.dialling_code, place.settings.prices)


def runnable(place: Workspace, columns: Columns) -> tuple[list[Campaign], list[Problem]]:
    """The campaigns without problems, and the problems of the others: one broken file stops no other campaign."""
    return _apart(place.campaigns(), surroundings(place, columns))


def _apart(
    read: tuple[list[CampaignFile], list[Problem]], around: Surroundings
) -> tuple[list[Campaign], list[Problem]]:
    """Of campaign files that were read: the campaigns without problems, and the problems of the others."""
    found, problems = read
    names = Counter(file.campaign.name for file in found)
    good: list[Campaign] = []
    for file in found:
        faults = lint_campaign(file.document, file.campaign, around) + _doubled(file, names)
        problems += faults
        if not faults:
            good.append(file.campaign)
    return good, sorted(set(problems))


def _doubled(file: CampaignFile, names: Counter[str]) -> list[Problem]:
    if names[file.campaign.name] < 2:
        return []
    return [
        file.document.problem(("name",), f"two files are called {file.campaign.name!r}", "campaign names are unique")
    ]
