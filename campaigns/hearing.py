"""One table of moments before all gates: what was seen, and what came of it, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.gate import Gate, Verdict
from campaigns.gates import gates
from campaigns.trace import TraceWriter

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.docket import Docket

PLACE = ("address", "locale", "timezone")
"""Where to and in what language: known of everybody asked about."""
TIMES = ("not_before", "not_after", "expires_at")
"""When: the gates add it for those that pass."""


class Findings:
    """What is decided of `size` moments, an array a column; instants are in UTC, microseconds, without a zone."""

    def __init__(self, size: int) -> None:
        import numpy as np

        self.columns: dict[str, np.ndarray] = {"verdict": np.full(size, Verdict.REFUSE.value, dtype=np.int64)}
        for name in ("gate", "reason", "medium", "trace"):
            self.columns[name] = np.full(size, "", dtype=object)
        self.columns["personal"] = np.ones(size, dtype=bool)
        for name in PLACE:
            self.columns[name] = np.full(size, None, dtype=object)
        for name in ("until", *TIMES):
            self.columns[name] = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]")

    def beside(self, batch: pa.Table, rows: slice) -> pd.DataFrame:
        """Moments with what is decided of them: that of these rows."""
        import pandas as pd

        table: pd.DataFrame = batch.to_pandas()
        columns = {}
        for name, every in self.columns.items():
            values = every[rows]
            timed = values.dtype.kind == "M"
            columns[name] = (
                pd.DatetimeIndex(values).tz_localize("UTC") if timed else pd.Series(values, dtype=values.dtype)
            )
        found: pd.DataFrame = pd.concat([table, pd.DataFrame(columns)], axis=1)
        return found


class Hearing:
    """The answers for the rows of `table`, which are the positions `rows` of the findings, each of the case of its number.

    `final` rows need no other channel; those `alive` at the end have passed every gate. `table` shrinks to the rows
    still alive, which `open` are the places of: no gate looks at a row that is decided.
    """

    def __init__(self, docket: Docket, table: pd.DataFrame, rows: np.ndarray) -> None:
        import numpy as np

        size = len(table)
        self.docket, self.table, self.rows = docket, table, rows
        self.numbers = table["case_number"].to_numpy("int64")
        self.open = np.arange(size)
        self.alive = np.ones(size, dtype=bool)
        self.final = np.zeros(size, dtype=bool)
        self.verdict = np.zeros(size, dtype=np.int8)
        self.gate = np.full(size, "", dtype=object)
        self.reason = np.full(size, "", dtype=object)
        self.until = np.full(size, np.datetime64("NaT", "us"), dtype="datetime64[us]")
        self.trace = TraceWriter(docket, self.numbers)
        self.place = {name: table[name].to_numpy(object) for name in PLACE}
        self.personal = table["personal"].to_numpy(bool) if "personal" in table else None

    @property
    def cases(self) -> dict[int, tuple[str, str]]:
        """The cases heard by number: fingerprint, and what is kept of each."""
        return self.trace.cases

    def hold(self) -> None:
        """Ask every gate, in order, of the rows still alive."""
        for gate in gates():
            few = self.docket.only(gate)
            if few.cases:
                self._ask(gate, few)
        self.final |= self.alive

    def _ask(self, gate: Gate, docket: Docket) -> None:
        """Ask a gate of the rows of these cases."""
        import numpy as np

        everybody = len(docket.cases) == len(self.docket.cases)
        asked = (
            np.arange(len(self.open))
            if everybody
            else np.flatnonzero(np.isin(self.numbers[self.open], list(docket.cases)))
        )
        if not len(asked):
            return
        rows = self.open[asked]
        judgement = gate.judge(self.table if everybody else self.table.iloc[asked], docket)
        self.trace.note(judgement, rows)
        for name, values in judgement.changes.items():
            if everybody:
                self.table[name] = values
            else:
                self.table.loc[self.table.index[asked], name] = values
        stopped = judgement.verdict != Verdict.PASS
        if not stopped.any():
            return
        hit = rows[stopped]
        self.verdict[hit] = judgement.verdict[stopped]
        self.reason[hit] = judgement.reason[stopped]
        self.gate[hit] = gate.name
        if judgement.until is not None:
            self.until[hit] = judgement.until[stopped]
        ends = judgement.final[stopped] if isinstance(judgement.final, np.ndarray) else judgement.final
        self.final[hit] |= ends | (gate.scope == "moment")
        self.alive[hit] = False
        goes_on = self.alive[self.open]
        self.open, self.table = self.open[goes_on], self.table[goes_on]

    def write(self, findings: Findings) -> None:
        """Put what is decided beside that of the other moments, after the traces of the channels tried before."""
        columns, rows = findings.columns, self.rows
        columns["verdict"][rows] = self.verdict
        columns["gate"][rows] = self.gate
        columns["reason"][rows] = self.reason
        columns["medium"][rows] = self.docket.said(self.numbers, lambda case: case.medium.name)
        columns["until"][rows] = self.until
        earlier = columns["trace"][rows]
        columns["trace"][rows] = earlier + [("," if text else "") for text in earlier] + self.trace.entries(self.reason)
        if self.personal is not None:
            columns["personal"][rows] = self.personal
        for name, values in self.place.items():
            columns[name][rows] = values
        for name in TIMES:
            if name in self.table:
                columns[name][rows[self.open]] = self.table[name].dt.tz_convert(None).to_numpy("datetime64[us]")
