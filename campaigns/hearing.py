"""One table of moments before all gates: who asked what, what was seen, and what came of it, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.gate import Case, Gate, Verdict
from campaigns.gates import gates
from campaigns.trace import TraceWriter

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PLAN = ("address", "locale", "timezone", "not_before", "not_after", "expires_at")
"""Columns the gates add for those that pass: where to, in what language, when."""


class Hearing:
    """The answers for the rows of `table`, which are the positions `rows` of the decisions.

    `final` rows need no other channel; those `alive` at the end have passed every gate.
    """

    def __init__(self, case: Case, table: pd.DataFrame, rows: np.ndarray) -> None:
        import numpy as np

        size = len(table)
        if size != len(rows):
            name = case.campaign.name
            raise RuntimeError(f"the evidence of {name} has {size} rows for {len(rows)} moments; a gate doubles rows")
        self.case, self.table, self.rows = case, table, rows
        self.alive = np.ones(size, dtype=bool)
        self.final = np.zeros(size, dtype=bool)
        self.verdict = np.zeros(size, dtype=np.int8)
        self.gate = np.full(size, "", dtype=object)
        self.reason = np.full(size, "", dtype=object)
        self.until = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]")
        self.trace = TraceWriter(case, size)

    def hold(self) -> None:
        """Ask every gate, in order, of the rows still alive."""
        for gate in gates():
            if gate.applies(self.case):
                self._ask(gate)
        self.final |= self.alive

    def _ask(self, gate: Gate) -> None:
        import numpy as np

        where = np.flatnonzero(self.alive)
        judgement = gate.judge(self.table if self.alive.all() else self.table.iloc[where], self.case)
        self.trace.note(gate, judgement, where)
        stopped = judgement.verdict != Verdict.PASS
        hit = where[stopped]
        self.verdict[hit] = judgement.verdict[stopped]
        self.reason[hit] = judgement.reason[stopped]
        self.gate[hit] = gate.name
        if judgement.until is not None:
            self.until[hit] = judgement.until[stopped]
        ends = judgement.final[stopped] if isinstance(judgement.final, np.ndarray) else judgement.final
        self.final[hit] |= ends | (gate.scope == "moment")
        for name, values in judgement.changes.items():
            self.table.loc[self.table.index[where], name] = values
        self.alive[hit] = False

    def write(self, decisions: pd.DataFrame) -> None:
        """Put the answers into the decisions, after those of the channels tried before."""
        import pandas as pd

        index = decisions.index[self.rows]
        decisions.loc[index, "verdict"] = self.verdict
        decisions.loc[index, "gate"] = self.gate
        decisions.loc[index, "reason"] = self.reason
        decisions.loc[index, "medium"] = self.case.medium.name
        decisions.loc[index, "until"] = pd.to_datetime(self.until, utc=True)
        earlier = decisions.loc[index, "trace"].to_numpy(object)
        joints = [("," if text else "") for text in earlier]
        decisions.loc[index, "trace"] = earlier + joints + self.trace.entries(self.reason)
        for name in PLAN:
            values = self.table[name]
            decisions.loc[index, name] = values.array if values.dtype.kind == "M" else values.to_numpy(object)
