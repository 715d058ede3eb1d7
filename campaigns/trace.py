"""How a decision came about, kept small: what was asked of everybody once, what was seen of each customer per decision.

A trace is a JSON array with one entry a channel tried: `[case_id, reason, [seen, seen, ...]]`, the values in the order of the
gates of the case; the last value belongs to the gate that decided. The case holds path, channel, and each gate's rule.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from campaigns.gate import Case, Gate, Judgement

if TYPE_CHECKING:
    import numpy as np


@dataclass
class TraceWriter:
    """Collects the gates' answers for the rows of one table and one case."""

    case: Case
    size: int
    rules: list[tuple[str, str]] = field(default_factory=list)
    seen: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        self.seen = np.full(self.size, "", dtype=object)

    def note(self, gate: Gate, judgement: Judgement, rows: np.ndarray) -> None:
        """Add one gate's answer; `rows` are the positions the judgement speaks of."""
        self.rules.append((gate.name, judgement.rule))
        self.seen[rows] += ("," if len(self.rules) > 1 else "") + _as_json(judgement.seen)

    @property
    def body(self) -> str:
        """The case as JSON."""
        content = {
            "campaign": self.case.campaign.name,
            "version": self.case.campaign.version,
            **({"arm": self.case.campaign.arm} if self.case.campaign.arm else {}),
            "path": self.case.path,
            "channel": self.case.medium.name,
            "gates": self.rules,
        }
        return json.dumps(content, ensure_ascii=False)

    @property
    def case_id(self) -> str:
        """Short fingerprint of the case."""
        return hashlib.sha256(self.body.encode()).hexdigest()[:12]

    def entries(self, reasons: np.ndarray) -> np.ndarray:
        """One trace entry a row, as JSON text."""
        entries: np.ndarray = f'["{self.case_id}",' + _as_json(reasons) + ",[" + self.seen + "]]"
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
