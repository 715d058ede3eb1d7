"""Answers of the QWeather API, which passes on the warnings of weather offices in China and elsewhere.

Two forms: `v7/warning/now`, whose warning ids begin with the nine digits of the place, and the newer
`weatheralert/v1/current`, which names a place only by its office (临桂区气象台). Either goes to `places`, for
`triggers.regions` to resolve. Answers about the tracks of storms are no warnings and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triggers.alerts.alert import AlertRow, Faults, instant_of, severity_of, unique
from triggers.alerts.perils import peril_of_code, peril_of_name

Json = Mapping[str, Any]

_OTHER_ANSWERS = {"storm": "a list of storms", "track": "the track of a storm", "forecast": "the forecast of a storm"}
_LOCATION = re.compile(r"\d{9}")


@dataclass(frozen=True)
class _Reader:
    text: str
    faults: Faults

    def line(self, alert: Json) -> int:
        """Line on which the alert's id stands, 1 where it has none."""
        place = self.text.find(f'"{alert.get("id")}"')
        return self.text.count("\n", 0, max(place, 0)) + 1

    def instant(self, alert: Json, name: str) -> Any:
        return instant_of(_text(alert, name), name, self.line(alert), self.faults)


def read_qweather(document: object, text: str, faults: Faults) -> list[AlertRow]:
    """Rows of one answer; `text` is the document as written, for the lines of its faults."""
    if not isinstance(document, Mapping):
        faults.add(1, "JSON, but not an answer of the QWeather API")
        return []
    for key, meaning in _OTHER_ANSWERS.items():
        if key in document:
            faults.add(1, f"this answer is {meaning}, not a list of warnings: use warning/now or weatheralert/current")
            return []
    if isinstance(document.get("alerts"), list):
        return _each(document["alerts"], _alert, _Reader(text, faults))
    if isinstance(document.get("warning"), list):
        return _each(document["warning"], _warning, _Reader(text, faults))
    code = document.get("code")
    said = f": code {code}" if code not in (None, "200") else ""
    faults.add(1, f"JSON without the warnings of a QWeather answer{said}")
    return []


def _each(alerts: Sequence[object], read: Any, reader: _Reader) -> list[AlertRow]:
    rows = []
    for alert in alerts:
        if not isinstance(alert, Mapping):
            reader.faults.add(1, "a warning that is not an object is not read")
        elif (row := read(alert, reader)) is not None:
            rows.append(row)
    return rows


def _warning(alert: Json, reader: _Reader) -> AlertRow | None:
    status = (_text(alert, "status") or "active").lower()
    identifier = _text(alert, "id") or ""
    location = _LOCATION.match(identifier)
    if not location:
        reader.faults.add(
            reader.line(alert), f"warning id {identifier!r} does not begin with the nine digits of a place"
        )
    return _row(
        alert,
        reader,
        times=("pubTime", "startTime", "endTime"),
        event=(_text(alert, "type"), _text(alert, "typeName")),
        severity=severity_of(_text(alert, "severity"), _text(alert, "severityColor"), _text(alert, "level")),
        status="cancelled" if status == "cancel" or (_text(alert, "severity") or "").lower() == "cancel" else "active",
        words=("sender", "title"),
        places=[location.group()] if location else [_text(alert, "sender") or ""],
        supersedes=re.split(r"[,;\s]+", _text(alert, "related") or ""),
    )


def _alert(alert: Json, reader: _Reader) -> AlertRow | None:
    kind, event, colour = (_object(alert, name) for name in ("messageType", "eventType", "color"))
    earlier = kind.get("supersedes")
    return _row(
        alert,
        reader,
        times=("issuedTime", "effectiveTime", "expireTime"),
        event=(_text(event, "code"), _text(event, "name")),
        severity=severity_of(_text(alert, "severity"), _text(colour, "code")),
        status="cancelled" if (_text(kind, "code") or "").lower() == "cancel" else "active",
        words=("senderName", "headline"),
        places=[_text(alert, "senderName") or ""],
        supersedes=[str(each) for each in earlier] if isinstance(earlier, list) else [],
    )


def _row(
    alert: Json,
    reader: _Reader,
    *,
    times: tuple[str, str, str],
    event: tuple[str | None, str | None],
    severity: str | None,
    status: str,
    words: tuple[str, str],
    places: list[str],
    supersedes: list[str],
) -> AlertRow | None:
    identifier = _text(alert, "id")
    issued, begins, ends = (reader.instant(alert, name) for name in times)
    code, name = event
    peril = peril_of_code(code or "") or peril_of_name(name or "") or name or code
    if identifier is None or peril is None or (begins or issued) is None:
        reader.faults.add(reader.line(alert), "a warning without id, event or time is not read")
        return None
    return AlertRow(
        alert_id=f"qweather:{identifier}",
        source=_text(alert, words[0]),
        event=peril,
        severity=severity,
        effective_at=begins or issued,
        expires_at=ends,
        region_codes=[],
        polygon=None,
        status=status,
        headline=_text(alert, words[1]),
        recorded_at=issued or begins,
        places=unique(places),
        codes=[f"QWeather:{code}"] if code else [],
        message_id=f"qweather:{identifier}",
        supersedes=[f"qweather:{each}" for each in unique(supersedes)],
    )


def _text(alert: Json, name: str) -> str | None:
    value = alert.get(name)
    return None if value is None or isinstance(value, (Mapping, list)) else str(value).strip() or None


def _object(alert: Json, name: str) -> Json:
    value = alert.get(name)
    return value if isinstance(value, Mapping) else {}
