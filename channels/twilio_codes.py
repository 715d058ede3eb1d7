"""What Twilio's error codes mean for us. A table, because Twilio warns that codes change."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from channels.contract import Refused, RetryLater

UNKNOWN_CODE_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Code:
    """One row of twilio_codes.csv. `meaning`: opt_out, bad_address, refuse, stop_campaign, stop_channel or retry."""

    code: str
    meaning: str
    after: timedelta
    words: str
    source: str


@cache
def codes() -> dict[str, Code]:
    """The table, by code."""
    with Path(__file__).with_name("twilio_codes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["code"]: _code(row) for row in rows}


def _code(row: dict[str, str]) -> Code:
    after = timedelta(seconds=float(row["after_seconds"] or 0))
    return Code(row["code"], row["meaning"], after, row["words"], row["source"])


def verdict(code: str, detail: str = "") -> Refused | RetryLater:
    """What an error means for a message Twilio did not take: what is not in the table is held, with an alert."""
    row = codes().get(code)
    if row is None:
        return RetryLater(UNKNOWN_CODE_PAUSE, code, detail or "a code nobody here knows", alert=True)
    if row.meaning == "retry":
        return RetryLater(row.after, code, detail or row.words)
    return refusal(row, detail)


def refusal(row: Code, detail: str = "") -> Refused:
    """The refusal a row of the table stands for."""
    return Refused(
        row.meaning,
        row.code,
        detail or row.words,
        opt_out=row.meaning == "opt_out",
        bad_address=row.meaning == "bad_address",
        halt={"stop_campaign": "campaign", "stop_channel": "channel"}.get(row.meaning, "message"),  # type: ignore[arg-type]
    )
