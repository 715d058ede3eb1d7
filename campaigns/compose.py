"""From decisions to messages: offers, words, and the gateway's last look at them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.context import Group, constants, message_columns, offer_columns, view_columns
from campaigns.decide import Decisions
from campaigns.definition import Campaign
from campaigns.gate import Verdict
from campaigns.scene import Scene
from campaigns.slot import Offered, fill
from channels.contract import MEDIA
from channels.inspection import finish, inspect

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


KINDS = ["step", "medium", "language", "personal"]
"""Messages alike in these are rendered together."""


@dataclass
class Reservation:
    """A message ready for the outbox: position of its decision, identity, words, and what it offers."""

    row: int
    message_id: str
    locale: str
    template: str
    parts: dict[str, str]
    offers: list[dict[str, Any]]


@dataclass
class Failure:
    """A message that cannot go: position of its decision, reason code, what was seen, by which gate, until when."""

    row: int
    reason: str
    seen: str
    gate: str = "gateway"
    verdict: Verdict = Verdict.REFUSE
    until: datetime | None = None


def compose(scene: Scene, decisions: Decisions, campaign: Campaign) -> list[Reservation]:
    """Render every decision to send. One that cannot be rendered, offered or accepted becomes a refusal with its reason.

    Those held out are rendered too and their words thrown away: whom nothing could have been sent to is refused in both
    arms, else the arms would differ in more than the message.
    """
    import numpy as np

    from templates.faults import BrokenTemplateError

    table = decisions.table
    sending = np.flatnonzero(table["verdict"].isin((Verdict.PASS, Verdict.HOLD_OUT)).to_numpy())
    if not len(sending):
        return []
    held_out = set(np.flatnonzero(table["verdict"].to_numpy() == Verdict.HOLD_OUT).tolist())
    words = scene.words
    table["language"] = [words.locale_of(value if isinstance(value, str) else None) for value in table["locale"]]
    offered = fill(scene, campaign.offers, table.iloc[sending])
    made: list[Reservation | Failure] = []
    if campaign.offers:
        empty = np.array([not offered.get(customer) for customer in table["customer_id"].iloc[sending]], dtype=bool)
        made += [Failure(row, "no_offer", "no offer") for row in sending[empty].tolist()]
        sending = sending[~empty]
    sheets: list[_Sheet] = []
    for (step, medium, locale, personal), rows in _alike(table, sending):
        group = Group(campaign, step, medium, locale, personal)
        try:
            used = words.library.uses(group.template, group.locale, MEDIA[group.medium].parts)
        except BrokenTemplateError as error:  # the campaign's other messages still go
            seen = f"{error.fault.message} ({group.locale}/{group.template}:{error.fault.line})"
            made += [Failure(row, "template_failed", seen) for row in rows.tolist()]
        else:
            sheets.append(_Sheet(group, rows, used))
    made += _render(scene, decisions, campaign, sheets, offered)
    turn_down(decisions, [each for each in made if isinstance(each, Failure)])
    kept = (each for each in made if isinstance(each, Reservation) and each.row not in held_out)
    return sorted(kept, key=lambda each: each.row)


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


def _render(
    scene: Scene, decisions: Decisions, campaign: Campaign, sheets: Sequence[_Sheet], offered: Offered
) -> Iterator[Reservation | Failure]:
    """The messages of all groups: what they tell of the customers is looked up at once, the words are rendered group by group."""
    import numpy as np

    if not sheets:
        return
    rows = np.concatenate([sheet.rows for sheet in sheets])
    told = view_columns(
        scene, campaign, decisions.table.iloc[rows], frozenset().union(*(sheet.used for sheet in sheets))
    )
    start = 0
    for sheet in sheets:
        yield from _print(scene, decisions, sheet, told.slice(start, len(sheet.rows)), offered)
        start += len(sheet.rows)


def _print(
    scene: Scene, decisions: Decisions, sheet: _Sheet, told: pa.Table, offered: Offered
) -> Iterator[Reservation | Failure]:
    """The messages of one group: all rendered at once, each then finished and looked at for its gateway."""
    from templates import Draft

    group, table = sheet.group, decisions.table
    template, where = group.template, f"{group.locale}/{group.template}"
    customers, addresses = (table[name].iloc[sheet.rows].tolist() for name in ("customer_id", "address"))
    shown = [offered.get(customer, []) for customer in customers]
    ids = told["message_id"].to_pylist()
    columns = {name: told[name].to_pylist() for name in told.column_names if name in sheet.used}
    columns |= message_columns(scene.words, ids)
    if group.campaign.offers:
        columns |= offer_columns(shown)
    parts = MEDIA[group.medium].parts
    drafts = scene.words.library.compose(template, group.locale, parts, columns, constants(scene, group))
    for row, message_id, draft, address, offers in zip(sheet.rows.tolist(), ids, drafts, addresses, shown, strict=True):
        if not isinstance(draft, Draft):
            yield Failure(row, "template_failed", f"{draft.message} ({where}:{draft.line})")
            continue
        finished, objection = _finished(scene, group, draft.parts, address)
        if objection:
            yield Failure(row, "content_refused", objection)
        else:
            yield Reservation(row, message_id, group.locale, template, finished, offers)


def _finished(scene: Scene, group: Group, parts: Mapping[str, str], address: str) -> tuple[dict[str, str], str]:
    """The words with what the gateway prescribes, and its first objection, if any."""
    profile, purpose, signature = scene.rules.profiles[group.medium], group.campaign.purpose, scene.words.signature
    locale = group.locale
    finished = finish(profile, parts, purpose, signature, locale=locale, address=address)
    objections = inspect(profile, group.medium, purpose, finished, locale=locale, signature=signature, address=address)
    return finished, objections[0].words if objections else ""


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
