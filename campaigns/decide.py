"""From moments to decisions: every gate asked of a whole table, the channels of a step tried in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from campaigns.budgets import allowances, local_days
from campaigns.definition import Campaign
from campaigns.gate import Case, Gate, Verdict
from campaigns.gates import gates
from campaigns.hearing import Hearing
from campaigns.recall import recall
from campaigns.scene import Scene
from campaigns.stakes import Stakes
from campaigns.steps import SendStep
from campaigns.windows import home_zone
from channels.contract import MEDIA

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.ledger.ledger import History

BATCH = (
    "moment_id", "customer_id", "subject", "occasion", "step",
    "due_at", "policy_id", "claim_id", "event_id", "alert_id", "step_due_at", "standing",
)  # fmt: skip
"""Columns of `batch`, which the evidence of every gate starts from."""


@dataclass
class Decisions:
    """One row a moment: `verdict` (int8 of `Verdict`), gate, reason, medium, until, trace, and the plan of those that pass.

    `cases` holds the bodies of the cases the traces name.
    """

    table: pd.DataFrame
    cases: dict[str, str]


def decide(
    scene: Scene, batch: pa.Table, campaign: Campaign, history: History, stakes: Stakes | None = None
) -> Decisions:
    """Decide every moment of `batch` (columns of `PENDING_COLUMNS` and `standing`, whole customers).

    The result does not depend on how moments are cut into batches, as long as customers stay whole.
    """
    return _Panel(scene, batch, campaign, history, stakes).decide()


class _Panel:
    """The gates at work on one batch; `contacts` and `spent` grow with what is decided, so that it counts at once."""

    def __init__(
        self, scene: Scene, batch: pa.Table, campaign: Campaign, history: History, stakes: Stakes | None
    ) -> None:
        self.stakes = stakes
        self.scene, self.campaign = scene, campaign
        self.decisions = Decisions(_blank(batch), {})
        self.contacts, self.spent = history.contacts, history.spent
        self.nothing_told = recall(scene, history, batch["customer_id"])
        scene.db.register("deliveries", history.deliveries)

    def decide(self) -> Decisions:
        """Step by step: a batch may hold moments that wait for different ones."""
        import numpy as np

        steps = {
            step.send.key: (index, step) for index, step in enumerate(self.campaign.steps) if isinstance(step, SendStep)
        }
        first = next(iter(steps.values()))
        for key, found in self.decisions.table.groupby("step", sort=True).indices.items():
            index, step = steps.get(str(key), first)  # the gate `already` retracts what waits for a step that is gone
            self._decide_step(np.asarray(found, dtype=np.intp), index, step)
        return self.decisions

    def _decide_step(self, rows: np.ndarray, index: int, step: SendStep) -> None:
        """Try the channels of a step in their order on the rows still open."""
        same = self._evidence(rows, self._case(index, step, 0), "moment")
        same["step_removed"] = ~same["step"].isin({each.send.key for each in self.campaign.sends})
        same.index = rows
        for number, name in enumerate(step.send.channels):
            if not len(rows):
                return
            case = self._case(index, step, number)
            own = self._evidence(rows, case, "channel").drop(columns=list(BATCH))
            own.index = rows
            table = same.loc[rows].join(own).reset_index(drop=True)
            hearing = Hearing(case, table, rows)
            hearing.hold()
            hearing.write(self.decisions.table)
            self.decisions.cases[hearing.trace.case_id] = hearing.trace.body
            self._count(rows[hearing.alive], name)
            rows = rows[~hearing.final]

    def _case(self, index: int, step: SendStep, number: int) -> Case:
        case = case_of(self.scene, self.campaign, index, step, number)
        return replace(case, spent=self.spent, stakes=self.stakes, nothing_told=self.nothing_told)

    def _evidence(self, rows: np.ndarray, case: Case, scope: Literal["moment", "channel"]) -> pd.DataFrame:
        """What the gates of this scope want to know of these rows, in their order."""
        import pyarrow as pa

        batch = self.decisions.table.iloc[rows][list(BATCH)]
        self.scene.db.register("batch", pa.Table.from_pandas(batch, preserve_index=False))
        self.scene.db.register("contacts", self.contacts)
        return gather(self.scene.db, case, [gate for gate in gates() if gate.scope == scope])

    def _count(self, rows: np.ndarray, medium: str) -> None:
        """Add those just decided to the contacts: the next channel and step count them too."""
        import pandas as pd
        import pyarrow as pa

        size, table = len(rows), self.decisions.table.iloc[rows]
        goes = table["not_before"].where(table["not_before"] > self.scene.now, pd.Timestamp(self.scene.now))
        new = pa.table(
            {
                "customer_id": pa.array(table["customer_id"], pa.string()),
                "medium": pa.array([medium] * size, pa.string()),
                "purpose": pa.array([self.campaign.purpose] * size, pa.string()),
                "campaign": pa.array([self.campaign.name] * size, pa.string()),
                "at": pa.array(goes, pa.timestamp("us", "UTC")).cast(pa.timestamp("s", "UTC"), safe=False),
                "moment_id": pa.array(table["moment_id"], pa.int64()),
            }
        )
        self.contacts = pa.concat_tables([self.contacts, new])
        if allowances(self.campaign, self.scene.rules.policy, medium):
            days = local_days(goes, self.scene.now, home_zone(self.scene.rules.timezone)).value_counts()
            price = self.scene.rules.prices.get(medium, 0.0)
            self.spent = self.spent.plus(
                (str(day), self.campaign.name, medium, n, n * price) for day, n in days.items()
            )


def _blank(batch: pa.Table) -> pd.DataFrame:
    import pandas as pd

    table: pd.DataFrame = batch.to_pandas()
    table["verdict"] = Verdict.REFUSE.value
    for name in ("gate", "reason", "medium", "trace"):
        table[name] = pd.Series("", index=table.index, dtype=object)
    table["personal"] = True
    for name in ("address", "locale", "timezone"):
        table[name] = pd.Series(None, index=table.index, dtype=object)
    for name in ("until", "not_before", "not_after", "expires_at"):
        table[name] = pd.Series(pd.NaT, index=table.index, dtype="datetime64[us, UTC]")
    return table


def case_of(scene: Scene, campaign: Campaign, index: int, step: SendStep, number: int) -> Case:
    """What is the same for all: the campaign's step at this index with the channel of this number."""
    rules, name = scene.rules, step.send.channels[number]
    return Case(
        campaign=campaign,
        step=step,
        medium=MEDIA[name],
        profile=rules.profiles[name],
        policy=rules.policy,
        now=scene.now,
        timezone=rules.timezone,
        path=f"steps[{index}].send.channels[{number}]",
        calendar=rules.workdays,
        prices=rules.prices,
    )


def gather(db: duckdb.DuckDBPyConnection, case: Case, asking: Sequence[Gate]) -> pd.DataFrame:
    """One query for the evidence of some gates: a row a moment, in the batch's order."""
    parameters: dict[str, Any] = {
        "campaign": case.campaign.name,
        "purpose": case.campaign.purpose,
        "medium": case.medium.name,
        "goal": case.campaign.goal.event if case.campaign.goal else None,
        "now": case.now,
        "salt": case.policy.salt,
    }
    columns, joins = [], []
    for gate in (gate for gate in asking if gate.applies(case)):
        gate.prepare(db, case)
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
