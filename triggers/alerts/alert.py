"""What a reader of alerts hands over: one row per message of an issuer, and one fault per thing it could not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

LANGUAGES = ("zh", "en")
"""Languages people are addressed in, best first, unless the caller says otherwise."""

OTHER = "other"
"""The event of a message that does not say what it is about, such as a bare cancellation."""


class AlertRow(TypedDict):
    """One message about one alert: the columns of the `alerts` view, and what else is known.

    `recorded_at` is when the issuer sent the message (a warning for tomorrow is known today); of the messages that
    share an `alert_id` the one last recorded holds. `places` are names or location ids still to be resolved to region
    codes, `codes` the issuer's own area codes as `SCHEME:code`, `message_id` and `supersedes` the ids with which
    issuers refer to messages.
    """

    alert_id: str
    source: str | None
    event: str
    severity: str | None
    effective_at: datetime
    expires_at: datetime | None
    region_codes: list[str]
    polygon: str | None
    status: str
    headline: str | None
    recorded_at: datetime
    places: list[str]
    codes: list[str]
    message_id: str
    supersedes: list[str]


@dataclass(frozen=True)
class AlertFault:
    """Something in a document of alerts that could not be read, or not as it stands. Lines count from 1."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class AlertFile:
    """One document of alerts: the rows it holds, in its own order, and its faults."""

    rows: list[AlertRow]
    faults: list[AlertFault]


@dataclass
class Faults:
    """The faults of one document while it is read."""

    path: Path
    found: list[AlertFault] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        """Note one fault."""
        self.found.append(AlertFault(self.path, line, message))


SEVERITIES = ("minor", "moderate", "severe", "extreme")
_SEVERITY_WORDS = {
    "minor": "minor", "standard": "minor", "moderate": "moderate", "major": "severe", "severe": "severe",
    "extreme": "extreme",     "blue": "minor", "yellow": "moderate", "orange": "severe", "red": "extreme",
    "蓝色": "minor", "黄色": "moderate", "橙色": "severe", "红色": "extreme",
}  # fmt: skip


def severity_of(*words: str | None) -> str | None:
    """Severity named by the first of these words that names one; None where none does (`Unknown`, empty, `White`)."""
    found = (_SEVERITY_WORDS.get((word or "").strip().lower()) for word in words)
    return next((severity for severity in found if severity), None)


def worst(severities: Iterable[str | None]) -> str | None:
    """The gravest of these severities; None where none is known."""
    known = [severity for severity in severities if severity is not None]
    return max(known, key=SEVERITIES.index, default=None)


def instant_of(text: str | None, what: str, line: int, faults: Faults) -> datetime | None:
    """An ISO 8601 instant; one without an offset is read as UTC, and that is a fault. None where there is none."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        faults.add(line, f"{what} is not a date and time: {text!r}")
        return None
    if instant.tzinfo is None:
        faults.add(line, f"{what} has no offset from UTC, read as UTC: {text!r}")
        return instant.replace(tzinfo=UTC)
    return instant


def unique(values: Iterable[str]) -> list[str]:
    """The values that are not empty, each once, in order."""
    return list(dict.fromkeys(value for value in values if value))
