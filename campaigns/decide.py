"""From moments to decisions: every gate asked of a whole table, the channels of a step tried in their order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from campaigns.definition import Campaign, SendStep
from campaigns.gate import Case, Gate, Verdict
from campaigns.gates import gates
from campaigns.policy import ContactPolicy
from campaigns.trace import TraceWriter
from channels.contract import MEDIA, Profile

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.ledger.ledger import History

PLAN_COLUMNS = ("address", "locale", "timezone", "not_before", "not_after", "expires_at")


@dataclass(frozen=True)
class Rules:
    """All that decides besides facts and history: arguments, so that a decision can be made again."""

    policy: ContactPolicy
    profiles: Mapping[str, Profile]
    timezone: str


@dataclass
class Decisions:
    """One row a moment: `verdict` (int8 of `Verdict`), gate, reason, medium, until, trace, and the plan of those that pass.

    `cases` holds the bodies of the cases the traces name.
    """

    table: pd.DataFrame
    cases: dict[str, str]


def decide(
    db: duckdb.DuckDBPyConnection, batch: pa.Table, campaign: Campaign, history: History, rules: Rules, now: datetime
) -> Decisions:
    """Decide every moment of `batch` (columns of `PENDING_COLUMNS`, whole customers) as of `now`.

    The result does not depend on how moments are cut into batches, as long as customers stay whole.
    """
    import numpy as np

    table = _blank(batch)
    decisions = Decisions(table, {})
    contacts = history.contacts
    known = {step.send.key: (index, step) for index, step in enumerate(campaign.steps) if isinstance(step, SendStep)}
    db.register("opt_outs", history.opt_outs)
    for key, found in table.groupby("step", sort=True).indices.items():
        rows = np.asarray(found, dtype=np.intp)
        index, step = known.get(str(key), (0, campaign.sends[0]))
        contacts = _decide_step(db, decisions, rows, campaign, (index, step), rules, now, contacts)
    return decisions


def _blank(batch: pa.Table) -> pd.DataFrame:
    import pandas as pd

    table: pd.DataFrame = batch.to_pandas()
    table["verdict"] = Verdict.REFUSE.value
    for name in ("gate", "reason", "medium", "trace"):
        table[name] = pd.Series("", index=table.index, dtype=object)
    for name in ("address", "locale", "timezone"):
        table[name] = pd.Series(None, index=table.index, dtype=object)
    for name in ("until", "not_before", "not_after", "expires_at"):
        table[name] = pd.Series(pd.NaT, index=table.index, dtype="datetime64[us, UTC]")
    return table


def _decide_step(
    db: duckdb.DuckDBPyConnection,
    decisions: Decisions,
    rows: np.ndarray,
    campaign: Campaign,
    place: tuple[int, SendStep],
    rules: Rules,
    now: datetime,
    contacts: pa.Table,
) -> pa.Table:
    """Try the channels of one step in order on the rows still open; returns the contacts with the new ones."""
    import pyarrow as pa

    index, step = place
    steps = {each.send.key for each in campaign.sends}
    for number, name in enumerate(step.send.channels):
        if not len(rows):
            break
        path = f"steps[{index}].send.channels[{number}]"
        case = Case(campaign, step, MEDIA[name], rules.profiles[name], rules.policy, now, rules.timezone, path)
        open_rows = decisions.table.iloc[rows][["moment_id", "customer_id", "subject", "occasion", "step", "due_at", "policy_id", "claim_id", "event_id", "alert_id"]]
        db.register("batch", pa.Table.from_pandas(open_rows, preserve_index=False))
        db.register("contacts", contacts)
        table = _gather(db, case)
        table["step_removed"] = ~table["step"].isin(steps)
        final, passed = _ask(decisions, table, rows, case)
        contacts = _with_reserved(contacts, decisions.table.iloc[rows[passed]], case)
        rows = rows[~final]
    return contacts


def _gather(db: duckdb.DuckDBPyConnection, case: Case) -> pd.DataFrame:
    """One query for the evidence of all gates: a row a moment, in the batch's order."""
    parameters: dict[str, Any] = {
        "campaign": case.campaign.name,
        "purpose": case.campaign.purpose,
        "medium": case.medium.name,
        "goal": case.campaign.goal.event if case.campaign.goal else None,
        "now": case.now,
        "salt": case.policy.salt,
    }
    columns, joins = [], []
    for gate in gates():
        evidence = gate.evidence(case)
        if evidence:
            parameters.update(gate.parameters(case))
            columns.append(f", {gate.name}.* exclude (moment_id)")
            joins.append(f"left join ({evidence}) {gate.name} using (moment_id)")
    sql = f"select b.*{''.join(columns)} from batch b {' '.join(joins)} order by b.customer_id, b.subject, b.occasion"  # noqa: S608 - no values in it
    used = set(re.findall(r"\$(\w+)", sql))
    found = db.sql(sql, params={name: value for name, value in parameters.items() if name in used})
    table: pd.DataFrame = found.to_arrow_table().to_pandas()
    return table


def _ask(decisions: Decisions, table: pd.DataFrame, rows: np.ndarray, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Ask gate after gate of the rows still alive; writes the outcome, returns which rows are final and which passed."""
    import numpy as np

    size = len(table)
    if size != len(rows):
        raise RuntimeError(f"the evidence of {case.campaign.name} has {size} rows for {len(rows)} moments; a gate doubles rows")
    alive = np.ones(size, dtype=bool)
    final = np.zeros(size, dtype=bool)
    verdict = np.zeros(size, dtype=np.int8)
    outcome = {name: np.full(size, "", dtype=object) for name in ("gate", "reason")}
    until = np.full(size, np.datetime64("NaT"), dtype="datetime64[us]")
    trace = TraceWriter(case, size)
    for gate in gates():
        where = np.flatnonzero(alive)
        judgement = gate.judge(table if alive.all() else table.iloc[where], case)
        trace.note(gate, judgement, where)
        stopped = judgement.verdict != Verdict.PASS
        hit = where[stopped]
        verdict[hit] = judgement.verdict[stopped]
        outcome["reason"][hit] = judgement.reason[stopped]
        outcome["gate"][hit] = gate.name
        if judgement.until is not None:
            until[hit] = judgement.until[stopped]
        final[hit] |= _is_final(gate, judgement.final)
        for name, values in judgement.changes.items():
            table.loc[table.index[where], name] = values
        alive[hit] = False
    final |= alive
    _write(decisions, table, rows, verdict, outcome, until, trace, case)
    return final, alive


def _is_final(gate: Gate, declared: bool) -> bool:
    return declared or gate.scope == "moment"


def _write(
    decisions: Decisions,
    table: pd.DataFrame,
    rows: np.ndarray,
    verdict: np.ndarray,
    outcome: dict[str, np.ndarray],
    until: np.ndarray,
    trace: TraceWriter,
    case: Case,
) -> None:
    import pandas as pd

    result = decisions.table
    index = result.index[rows]
    decisions.cases[trace.case_id] = trace.body
    result.loc[index, "verdict"] = verdict
    result.loc[index, "gate"] = outcome["gate"]
    result.loc[index, "reason"] = outcome["reason"]
    result.loc[index, "medium"] = case.medium.name
    result.loc[index, "until"] = pd.to_datetime(until, utc=True)
    earlier = result.loc[index, "trace"].to_numpy(object)
    joint = [("," if text else "") for text in earlier]
    result.loc[index, "trace"] = earlier + joint + trace.entries(outcome["reason"])
    for name in PLAN_COLUMNS:
        result.loc[index, name] = table[name].to_numpy() if name in ("address", "locale", "timezone") else table[name].array


def _with_reserved(contacts: pa.Table, passed: pd.DataFrame, case: Case) -> pa.Table:
    """The contacts with those just decided, so that the next channel and step count them too."""
    import pyarrow as pa

    size = len(passed)
    new = pa.table(
        {
            "customer_id": pa.array(passed["customer_id"], pa.string()),
            "medium": pa.array([case.medium.name] * size, pa.string()),
            "purpose": pa.array([case.campaign.purpose] * size, pa.string()),
            "at": pa.array([case.now] * size, pa.timestamp("s", "UTC")),
        }
    )
    return pa.concat_tables([contacts, new])
