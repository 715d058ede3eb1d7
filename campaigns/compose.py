"""From decisions to messages: offers, words, and the gateway's last look at them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from campaigns.context import (
    MESSAGE_ID,
    Columns,
    Group,
    constants,
    keys_of,
    message_columns,
    offer_columns,
    plain,
    view_columns,
)
from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.failures import Failure, turn_down
from campaigns.gate import Verdict
from campaigns.messages import Messages
from campaigns.scene import Scene, Words
from campaigns.slot import fill
from channels.contract import MEDIA
from channels.inspection import Inspection

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_JSON = json.JSONEncoder(ensure_ascii=False)
Kind = tuple[str, str, str, bool]
"""Step, channel, language, and whether chosen personally: messages alike in these are rendered together."""


def compose(scene: Scene, decided: Sequence[tuple[Campaign, Decisions]]) -> list[Messages]:
    """Render what is decided to send of some campaigns. What cannot be rendered, offered or accepted becomes a refusal with its reason.

    Those held out are rendered too and their words thrown away: whom nothing could have been sent to is refused in both
    arms, else the arms would differ in more than the message.
    """
    drafting = [_Drafting.of(scene, campaign, decisions) for campaign, decisions in decided]
    told = iter(_told(scene, [each for each in drafting if each.sheets]))
    return [each.messages(scene, [next(told) for _ in each.sheets]) for each in drafting]


@dataclass(frozen=True)
class _Sheet:
    """Messages of one group, to be rendered together: where they lie among the decisions, where they go, what they offer.

    `used` are the names their template uses.
    """

    group: Group
    rows: np.ndarray
    addresses: list[str]
    offers: list[list[dict[str, Any]]]
    used: frozenset[str]


@dataclass(frozen=True)
class _Drafting:
    """What is decided of one campaign on its way to messages: the groups to render, and what has failed so far."""

    campaign: Campaign
    decisions: Decisions
    sheets: list[_Sheet] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @classmethod
    def of(cls, scene: Scene, campaign: Campaign, decisions: Decisions) -> _Drafting:
        """Find offers and templates."""
        import numpy as np

        from templates.faults import BrokenTemplateError

        table, drafting = decisions.table, cls(campaign, decisions)
        verdicts = table["verdict"].to_numpy()
        sending = np.flatnonzero((verdicts == Verdict.PASS) | (verdicts == Verdict.HOLD_OUT))
        if not len(sending):
            return drafting
        customers, addresses = (table[name].to_numpy(object) for name in ("customer_id", "address"))
        languages = _languages(scene.words, table["locale"].to_numpy(object))
        offered = fill(scene, campaign.offers, customers[sending], languages[sending])
        if campaign.offers:
            empty = np.array([not offered.get(customer) for customer in customers[sending]], bool)
            drafting.failures.extend(Failure(row, "no_offer", "no offer") for row in sending[empty].tolist())
            sending = sending[~empty]
        for (step, medium, locale, personal), rows in _alike(table, languages, sending):
            group = Group(campaign, step, medium, locale, personal)
            try:
                used = scene.words.library.uses(group.template, group.locale, MEDIA[group.medium].parts)
            except BrokenTemplateError as error:  # the campaign's other messages still go
                seen = f"{error.fault.message} ({group.locale}/{group.template}:{error.fault.line})"
                drafting.failures.extend(Failure(row, "template_failed", seen) for row in rows.tolist())
                continue
            shown = bool(offered and campaign.offers and campaign.offers.shown)
            offers = [offered.get(customer, []) for customer in customers[rows]] if shown else [[]] * len(rows)
            drafting.sheets.append(_Sheet(group, rows, addresses[rows].tolist(), offers, used))
        return drafting

    def messages(self, scene: Scene, told: Sequence[Columns]) -> Messages:
        """Print all groups, with what is told of their customers; what fails is decided anew."""
        import numpy as np

        verdicts = self.decisions.table["verdict"].to_numpy()
        printed = [_print(scene, *each, self.failures) for each in zip(self.sheets, told, strict=True)]
        messages = Messages.of(printed)
        order = np.argsort(messages.row)
        sent = messages.only(order[verdicts[messages.row[order]] == Verdict.PASS])
        turn_down(self.decisions, self.failures)
        return sent


def _told(scene: Scene, drafting: Sequence[_Drafting]) -> Iterator[Columns]:
    """What the messages of each group tell of the customers, looked up for the groups of all campaigns at once."""
    import numpy as np
    import pyarrow as pa

    if not drafting:
        return
    rows = [np.concatenate([sheet.rows for sheet in each.sheets]) for each in drafting]
    keys = [keys_of(each.campaign, each.decisions.table, own) for each, own in zip(drafting, rows, strict=True)]
    sheets, start = [sheet for each in drafting for sheet in each.sheets], 0
    told = view_columns(scene, pa.concat_tables(keys), frozenset().union(*(sheet.used for sheet in sheets)))
    for sheet in sheets:
        names = [name for name in told.column_names if name in (*sheet.used, MESSAGE_ID)]
        yield plain(told.slice(start, len(sheet.rows)).select(names))
        start += len(sheet.rows)


def _languages(words: Words, locales: np.ndarray) -> np.ndarray:
    """The language each customer hears, by what is known of theirs."""
    import numpy as np
    import pandas as pd

    codes, distinct = pd.factorize(locales)  # -1: not known
    spoken = [words.locale_of(value if isinstance(value, str) else None) for value in (*distinct, None)]
    languages: np.ndarray = np.array(spoken, dtype=object)[codes]
    return languages


def _alike(table: pd.DataFrame, languages: np.ndarray, rows: np.ndarray) -> list[tuple[Kind, np.ndarray]]:
    """The rows by what they have in common, in its order."""
    import numpy as np

    found: dict[Kind, list[int]] = {}
    columns = (
        table["step"].to_numpy(object),
        table["medium"].to_numpy(object),
        languages,
        table["personal"].to_numpy(bool),
    )
    for row, kind in zip(rows.tolist(), zip(*(each[rows].tolist() for each in columns), strict=True), strict=True):
        found.setdefault(kind, []).append(row)
    return [(kind, np.array(own, dtype=np.intp)) for kind, own in sorted(found.items())]


def _print(scene: Scene, sheet: _Sheet, told: Columns, failures: list[Failure]) -> list[Sequence[Any]]:
    """The messages of one group, a list a field of `Messages`: all rendered at once, finished and looked at for their gateway.

    What fails is added to `failures`.
    """
    group, offers, rows = sheet.group, sheet.offers, sheet.rows.tolist()
    medium, template, ids = group.medium, group.template, told[MESSAGE_ID]
    columns = told | message_columns(scene.words, ids) | (offer_columns(offers) if any(offers) else {})
    printed = scene.words.library.print(template, group.locale, MEDIA[medium].parts, columns, constants(scene, group))
    purpose, signature = group.campaign.purpose, scene.words.signature
    look = Inspection(scene.rules.profiles[medium], medium, purpose, signature, group.locale)
    texts = look.finish(printed.texts, sheet.addresses)
    failed = {
        place: Failure(rows[place], "content_refused", objections[0].words)
        for place, objections in look.objections(texts, sheet.addresses).items()
    }
    for place, fault in printed.faults.items():
        said = f"{fault.message} ({group.locale}/{template}:{fault.line})"
        failed[place] = Failure(rows[place], "template_failed", said)
    failures += failed.values()
    size = len(rows)
    made: list[Sequence[Any]] = [
        rows,
        ids,
        [group.locale] * size,
        [template] * size,
        _objects(texts),
        [_JSON.encode(each) if each else "[]" for each in offers],
        texts.get("sms", [""] * size),
    ]
    if failed:
        made = [[value for place, value in enumerate(each) if place not in failed] for each in made]
    return made


def _objects(texts: Mapping[str, Sequence[str]]) -> list[str]:
    """The words of each message as a JSON object, part by part."""
    pattern = "{" + ", ".join(f"{_JSON.encode(name)}: %s" for name in texts) + "}"
    return [pattern % parts for parts in zip(*(map(_JSON.encode, own) for own in texts.values()), strict=True)]
