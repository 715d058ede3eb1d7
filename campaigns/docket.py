"""What is heard together: moments of several campaigns, steps and channels, their evidence gathered by one query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.gate import Case, Gate

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.policy import ContactPolicy

BATCH = (
    "moment_id", "customer_id", "subject", "occasion", "step",
    "due_at", "policy_id", "claim_id", "event_id", "alert_id", "step_due_at", "standing",
)  # fmt: skip
"""Columns of `batch`, which the evidence of every gate starts from, beside `place`, `case_number` and what the case says."""


@dataclass(frozen=True)
class Docket:
    """The cases heard together, each under the number its rows name it by; policy and instant are the same for all."""

    cases: Mapping[int, Case]

    def only(self, gate: Gate) -> Docket:
        """The cases this gate has something to say about."""
        return Docket({number: case for number, case in self.cases.items() if gate.applies(case)})

    def of(self, table: pd.DataFrame, what: Callable[[Case], Any], kind: Any = object) -> np.ndarray:
        """What the case of each row says: one value a row, of this NumPy type."""
        return self.said(table["case_number"].to_numpy("int64"), what, kind)

    def said(self, numbers: np.ndarray, what: Callable[[Case], Any], kind: Any = object) -> np.ndarray:
        """What the cases of these numbers say: one value a number."""
        import numpy as np

        told = np.empty(max(self.cases) + 1, dtype=kind)
        for number, case in self.cases.items():
            told[number] = what(case)
        said: np.ndarray = told[numbers]
        return said

    def apart(self, table: pd.DataFrame) -> Iterator[tuple[Case, np.ndarray]]:
        """The cases that rows of the table are of, each with the positions of its rows."""
        import numpy as np

        numbers = table["case_number"].to_numpy(np.intp)
        for number in np.unique(numbers).tolist():
            yield self.cases[number], np.flatnonzero(numbers == number)

    @property
    def policy(self) -> ContactPolicy:
        """The contact policy."""
        return self._any.policy

    @property
    def now(self) -> datetime:
        """The instant."""
        return self._any.now

    @property
    def timezone(self) -> str:
        """The insurer's zone."""
        return self._any.timezone

    @property
    def nothing_told(self) -> bool:
        """None of the customers has opted out, told Kairos itself anything, or is on a list."""
        return all(case.nothing_told for case in self.cases.values())

    @property
    def _any(self) -> Case:
        return next(iter(self.cases.values()))


def gather(db: duckdb.DuckDBPyConnection, docket: Docket, batch: pa.Table, asking: Sequence[Gate]) -> pa.Table:
    """The evidence of some gates, one row per row of `batch` (columns BATCH and `case_number`), in its order.

    Of a row whose case a gate has nothing to say about, its columns mean nothing. Raises RuntimeError where evidence has
    more than one row for a row of the batch.
    """
    import pyarrow as pa

    asked = {gate: few for gate in asking if (few := docket.only(gate)).cases}
    rows = batch.append_column("place", pa.array(range(batch.num_rows), pa.int64()))
    for name, values in _told(docket, asked).items():
        rows = rows.append_column(name, values.take(batch["case_number"]))
    db.register("batch", rows)
    parameters: dict[str, Any] = {"now": docket.now, "salt": docket.policy.salt}
    columns, joins = [], []
    for gate, few in asked.items():
        gate.prepare(db, few)
        evidence = gate.evidence(few)
        if evidence:
            parameters.update(gate.parameters(few))
            columns.append(f", {gate.name}.* exclude (place)")
            joins.append(f"left join ({evidence}) {gate.name} using (place)")
    sql = f"select b.place{''.join(columns)} from batch b {' '.join(joins)} order by b.place"  # noqa: S608 - no values in it
    used = set(re.findall(r"\$(\w+)", sql))
    found: pa.Table = db.sql(sql, params={n: v for n, v in parameters.items() if n in used}).to_arrow_table()
    if found.num_rows != batch.num_rows:
        names = ", ".join(gate.name for gate in asked)
        raise RuntimeError(
            f"the evidence of {names} has {found.num_rows} rows for {batch.num_rows}; a gate doubles rows"
        )
    return found.drop_columns("place")


def beside(batch: pa.Table, evidence: pa.Table) -> pd.DataFrame:
    """Rows of a batch with their evidence, as gates judge them."""
    for name in evidence.column_names:
        batch = batch.append_column(name, evidence[name])
    table: pd.DataFrame = batch.to_pandas()
    return table


def _told(docket: Docket, asked: Mapping[Gate, Docket]) -> dict[str, pa.Array]:
    """What each case says, as columns with a place per case number."""
    import pyarrow as pa

    size = max(docket.cases) + 1
    columns: dict[str, list[Any]] = {name: [None] * size for name in ("campaign", "purpose", "medium")}
    for number, case in docket.cases.items():
        own = {"campaign": case.campaign.name, "purpose": case.campaign.purpose, "medium": case.medium.name}
        for name, value in own.items():
            columns[name][number] = value
    for gate, few in asked.items():
        for number, case in few.cases.items():
            for name, value in gate.constants(case).items():
                columns.setdefault(name, [None] * size)[number] = value
    arrays = {name: pa.array(values) for name, values in columns.items()}
    return {name: array.cast(pa.string()) if pa.types.is_null(array.type) else array for name, array in arrays.items()}
