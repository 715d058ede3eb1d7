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
"""Where to and in what language, known of everybody asked about; and when, which the gates add for those that pass."""


class Hearing:
    """The answers for the rows of `table`, which are the positions `rows` of the decisions.

    `final` rows need no other channel; those `alive` at the end have passed every gate. `table` shrinks to the rows
    still alive, which `open` are the places of: no gate looks at a row that is decided.
    """

    def __init__(self, case: Case, table: pd.DataFrame, rows: np.ndarray) -> None:
        import numpy as np

        size = len(table)
        if size != len(rows):
            name = case.campaign.name
            raise RuntimeError(f"the evidence of {name} has {size} rows for {len(rows)} moments; a gate doubles rows")
        self.case, self.table, self.rows = case, table, rows
        self.open = np.arange(size)
        self.alive = np.ones(size, dtype=bool)
        self.final = np.zeros(size, dtype=bool)
        self.verdict = np.zeros(size, dtype=np.int8)
        self.gate = np.full(size, "", dtype=object)
        self.reason = np.full(size, "", dtype=object)
        self.until = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]")
        self.trace = TraceWriter(case, size)
        self.plan = {name: table[name] for name in PLAN if name in table}
        self.personal = table["personal"].to_numpy(bool) if "personal" in table else None

    def hold(self) -> None:
        """Ask every gate, in order, of the rows still alive."""
        for gate in gates():
            if gate.applies(self.case):
                self._ask(gate)
        self.final |= self.alive

    def _ask(self, gate: Gate) -> None:
        import numpy as np

        judgement = gate.judge(self.table, self.case)
        self.trace.note(gate, judgement, self.open)
        for name, values in judgement.changes.items():
            self.table[name] = values
        stopped = judgement.verdict != Verdict.PASS
        if not stopped.any():
            return
        hit = self.open[stopped]
        self.verdict[hit] = judgement.verdict[stopped]
        self.reason[hit] = judgement.reason[stopped]
        self.gate[hit] = gate.name
        if judgement.until is not None:
            self.until[hit] = judgement.until[stopped]
        ends = judgement.final[stopped] if isinstance(judgement.final, np.ndarray) else judgement.final
        self.final[hit] |= ends | (gate.scope == "moment")
        self.alive[hit] = False
        self.open, self.table = self.open[~stopped], self.table[~stopped]

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
        if self.personal is not None:
            decisions.loc[index, "personal"] = self.personal
        for name in PLAN:
            places, values = (index, self.plan[name]) if name in self.plan else (index[self.open], self.table[name])
            decisions.loc[places, name] = values.array if values.dtype.kind == "M" else values.to_numpy(object)
