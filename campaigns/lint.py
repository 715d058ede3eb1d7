"""What is wrong with a campaign beyond its own file: conditions, templates, channels, gateways."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from campaigns.context import known_names, list_names
from campaigns.definition import Campaign
from campaigns.documents import Document
from campaigns.general_words import general_problems
from campaigns.problems import Problem
from campaigns.scene import Words
from campaigns.steps import SendStep
from channels.contract import MEDIA, Profile
from channels.inspection import inspect

if TYPE_CHECKING:
    from triggers.trigger import Columns


CONDITION_HINT = "a condition is SQL over the columns of the view, e.g. line = 'motor' and status = 'active'"


@dataclass(frozen=True)
class Surroundings:
    """What a campaign is checked against: columns of the facts, templates, gateways, the instant, the languages."""

    columns: Columns
    words: Words
    profiles: Mapping[str, Profile]
    now: datetime
    dialling_code: str = ""
    """`+86` ...: gateways have other rules in other countries, and most customers have numbers of this one."""
    prices: Mapping[str, float] = field(default_factory=dict)
    """What a message costs on each channel."""


def lint_campaign(document: Document, campaign: Campaign, around: Surroundings) -> list[Problem]:
    """Every problem of one campaign whose file could be read."""
    problems = _identity(document, campaign, around.words.locales)
    for fault in campaign.trigger.faults(around.columns, around.now):
        loc = ("trigger", *fault.field.split("."))
        problems.append(
            document.problem(loc, fault.message, fault.hint or CONDITION_HINT, shift=(fault.line, fault.column))
        )
    for index, step in enumerate(campaign.steps):
        if isinstance(step, SendStep):
            problems += _step(document, campaign, (index, step), around)
    problems += _arms(document, campaign, around)
    problems += _branches(document, campaign, around.profiles)
    problems += _priced(document, campaign, around.prices) + _suits(document, campaign)
    return sorted(set(problems))


def _arms(document: Document, campaign: Campaign, around: Surroundings) -> list[Problem]:
    """What is wrong with an arm that is not wrong with the campaign as it stands, pointed at where the arm says it."""
    problems: list[Problem] = []
    for number, variant in enumerate(campaign.variants):
        for index, step in enumerate(campaign.in_arm(variant).steps):
            before = campaign.steps[index]
            if (
                not isinstance(step, SendStep)
                or not isinstance(before, SendStep)
                or (step == before and not variant.offers)
            ):
                continue
            same = {fault.message for fault in _step(document, campaign, (index, before), around)}
            line, column = document.position(("variants", number, "steps", step.send.key))
            for fault in _step(document, campaign.in_arm(variant), (index, step), around):
                if fault.message in same:
                    continue
                where = f"variants[{number}].steps.{step.send.key}"
                here = replace(fault, line=line, column=column, where=where)
                problems.append(here if fault.path == document.path else fault)
    return problems


def _branches(document: Document, campaign: Campaign, profiles: Mapping[str, Profile]) -> list[Problem]:
    """Branches on what nobody will ever report."""
    problems: list[Problem] = []
    before: tuple[str, ...] = ()
    for index, step in enumerate(campaign.steps):
        if isinstance(step, SendStep):
            asked, loc = [step.when] if step.when else [], ("steps", index, "when")
        else:
            asked, loc = [ending for ending in step.unless if ending != "goal"], ("steps", index, "unless")
        for branch in asked:
            if not _told(branch.removeprefix("not_"), before, profiles):
                message = f"nobody reports whether a message on {', '.join(before)} was {branch.removeprefix('not_')}"
                hint = "an AI call is answered or not; delivery is reported where the gateway's profile has receipts"
                problems.append(document.problem(loc, message, hint))
        before = step.send.channels if isinstance(step, SendStep) else before
    return problems


def _priced(document: Document, campaign: Campaign, prices: Mapping[str, float]) -> list[Problem]:
    """A limit on cost where a channel has no price: it would limit nothing."""
    if campaign.budget is None or campaign.budget.cost is None:
        return []
    used = dict.fromkeys(medium for step in campaign.sends for medium in step.send.channels)
    missing = [medium for medium in used if medium not in prices]
    message = f"what {', '.join(missing)} costs is not known"
    hint = f"add it under `prices` in kairos.yaml, e.g. prices: {{{missing[0] if missing else ''}: 0.05}}"
    return [document.problem(("budget", "cost"), message, hint)] if missing else []


def _suits(document: Document, campaign: Campaign) -> list[Problem]:
    """A condition nobody can read would refuse everybody."""
    from recommender import check_eligibility

    if campaign.suits is None or not campaign.suits.where:
        return []
    found = check_eligibility({campaign.name: campaign.suits.where})
    loc = ("suits", "where")
    return [document.problem(loc, each.message, each.hint, shift=(each.line, each.column)) for each in found]


def _told(fate: str, channels: Sequence[str], profiles: Mapping[str, Profile]) -> bool:
    """Whether this fate of a message on one of these channels can become known."""
    return "ai_outbound" in channels or (fate == "delivered" and any(profiles[each].receipts for each in channels))


def _identity(document: Document, campaign: Campaign, locales: Sequence[str]) -> list[Problem]:
    problems = []
    stem = Path(document.path).stem
    if campaign.name != stem:
        problems.append(
            document.problem(
                ("name",), f"the campaign is called {campaign.name!r}, its file {stem!r}", "give both the same name"
            )
        )
    if campaign.name in MEDIA:
        problems.append(
            document.problem(("name",), f"{campaign.name!r} is the name of a channel", "choose another name")
        )
    missing = [locale for locale in locales if locale not in campaign.title]
    if missing:
        problems.append(
            document.problem(("title",), f"there is no title in {', '.join(missing)}", f"add `{missing[0]}: ...`")
        )
    return problems


def _step(document: Document, campaign: Campaign, place: tuple[int, SendStep], around: Surroundings) -> list[Problem]:
    index, step = place
    problems: list[Problem] = []
    for number, medium in enumerate(step.send.channels):
        loc, profile = ("steps", index, "send", "channels", number), around.profiles[medium]
        for objection in inspect(profile, medium, campaign.purpose, {}, address=around.dialling_code):
            hint = "choose another channel or gateway, or change the purpose if this is no marketing"
            problems.append(document.problem(loc, f"{medium}: {objection.words}", hint))
    names = around.words.library.names()
    if step.send.template not in names:
        near = get_close_matches(step.send.template, names, n=1)
        missing = around.words.library.path_of(step.send.template, around.words.locales[0])
        hint = f"did you mean {near[0]!r}?" if near else f"write {missing}"
        message = f"there is no template {step.send.template!r}"
        return [*problems, document.problem(("steps", index, "send", "template"), message, hint)]
    parts = tuple(dict.fromkeys(part for medium in step.send.channels for part in MEDIA[medium].parts))
    for fault in around.words.library.lint(
        step.send.template, parts, known_names(campaign, around.columns, around.words), list_names(around.columns)
    ):
        shown = (
            os.path.relpath(fault.path)
            if fault.path.is_absolute() and Path.cwd() in fault.path.parents
            else str(fault.path)
        )
        where = f"{campaign.name}: steps[{index}].send.template"
        problems.append(Problem(shown, fault.line, fault.column, where, fault.message, fault.hint or ""))
    if campaign.purpose == "marketing":
        problems += general_problems(document, campaign, place, around.words, around.columns)
    return problems
