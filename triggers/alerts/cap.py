"""Common Alerting Protocol 1.0, 1.1 and 1.2 (OASIS): single alerts, Atom feeds of them, EDXL-DE envelopes around them.

One row per message. An alert with several <info> blocks (languages, or parts of its area) covers all their areas, is
as severe as the worst of them and lasts from the first to the last; words come from the block in the best liked
language. Update and Cancel belong to the alert of the earliest message they refer to. An update whose every block
says AllClear ends the alert.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from triggers.alerts.alert import OTHER, AlertRow, Faults, instant_of, severity_of, unique, worst
from triggers.alerts.area import read_areas
from triggers.alerts.markup import Markup, children, local, namespace, text_of, words
from triggers.alerts.perils import peril_of_name
from triggers.alerts.shapes import wkt

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ATOM = "http://www.w3.org/2005/Atom"
_STATUS = {"actual": "active", "system": "test", "test": "test", "exercise": "test", "draft": "test"}
_ISSUED = re.compile(r"\s+issued\s+.*", re.IGNORECASE | re.DOTALL)


def read_cap(markup: Markup, languages: Sequence[str], faults: Faults) -> list[AlertRow]:
    """Rows of one alert, or of every alert inside an Atom feed or an EDXL-DE envelope."""
    rows = (_message(element, markup, languages, faults) for element in _messages(markup, faults))
    return [row for row in rows if row is not None]


def _messages(markup: Markup, faults: Faults) -> Iterator[Element]:
    """The alerts of a document (and the entries of a feed that have none inside), complete ones only."""
    root = markup.root
    if root is None:
        return
    if local(root) == "feed":
        found = _entries(root, markup, faults)
    elif local(root) == "alert":
        found = iter([root])
    else:
        found = (element for element in root.iter() if local(element) == "alert")
    for element in found:
        if element in markup.complete:
            yield element
        else:
            faults.add(markup.line(element), f"this <{local(element)}> is cut off and not read")


def _entries(feed: Element, markup: Markup, faults: Faults) -> Iterator[Element]:
    for child in feed:
        if local(child) == "alert":
            faults.add(markup.line(child), "an <alert> outside any <entry> is no part of the feed")
        elif local(child) == "entry":
            yield next((element for element in child.iter() if local(element) == "alert"), child)


def _message(element: Element, markup: Markup, languages: Sequence[str], faults: Faults) -> AlertRow | None:
    line = markup.line(element)
    if local(element) == "entry":
        return _indexed(element, markup, faults)
    kind = (words(element, "msgType") or "Alert").lower()
    identifier = _identifier(element, line, faults)
    sent = instant_of(words(element, "sent"), "sent", line, faults)
    if identifier is None or sent is None:
        faults.add(
            line, f"an alert without {'an identifier' if identifier is None else 'the time it was sent'} is not read"
        )
        return None
    if kind in ("ack", "error"):
        faults.add(line, f"message {identifier} ({words(element, 'msgType')}) is about messages, not about a danger")
        return None
    infos = _by_language(list(children(element, "info")), languages)
    if not infos and kind != "cancel":
        faults.add(line, f"alert {identifier} has no <info>: it does not say what it warns of")
        return None
    row = _row(element, infos, (identifier, sent), markup, faults)
    row["status"] = _status(element, infos, kind, line, faults)
    row["supersedes"] = _references(element, markup, faults) if kind in ("update", "cancel") else []
    return row


def _row(
    element: Element, infos: list[Element], name: tuple[str, datetime], markup: Markup, faults: Faults
) -> AlertRow:
    identifier, sent = name

    def times(name: str) -> list[datetime]:
        found = [instant_of(words(info, name), name, markup.line(info), faults) for info in infos]
        return [instant for instant in found if instant is not None]

    area = read_areas([area for info in infos for area in children(info, "area")], markup, faults)
    return AlertRow(
        alert_id=identifier,
        source=next((sender for info in infos if (sender := words(info, "senderName"))), words(element, "sender")),
        event=_event(infos),
        severity=worst(severity_of(words(info, "severity")) for info in infos),
        effective_at=min(times("effective"), default=sent),
        expires_at=max(times("expires"), default=None),
        region_codes=area.region_codes,
        polygon=wkt(area.shapes),
        status="active",
        headline=next((line for info in infos if (line := words(info, "headline"))), None),
        recorded_at=sent,
        places=area.places,
        codes=area.codes,
        message_id=identifier,
        supersedes=[],
    )


def _identifier(element: Element, line: int, faults: Faults) -> str | None:
    identifier = words(element, "identifier")
    if identifier and re.search(r"[\s,<&]", identifier):
        faults.add(line, f"identifier {identifier!r} has spaces, commas, < or & in it, which CAP forbids")
    return identifier


def _by_language(infos: list[Element], languages: Sequence[str]) -> list[Element]:
    """The blocks, best liked language first; a block that names none is in en-US, says CAP."""

    def rank(info: Element) -> int:
        tag = (words(info, "language") or "en-US").lower().split("-")[0]
        return languages.index(tag) if tag in languages else len(languages)

    return sorted(infos, key=rank)


def _event(infos: list[Element]) -> str:
    names = [name for info in infos if (name := words(info, "event"))]
    known = (peril for name in names if (peril := peril_of_name(name)))
    return next(known, names[0] if names else OTHER)


def _status(element: Element, infos: list[Element], kind: str, line: int, faults: Faults) -> str:
    word = words(element, "status") or ""
    status = _STATUS.get(word.lower())
    if status is None:
        faults.add(line, f"status {word!r} is not one of CAP's; taken for a test")
        return "test"
    over = infos and all("AllClear" in map(text_of, children(info, "responseType")) for info in infos)
    return "cancelled" if status == "active" and (kind == "cancel" or over) else status


def _references(element: Element, markup: Markup, faults: Faults) -> list[str]:
    """Identifiers of the messages this one refers to (`sender,identifier,sent` each), the earliest sent first."""
    triples = [
        triple.split(",") for each in children(element, "references") for triple in (text_of(each) or "").split()
    ]
    line = next((markup.line(each) for each in children(element, "references")), markup.line(element))
    good = [triple for triple in triples if len(triple) == 3]
    if not good:
        faults.add(line, "an update or cancellation that refers to no message stands for itself")
    if len(good) < len(triples):
        faults.add(line, "a reference is not sender,identifier,sent")
    dated = [(instant_of(sent, "sent in references", line, faults), identifier) for _, identifier, sent in good]
    return unique(
        identifier
        for _, identifier in sorted(dated, key=lambda each: (each[0] is None, each[0] and each[0].timestamp()))
    )


def _indexed(entry: Element, markup: Markup, faults: Faults) -> AlertRow | None:
    """An entry of an index feed, which carries the main elements of its alert instead of the alert."""
    line = markup.line(entry)
    if not any(namespace(child).startswith("urn:oasis:names:tc:emergency:cap:") for child in entry):
        faults.add(line, "an entry without an alert")
        return None
    identifier, title = words(entry, "id"), words(entry, "title")
    event = words(entry, "event") or (_ISSUED.sub("", title) if title else None)
    sent = instant_of(words(entry, "published") or words(entry, "updated"), "published", line, faults)
    if identifier is None or event is None or sent is None:
        faults.add(line, "an entry without id, title or time is not read")
        return None
    row = _row(entry, [entry], (identifier, sent), markup, faults)
    area = read_areas([entry], markup, faults)
    row["event"], row["headline"] = peril_of_name(event) or event, row["headline"] or title
    row["status"] = _status(entry, [], (words(entry, "msgType") or "Alert").lower(), line, faults)
    row["polygon"], row["region_codes"], row["codes"] = wkt(area.shapes), area.region_codes, area.codes
    return row
