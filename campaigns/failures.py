"""What passed every gate and cannot go all the same: it is decided anew, with what was seen at the gate that has the last word."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from campaigns.decide import Decisions
from campaigns.gate import Verdict


@dataclass
class Failure:
    """A message that cannot go: position of its decision, reason code, what was seen, by which gate, until when."""

    row: int
    reason: str
    seen: str
    gate: str = "gateway"
    verdict: Verdict = Verdict.REFUSE
    until: datetime | None = None


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
