"""How a decision came about, kept small: what was asked of everybody once, what was seen of each customer per decision.

A trace is a JSON array with one entry a channel tried: `[case_id, reason, [seen, seen, ...]]`, the values in the order of the
gates of the case; the last value belongs to the gate that decided. The case holds path, channel, and each gate's rule.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from campaigns.gate import Case, Judgement
from campaigns.gates import gates

if TYPE_CHECKING:
    import numpy as np

    from campaigns.docket import Docket


def told(case: Case) -> tuple[str, str]:
    """A case's short fingerprint, and what is kept of it as JSON."""
    body = json.dumps(
        {
            "campaign": case.campaign.name,
            "version": case.campaign.version,
            **({"arm": case.campaign.arm} if case.campaign.arm else {}),
            "path": case.path,
            "channel": case.medium.name,
            "gates": [(gate.name, gate.rule(case)) for gate in gates() if gate.applies(case)],
        },
        ensure_ascii=False,
    )
    return hashlib.sha256(body.encode()).hexdigest()[:12], body


class TraceWriter:
    """Collects what the gates saw of rows of several cases; `numbers` is the case of each."""

    def __init__(self, docket: Docket, numbers: np.ndarray) -> None:
        import numpy as np

        self.numbers = numbers
        self.cases = {number: told(case) for number, case in docket.cases.items()}
        self._ids = np.full(max(docket.cases) + 1, "", dtype=object)
        self._ids[list(self.cases)] = [case_id for case_id, _ in self.cases.values()]
        self._begun = np.zeros(len(self._ids), dtype=bool)
        self._seen = np.full(len(numbers), "", dtype=object)

    def note(self, judgement: Judgement, rows: np.ndarray) -> None:
        """Add one gate's answer; `rows` are the positions the judgement speaks of: all of their cases that are still asked."""
        import numpy as np

        numbers = self.numbers[rows]
        self._seen[rows] += np.where(self._begun[numbers], ",", "").astype(object) + _as_json(judgement.seen)
        self._begun[numbers] = True

    def entries(self, reasons: np.ndarray) -> np.ndarray:
        """One trace entry a row, as JSON text."""
        entries: np.ndarray = '["' + self._ids[self.numbers] + '",' + _as_json(reasons) + ",[" + self._seen + "]]"
        return entries


def _as_json(values: np.ndarray) -> np.ndarray:
    import numpy as np
    import pandas as pd

    codes, distinct = pd.factorize(values)
    words = np.array([json.dumps(str(value), ensure_ascii=False) for value in distinct], dtype=object)
    return words[codes]


def explain(trace: str, cases: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """A stored trace in full: per gate asked its path, channel, rule, the value seen, and the verdict of each."""
    lines: list[dict[str, str]] = []
    for case_id, reason, seen in json.loads(trace):
        case = cases[case_id]
        for index, (value, (gate, rule)) in enumerate(zip(seen, case["gates"], strict=False)):
            decided = reason if index == len(seen) - 1 else ""
            lines.append(
                {
                    "path": case["path"],
                    "channel": case["channel"],
                    "gate": gate,
                    "rule": rule,
                    "seen": value,
                    "reason": decided,
                }
            )
    return lines
