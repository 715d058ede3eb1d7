"""Which messages speak of one alert: updates and cancellations take the id of the first of their chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from triggers.alerts.alert import OTHER, AlertRow


def join_alerts(rows: Iterable[AlertRow]) -> list[AlertRow]:
    """The same messages, updates under the `alert_id` of their alert; takes rows of several files, also its own.

    A message that supersedes others belongs to the alert of the first of them. Where it supersedes messages of
    further alerts that are among the rows, each of those alerts gets one more row saying that it is cancelled. A
    message without an event of its own (a bare cancellation) takes what is missing from the message it supersedes.
    """
    rows = list(rows)
    by_message = {row["message_id"]: row for row in rows}
    joined: list[AlertRow] = []
    for row in rows:
        heads = list(dict.fromkeys(_head(message, by_message) for message in row["supersedes"]))
        known = by_message.get(row["supersedes"][0]) if row["supersedes"] else None
        joined.append(_completed({**row, "alert_id": heads[0] if heads else row["alert_id"]}, known))
        ended = (_ended(row, by_message[head]) for head in heads[1:] if head in by_message)
        joined.extend(end for end in ended if end["message_id"] not in by_message)
    return joined


def _head(message: str, rows: Mapping[str, AlertRow]) -> str:
    """The message at the head of the chain this one belongs to, as far back as the rows tell."""
    seen = {message}
    while (row := rows.get(message)) is not None and row["supersedes"] and row["supersedes"][0] not in seen:
        message = row["supersedes"][0]
        seen.add(message)
    return row["alert_id"] if row is not None and not row["supersedes"] else message


def _completed(row: AlertRow, earlier: AlertRow | None) -> AlertRow:
    if earlier is None or row["event"] != OTHER:
        return row
    return {
        **row,
        "event": earlier["event"],
        "severity": row["severity"] or earlier["severity"],
        "region_codes": row["region_codes"] or earlier["region_codes"],
        "polygon": row["polygon"] or earlier["polygon"],
        "places": row["places"] or earlier["places"],
        "codes": row["codes"] or earlier["codes"],
    }


def _ended(by: AlertRow, alert: AlertRow) -> AlertRow:
    message = f"{by['message_id']}#{alert['alert_id']}"
    supersedes = [alert["message_id"]]
    return {
        **alert,
        "status": "cancelled",
        "recorded_at": by["recorded_at"],
        "message_id": message,
        "supersedes": supersedes,
    }
