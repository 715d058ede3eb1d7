"""The words for those who refused personalisation: every marketing template has a general one that draws on nothing known of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from campaigns.context import OFFER_NAMES, list_names
from campaigns.problems import Problem
from channels.contract import MEDIA

if TYPE_CHECKING:
    from campaigns.definition import Campaign
    from campaigns.documents import Document
    from campaigns.scene import Words
    from campaigns.steps import SendStep
    from triggers.trigger import Columns

ADDRESSING = ("customer.name", "customer.gender", "customer.customer_id")
"""What one must know to address somebody says nothing of their traits."""


def general_problems(
    document: Document, campaign: Campaign, place: tuple[int, SendStep], words: Words, columns: Columns
) -> list[Problem]:
    """What is wrong with the general words of a step of a marketing campaign: missing, broken, or personal after all."""
    index, step = place
    name, library = step.send.words(personal=False), words.library
    loc = ("steps", index, "send", "general" if step.send.general else "template")
    if name not in library.names():
        message = f"there is no template {name!r} for those who refused personalisation"
        hint = f"write {library.path_of(name, words.locales[0])}, or name another one under `general`"
        return [document.problem(loc, message, hint)]
    parts = tuple(dict.fromkeys(part for medium in step.send.channels for part in MEDIA[medium].parts))
    known = general_names(campaign, words)
    where = f"{campaign.name}: steps[{index}].send, general words"
    return [
        Problem(os.path.relpath(fault.path), fault.line, fault.column, where, fault.message, fault.hint or "")
        for fault in library.lint(name, parts, known, list_names(columns))
    ]


def general_names(campaign: Campaign, words: Words) -> frozenset[str]:
    """The dotted names general words may use: the insurer's, the message's, offers, and whom they address."""
    names = {*ADDRESSING, "message.id", "today", "campaign.name"}
    names |= {f"links.{name}" for name in words.links} | set(words.constants_in(words.locales[0]))
    return frozenset(names | set(OFFER_NAMES) if campaign.offers and campaign.offers.shown else names)
