"""What is wrong with campaigns only beside each other, or from end to end: overlaps, steps nobody reaches, links a gateway strips."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from campaigns.context import Group
from campaigns.definition import Campaign
from campaigns.documents import Document
from campaigns.lint import Surroundings
from campaigns.problems import Problem
from campaigns.steps import SendStep
from channels.contract import MEDIA
from channels.profiles import governing
from templates.faults import TemplateError
from triggers.durations import Duration

NEAR = timedelta(days=3)
"""Campaigns about the same moment that reach people this close together overlap."""
LATENESS = ("where", "late", "max_age")
"""Fields of a trigger that do not say which moment it is."""
Written = tuple[Document, Campaign]


def overlaps(written: Sequence[Written], now: datetime) -> list[Problem]:
    """Pairs of campaigns that mean the same moment of the same customers within days on the same channel."""
    problems = []
    running = [each for each in written if each[1].enabled]
    for (_, one), (document, other) in combinations(sorted(running, key=lambda each: each[1].name), 2):
        shared = sorted(_channels(one) & _channels(other))
        if shared and _same_moment(one, other, now) and not _disjoint(one, other):
            message = (
                f"{other.name} and {one.name} write to the same customers about the same moment by {', '.join(shared)}"
            )
            hint = "tell them apart in `where:`, move one by more than 3 days, or make them `variants:` of one campaign"
            problems.append(document.problem(("trigger",), message, hint))
    return problems


def _channels(campaign: Campaign) -> set[str]:
    first = campaign.sends[0].send.key
    arms = [campaign, *(campaign.in_arm(variant) for variant in campaign.variants)]
    return {medium for arm in arms for medium in arm.send_step(first)[1].send.channels}


def _same_moment(one: Campaign, other: Campaign, now: datetime) -> bool:
    if type(one.trigger) is not type(other.trigger):
        return False
    own = _due_field(one)
    said = [each.trigger.model_dump(mode="json", exclude={*LATENESS, own}) for each in (one, other)]
    due = [_due(each, own, now) for each in (one, other)]
    near = due[0] is None or due[1] is None or abs(due[0] - due[1]) <= NEAR
    return said[0] == said[1] and near


def _due_field(campaign: Campaign) -> str:
    """The field of the trigger that says how long before or after."""
    kind = type(campaign.trigger)
    path = getattr(kind, "due_path", "")
    return next((name for name, each in kind.model_fields.items() if path in (name, each.alias)), "")


def _due(campaign: Campaign, field: str, now: datetime) -> datetime | None:
    """The instant the trigger's span leads to from `now`; None where there is none, or a calendar is needed to say."""
    span = getattr(campaign.trigger, field, None)
    return span.after(now) if isinstance(span, Duration) and span.unit != "wd" else None


def _disjoint(one: Campaign, other: Campaign) -> bool:
    """Whether the conditions ask different values of the same column: then no customer meets both."""
    left, right = _values(one), _values(other)
    return any(not left[column] & right[column] for column in left.keys() & right.keys())


def _values(campaign: Campaign) -> dict[str, set[str]]:
    """Column -> the values a condition allows, where it says so by `=` or `in` and nothing else may be."""
    where: Any = getattr(campaign.trigger, "where", None)
    if not where:
        return {}
    try:
        tree = parse_one(str(where), read="duckdb")
    except SqlglotError:
        return {}
    found: dict[str, set[str]] = {}
    for each in tree.flatten() if isinstance(tree, exp.And) else [tree]:
        part = each.unnest()
        values: list[exp.Expression] = []
        if isinstance(part, exp.EQ):
            values = [part.expression]
        elif isinstance(part, exp.In):
            values = list(part.expressions)
        named = part.this if values else None
        if isinstance(named, exp.Column) and all(isinstance(value, exp.Literal) for value in values):
            said = {value.sql() for value in values}
            found[named.sql().lower()] = found.get(named.sql().lower(), said) & said
    return found


def unreachable(document: Document, campaign: Campaign) -> list[Problem]:
    """Steps nobody ever comes to: the waits before have ended the campaign for exactly those the step is for."""
    problems = []
    ended: set[str] = set()
    for index, step in enumerate(campaign.steps):
        if not isinstance(step, SendStep):
            ended |= set(step.unless)
        elif step.when in ended:
            message = f"nobody comes to this step: `unless: {step.when}` has ended the campaign for those it is for"
            problems.append(document.problem(("steps", index, "when"), message, "remove the step, or the `unless`"))
        elif not step.when:
            ended = set()  # another message went out to everybody: what became of it is a new question
    return problems


def uplift_unheard(document: Document, campaign: Campaign, views: Collection[str]) -> list[Problem]:
    """A campaign that leaves people out by their uplift where no source says what that is: it would leave out nobody, or all."""
    if campaign.uplift is None or "uplift" in views:
        return []
    message = "nobody's uplift is known: sources.yaml has no `uplift`"
    hint = f"run `kairos uplift apply MODEL --campaign {campaign.name}`, and add the file it writes to sources.yaml"
    return [document.problem(("uplift",), message, hint)]


def links_refused(document: Document, campaign: Campaign, around: Surroundings) -> list[Problem]:
    """Templates with links on a channel whose gateway takes none."""
    problems = []
    for index, step in enumerate(campaign.steps):
        if not isinstance(step, SendStep):
            continue
        for number, medium in enumerate(step.send.channels):
            rules = governing(around.profiles[medium], around.dialling_code)
            link = "" if rules.links else _link(campaign, step.send.key, medium, around)
            if link:
                message = f"{medium}: the gateway takes no links, the template {step.send.template!r} uses {link}"
                hint = "write words without links for this channel, or choose another channel or gateway"
                problems.append(document.problem(("steps", index, "send", "channels", number), message, hint))
    return problems


def _link(campaign: Campaign, key: str, medium: str, around: Surroundings) -> str:
    for locale in around.words.locales:
        group = Group(campaign, key, medium, locale)
        try:
            used = around.words.library.uses(group.template, locale, MEDIA[medium].parts)
        except TemplateError:
            continue  # lint of the template itself tells what is wrong with it
        there = {f"links.{name}" for name in around.words.links} | {"insurer.site"} & set(around.words.constants)
        links = sorted(used & there)
        if links:
            return links[0]
    return ""
