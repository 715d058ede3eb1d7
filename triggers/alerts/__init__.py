"""Alerts as their issuers send them: CAP, feeds and envelopes of it, GDACS' RSS, QWeather's JSON; plain or gzipped."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

from triggers.alerts.alert import LANGUAGES, AlertFault, AlertFile, AlertRow, Faults
from triggers.alerts.supersession import join_alerts

__all__ = ["LANGUAGES", "AlertFault", "AlertFile", "AlertRow", "alerts_in", "join_alerts", "read_alerts"]

LARGEST = 256 * 1024 * 1024
"""Bytes of a document, unpacked; larger ones are refused."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


def read_alerts(path: Path, languages: Sequence[str] = LANGUAGES) -> AlertFile:
    """Read one document of alerts, of whatever format its content shows it to be.

    Rows come one per message, updates under the `alert_id` of the alert they update as far as this file tells
    (`join_alerts` does the same across files). Whatever cannot be read is a fault beside the rows, never an
    exception; only a file that cannot be opened raises OSError. `languages` are primary subtags (`zh`, `en`), best
    liked first, for headlines.
    """
    with path.open("rb") as file:
        return alerts_in(file.read(LARGEST + 1), path, languages)


def alerts_in(data: bytes, path: Path, languages: Sequence[str] = LANGUAGES) -> AlertFile:
    """Read one document of alerts held in memory; `path` is what faults call it. Otherwise as `read_alerts`."""
    faults = Faults(path)
    content = _content(data, faults).removeprefix(_BOM).lstrip()
    rows = _read(content, languages, faults) if content else []
    return AlertFile(join_alerts(rows), faults.found)


def _content(data: bytes, faults: Faults) -> bytes:
    if data.startswith(_GZIP):
        data = _unpacked(data, faults)
    if len(data) > LARGEST:
        faults.add(1, f"larger than {LARGEST} bytes, not read")
        return b""
    if not data.removeprefix(_BOM).strip():
        faults.add(1, "an empty file")
    return data


def _unpacked(data: bytes, faults: Faults) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(data, LARGEST + 1)
    except zlib.error as error:
        faults.add(1, f"not a sound gzip file: {error}")
        return b""
    if not unpacker.eof and len(content) <= LARGEST:
        faults.add(1, "the gzip file is cut off; read as far as it goes")
    return content


def _read(data: bytes, languages: Sequence[str], faults: Faults) -> list[AlertRow]:
    if data.startswith(b"<"):
        return _read_xml(data, languages, faults)
    if data.startswith((b"{", b"[")):
        return _read_json(data, faults)
    faults.add(1, "neither XML nor JSON: not a document of alerts")
    return []


def _read_xml(data: bytes, languages: Sequence[str], faults: Faults) -> list[AlertRow]:
    from triggers.alerts.cap import read_cap
    from triggers.alerts.gdacs import read_gdacs
    from triggers.alerts.markup import local, parse

    markup = parse(data, faults)
    if markup.root is None:
        return []
    name = local(markup.root)
    if name in ("alert", "feed", "EDXLDistribution"):
        return read_cap(markup, languages, faults)
    if name == "rss":
        return read_gdacs(markup, faults)
    faults.add(markup.line(markup.root), f"XML, but <{name}> is neither CAP, Atom, EDXL-DE nor the RSS of GDACS")
    return []


def _read_json(data: bytes, faults: Faults) -> list[AlertRow]:
    from triggers.alerts.qweather import read_qweather

    text = data.decode("utf-8", errors="replace")
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        faults.add(getattr(error, "lineno", 1), f"not well-formed JSON: {error}")
        return []
    return read_qweather(document, text, faults)
