"""Who did what to campaigns: a log in which each entry holds the hash of the one before, so that no change goes unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant, seconds

ROWS = 1000
BEGINNING = "0" * 64
"""What the first entry holds in the place of a hash."""


@dataclass(frozen=True)
class Entry:
    """One act. `campaign` is `*` where it concerned all of them; `hash` is SHA-256 over `previous` and the rest as JSON."""

    seq: int
    at: int
    actor: str
    act: str
    campaign: str
    detail: str
    previous: str
    hash: str

    @property
    def expected(self) -> str:
        """The hash the entry must have."""
        said = [self.seq, self.at, self.actor, self.act, self.campaign, json.loads(self.detail)]
        return hashlib.sha256((self.previous + canonical(said)).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """The entry for `--json`."""
        return {**vars(self), "at": instant(self.at).isoformat(), "detail": json.loads(self.detail)}


def canonical(value: object) -> str:
    """JSON with one spelling: keys sorted, no blanks."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def record(ledger: Ledger, now: datetime, actor: str, act: str, campaign: str, detail: Mapping[str, object]) -> None:
    """Add an entry. Belongs into the transaction of the act itself: neither is there without the other."""
    ledger.store.in_line("audit")
    last = ledger.store.one("audit_last")
    seq, previous = (last[0] + 1, last[1]) if last else (1, BEGINNING)
    entry = Entry(seq, seconds(now), actor, act, campaign, canonical(detail), previous, "")
    values = {**vars(entry), "hash": entry.expected}
    ledger.store.run("audit_add", values)
    ledger.store.run("audit_head", {"value": f"{seq} {values['hash']}"})


def entries(ledger: Ledger) -> Iterator[Entry]:
    """The log, oldest first."""
    after = 0
    while rows := ledger.store.rows("audit_after", after=after, limit=ROWS):
        after = rows[-1]["seq"]
        yield from (Entry(**row) for row in rows)


def faults(ledger: Ledger) -> list[str]:
    """Entries that are not as they were written, each named with what is wrong; none where the log is whole."""
    found: list[str] = []
    seq, previous = 0, BEGINNING
    for entry in entries(ledger):
        name = f"entry {entry.seq} ({entry.act} {entry.campaign})"
        if entry.seq != seq + 1:
            found.append(f"{'entry' if entry.seq == seq + 2 else 'entries from'} {seq + 1} before {name}: removed")
        elif entry.previous != previous:
            found.append(f"{name}: does not follow the one before it")
        if not _sound(entry):
            found.append(f"{name}: changed")
        seq, previous = entry.seq, entry.hash
    kept = ledger.store.one("audit_head_of")
    if (kept[0] if kept else f"0 {BEGINNING}") != f"{seq} {previous}":
        found.append(f"the end, after entry {seq}: removed or added")
    return found


def _sound(entry: Entry) -> bool:
    try:
        return entry.hash == entry.expected
    except ValueError:  # the detail is no JSON any more
        return False
