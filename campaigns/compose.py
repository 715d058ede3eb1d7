"""From decisions to messages: offers, words, and the gateway's last look at them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from campaigns.context import MESSAGE_ID, Group, constants, message_columns, offer_columns, view_columns
from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.gate import Verdict
from campaigns.scene import Scene, Words
from campaigns.slot import Offered, fill
from channels.contract import MEDIA
from channels.inspection import Inspection

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_JSON = json.JSONEncoder(ensure_ascii=False)
KINDS = ["step", "medium", "language", "personal"]
"""Messages alike in these are rendered together."""


@dataclass(frozen=True)
class Messages:
    """Messages ready for the outbox, in the order of their decisions: arrays of one length.

    `row`: positions of the decisions, ascending; `parts` and `offers`: the words and what is offered, as JSON; `sms`: the
    words of an SMS once more, whose length has its price, and nothing for others.
    """

    row: np.ndarray
    message_id: np.ndarray
    locale: np.ndarray
    template: np.ndarray
    parts: np.ndarray
    offers: np.ndarray
    sms: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def only(self, kept: np.ndarray) -> Messages:
        """Those at these positions, or for which this array of truth values holds."""
        return Messages(*(getattr(self, each.name)[kept] for each in fields(self)))

    @classmethod
    def of(cls, columns: Sequence[Sequence[Sequence[Any]]]) -> Messages:
        """From lists: `columns` holds those of several groups, a list a field."""
        import numpy as np

        joined = [list(chain.from_iterable(each)) for each in zip(*columns, strict=True)] or [[]] * len(fields(cls))
        return cls(np.array(joined[0], dtype=np.intp), *(np.array(each, dtype=object) for each in joined[1:]))


@dataclass
class Failure:
    """A message that cannot go: position of its decision, reason code, what was seen, by which gate, until when."""

    row: int
    reason: str
    seen: str
    gate: str = "gateway"
    verdict: Verdict = Verdict.REFUSE
    until: datetime | None = None


def compose(scene: Scene, decisions: Decisions, campaign: Campaign) -> Messages:
    """Render every decision to send. One that cannot be rendered, offered or accepted becomes a refusal with its reason.

    Those held out are rendered too and their words thrown away: whom nothing could have been sent to is refused in both
    arms, else the arms would differ in more than the message.
    """
    import numpy as np

    from templates.faults import BrokenTemplateError

    table, words = decisions.table, scene.words
    verdicts = table["verdict"].to_numpy()
    sending = np.flatnonzero((verdicts == Verdict.PASS) | (verdicts == Verdict.HOLD_OUT))
    if not len(sending):
        return Messages.of([])
    table["language"] = _languages(words, table["locale"].to_numpy(object))
    offered = fill(scene, campaign.offers, table[["customer_id", "language"]].iloc[sending])
    made: list[_Sheet] = []
    failures: list[Failure] = []
    if campaign.offers:
        empty = np.array([not offered.get(customer) for customer in table["customer_id"].iloc[sending].tolist()], bool)
        failures += [Failure(row, "no_offer", "no offer") for row in sending[empty].tolist()]
        sending = sending[~empty]
    for (step, medium, locale, personal), rows in _alike(table, sending):
        group = Group(campaign, step, medium, locale, personal)
        try:
            used = words.library.uses(group.template, group.locale, MEDIA[group.medium].parts)
        except BrokenTemplateError as error:  # the campaign's other messages still go
            seen = f"{error.fault.message} ({group.locale}/{group.template}:{error.fault.line})"
            failures += [Failure(row, "template_failed", seen) for row in rows.tolist()]
        else:
            made.append(_Sheet(group, rows, used))
    messages = Messages.of([_print(scene, *each, failures) for each in _told(scene, table, campaign, made, offered)])
    turn_down(decisions, failures)
    order = np.argsort(messages.row)
    return messages.only(order[verdicts[messages.row[order]] == Verdict.PASS])


def _languages(words: Words, locales: np.ndarray) -> np.ndarray:
    """The language each customer hears, by what is known of theirs."""
    import numpy as np
    import pandas as pd

    codes, distinct = pd.factorize(locales)  # -1: not known
    spoken = [words.locale_of(value if isinstance(value, str) else None) for value in (*distinct, None)]
    languages: np.ndarray = np.array(spoken, dtype=object)[codes]
    return languages


def _alike(table: pd.DataFrame, rows: np.ndarray) -> list[tuple[tuple[str, str, str, bool], np.ndarray]]:
    """The rows by what they have in common (KINDS), in its order."""
    import numpy as np

    found: dict[tuple[str, str, str, bool], list[int]] = {}
    kinds = zip(*(table[name].to_numpy(object)[rows].tolist() for name in KINDS), strict=True)
    for row, (step, medium, locale, personal) in zip(rows.tolist(), kinds, strict=True):
        found.setdefault((step, medium, locale, bool(personal)), []).append(row)
    return [(kind, np.array(own, dtype=np.intp)) for kind, own in sorted(found.items())]


@dataclass(frozen=True)
class _Sheet:
    """Messages of one group: the positions of their decisions, and the names their template uses."""

    group: Group
    rows: np.ndarray
    used: frozenset[str]


_Columns = dict[str, Sequence[object]]


def _told(
    scene: Scene, table: pd.DataFrame, campaign: Campaign, sheets: Sequence[_Sheet], offered: Offered
) -> Iterator[tuple[_Sheet, _Columns, list[str], list[list[dict[str, Any]]]]]:
    """What the messages of each group tell of the customers, where they go and what they offer: looked up for all groups at once."""
    import numpy as np

    if not sheets:
        return
    rows = np.concatenate([sheet.rows for sheet in sheets])
    told = view_columns(scene, campaign, table, rows, frozenset().union(*(sheet.used for sheet in sheets)))
    customers, addresses = (table[name].to_numpy(object)[rows].tolist() for name in ("customer_id", "address"))
    start = 0
    for sheet in sheets:
        own = slice(start, start + len(sheet.rows))
        shown = [offered.get(customer, []) for customer in customers[own]] if offered else [[]] * len(sheet.rows)
        columns = {name: values[own] for name, values in told.items() if name in (*sheet.used, MESSAGE_ID)}
        yield sheet, columns, addresses[own], shown
        start = own.stop


def _print(
    scene: Scene,
    sheet: _Sheet,
    columns: _Columns,
    addresses: list[str],
    offers: list[list[dict[str, Any]]],
    failures: list[Failure],
) -> list[list[Any]]:
    """The messages of one group, a list a field of `Messages`: all rendered at once, finished and looked at for their gateway.

    What fails is added to `failures`.
    """
    group, rules, rows = sheet.group, scene.rules, sheet.rows.tolist()
    medium, template, ids = group.medium, group.template, columns[MESSAGE_ID]
    columns = columns | message_columns(scene.words, ids) | (offer_columns(offers) if group.campaign.offers else {})
    printed = scene.words.library.print(template, group.locale, MEDIA[medium].parts, columns, constants(scene, group))
    purpose, signature = group.campaign.purpose, scene.words.signature
    look = Inspection(rules.profiles[medium], medium, purpose, signature, group.locale)
    texts = look.finish(printed.texts, addresses)
    failed = {
        place: Failure(rows[place], "content_refused", objections[0].words)
        for place, objections in look.objections(texts, addresses).items()
    }
    for place, fault in printed.faults.items():
        said = f"{fault.message} ({group.locale}/{template}:{fault.line})"
        failed[place] = Failure(rows[place], "template_failed", said)
    failures += failed.values()
    size = len(rows)
    made = [
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


def turn_down(decisions: Decisions, failures: Sequence[Failure]) -> None:
    """Decide anew what had passed every gate: the value seen goes into the trace, at the gate that has the last word."""
    import pandas as pd

    if not failures:
        return
    table = decisions.table
    index = table.index[[failure.row for failure in failures]]
    table.loc[index, "verdict"] = [failure.verdict.value for failure in failures]
    table.loc[index, "gate"] = [failure.gate for failure in failures]
    table.loc[index, "reason"] = [failure.reason for failure in failures]
    until = pd.Series([failure.until for failure in failures], index=index, dtype="datetime64[us, UTC]")
    table.loc[index, "until"] = until
    asked = {case_id: [name for name, _ in json.loads(body)["gates"]] for case_id, body in decisions.cases.items()}
    traces = zip(table.loc[index, "trace"], failures, strict=True)
    table.loc[index, "trace"] = [_with_reason(trace, failure, asked) for trace, failure in traces]


def _with_reason(trace: str, failure: Failure, asked: Mapping[str, Sequence[str]]) -> str:
    """The trace as if the gate had stopped it: what the gates behind it saw is left out."""
    entries = json.loads(f"[{trace}]")
    case_id, _, seen = entries[-1]
    place = asked[case_id].index(failure.gate)
    entries[-1] = [case_id, failure.reason, [*seen[:place], failure.seen]]
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":"))[1:-1]
