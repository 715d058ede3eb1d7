"""From moments to decisions: every gate asked of a whole table, the channels of a step tried in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from campaigns.budgets import allowances, local_days
from campaigns.definition import Campaign
from campaigns.docket import BATCH, Docket, beside, gather
from campaigns.gate import Case
from campaigns.gates import gates
from campaigns.hearing import Findings, Hearing
from campaigns.recall import recall
from campaigns.scene import Scene
from campaigns.stakes import Stakes
from campaigns.steps import SendStep
from campaigns.windows import home_zone
from channels.contract import MEDIA

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.ledger.ledger import History

KEYS = ("customer_id", "subject", "occasion")


@dataclass(frozen=True)
class Part:
    """Moments of one campaign, or of one arm of it: columns of `PENDING_COLUMNS` and `standing`, whole customers."""

    campaign: Campaign
    batch: pa.Table


@dataclass
class Decisions:
    """One row a moment: `verdict` (int8 of `Verdict`), gate, reason, medium, until, trace, and the plan of those that pass.

    `cases` holds the bodies of the cases the traces name.
    """

    table: pd.DataFrame
    cases: dict[str, str]


@dataclass(frozen=True)
class _Step:
    """The moments of a part that wait for the same step: `rows` of the part; its cases, and where their rows begin in the evidence."""

    rows: np.ndarray
    cases: Sequence[int]
    starts: Sequence[int]


@dataclass
class _Plan:
    """Every case there is, and the rows of all moments (`moments`) and of all their channels (`channels`) by number."""

    cases: dict[int, Case] = field(default_factory=dict)
    steps: list[list[_Step]] = field(default_factory=list)
    moments: list[np.ndarray] = field(default_factory=list)
    channels: list[np.ndarray] = field(default_factory=list)


class Sitting:
    """Moments of some customers before the gates, part by part: what one part reserves counts for the next.

    What the gates want to know is gathered once for all of them, but for what changes as others are decided. The result
    does not depend on how moments are cut into sittings, as long as customers stay whole.
    """

    def __init__(self, scene: Scene, parts: Sequence[Part], history: History, stakes: Stakes | None = None) -> None:
        import numpy as np
        import pyarrow as pa

        self.scene, self.stakes = scene, stakes
        self.parts = [replace(part, batch=part.batch.sort_by([(key, "ascending") for key in KEYS])) for part in parts]
        # `contacts` and `spent` grow with what is decided, so that it counts at once; `_reserved` and `paid` with what is reserved
        self.contacts, self.spent = history.contacts, history.spent
        self._reserved, self.paid = history.contacts, history.spent
        moments = pa.concat_tables([part.batch.select(list(BATCH)) for part in self.parts])
        self._nothing_told = recall(scene, history, moments["customer_id"])
        scene.db.register("deliveries", history.deliveries)
        self._starts = np.cumsum([0, *(part.batch.num_rows for part in self.parts)])
        plan = self._plan()
        self._docket, self._steps, self._moments = Docket(plan.cases), plan.steps, moments
        self._lay_out(moments)
        self._same = self._gathered(np.concatenate(plan.moments), np.arange(moments.num_rows), "moment")
        places = np.concatenate([self._places(number) for number in range(len(self.parts))])
        self._own = self._gathered(np.concatenate(plan.channels), places, "channel")

    def decide(self, number: int) -> Decisions:
        """Decide every moment of a part, step by step: a part may hold moments that wait for different ones."""
        import numpy as np

        part = self.parts[number]
        findings, cases = Findings(part.batch.num_rows), dict[str, str]()
        for step in self._steps[number]:
            places = step.rows + self._starts[number]
            same = beside(self._moments.take(places), self._same.take(places))
            keys = {each.send.key for each in part.campaign.sends}
            same["step_removed"] = np.array([each not in keys for each in same["step"]], dtype=bool)
            self._decide_step(part, step, same, findings, cases)
        return Decisions(findings.beside(part.batch), cases)

    def reserved(
        self, number: int, decisions: Decisions, rows: Sequence[int], took: Iterable[tuple[str, str, str, int, float]]
    ) -> None:
        """Say which rows of the part just decided became messages, and what they took of the days: only these count now."""
        import numpy as np
        import pyarrow as pa

        campaign, places = self.parts[number].campaign, np.asarray(rows, dtype=np.intp)
        table = decisions.table.iloc[places]
        new = self._contacts(campaign, self.parts[number].batch.take(places), table["medium"], table["not_before"])
        self._reserved = self.contacts = pa.concat_tables([self._reserved, new])
        self.paid = self.spent = self.paid.plus(took)

    def _decide_step(
        self, part: Part, step: _Step, same: pd.DataFrame, findings: Findings, cases: dict[str, str]
    ) -> None:
        """Try the channels of a step in their order on the rows still open."""
        import numpy as np
        import pandas as pd

        open_ = np.arange(len(step.rows))
        for key, start in zip(step.cases, step.starts, strict=True):
            if not len(open_):
                break
            case = replace(self._docket.cases[key], spent=self.spent)
            alike = same if len(open_) == len(same) else same.iloc[open_].reset_index(drop=True)
            own = self._own.slice(start, len(step.rows)).take(open_).to_pandas()
            live = self._live(case, key, part.batch.take(step.rows[open_]))
            hearing = Hearing(case, pd.concat([alike, own, *live], axis=1), step.rows[open_])
            hearing.hold()
            hearing.write(findings)
            cases[hearing.trace.case_id] = hearing.trace.body
            self._count(part, case, step.rows[open_][hearing.alive], findings)
            open_ = open_[~hearing.final]

    def _lay_out(self, moments: pa.Table) -> None:
        """Prepare what live gates ask at every hearing."""
        self.scene.db.register("batch", moments)
        for gate in gates():
            if gate.live and (few := self._docket.only(gate)).cases:
                gate.prepare(self.scene.db, few)

    def _live(self, case: Case, key: int, batch: pa.Table) -> list[pd.DataFrame]:
        """The evidence that changes from hearing to hearing."""
        import pyarrow as pa

        asking = [gate for gate in gates() if gate.live and gate.applies(case)]
        if not asking:
            return []
        self.scene.db.register("contacts", self.contacts)
        rows = batch.select(list(BATCH)).append_column("case_number", pa.array([key] * batch.num_rows, pa.int64()))
        return [gather(self.scene.db, Docket({key: case}), rows, asking).to_pandas()]

    def _count(self, part: Part, case: Case, rows: np.ndarray, findings: Findings) -> None:
        """Add those just decided to the contacts and to what is spent: the next channel and step count them too."""
        import pandas as pd
        import pyarrow as pa

        if not len(rows):
            return
        starts = pd.Series(pd.DatetimeIndex(findings.columns["not_before"][rows]).tz_localize("UTC"))
        new = self._contacts(part.campaign, part.batch.take(rows), [case.medium.name] * len(rows), starts)
        self.contacts = pa.concat_tables([self.contacts, new])
        if allowances(part.campaign, case.policy, case.medium.name):
            self.spent = self.spent.plus(_spending(case, new["at"].to_pandas()))

    def _contacts(
        self, campaign: Campaign, batch: pa.Table, media: Iterable[str], starts: pd.Series[pd.Timestamp]
    ) -> pa.Table:
        """Messages as the ledger tells contacts: what should have gone by now goes now."""
        import pandas as pd
        import pyarrow as pa

        now = pd.Timestamp(self.scene.now)
        goes = starts.where(starts > now, now).astype("datetime64[s, UTC]")
        size = batch.num_rows
        return pa.table(
            {
                "customer_id": batch["customer_id"],
                "medium": pa.array(media, pa.string()),
                "purpose": pa.array([campaign.purpose] * size, pa.string()),
                "campaign": pa.array([campaign.name] * size, pa.string()),
                "at": pa.array(goes, pa.timestamp("s", "UTC")),
                "moment_id": batch["moment_id"],
            }
        )

    def _plan(self) -> _Plan:
        """Number the cases, and lay out which rows of the evidence are whose."""
        import numpy as np

        plan, start = _Plan(), 0
        for part in self.parts:
            size, steps = part.batch.num_rows, []
            own = np.zeros(size, dtype=np.int64)
            for rows, index, step in _steps_of(part):
                keys = [len(plan.cases) + place for place in range(len(step.send.channels))]
                for place, key in enumerate(keys):
                    made = case_of(self.scene, part.campaign, index, step, place)
                    plan.cases[key] = replace(made, nothing_told=self._nothing_told, stakes=self.stakes)
                    plan.channels.append(np.full(len(rows), key))
                steps.append(_Step(rows, keys, [start + place * len(rows) for place in range(len(keys))]))
                own[rows], start = keys[0], start + len(keys) * len(rows)
            plan.steps.append(steps)
            plan.moments.append(own)
        return plan

    def _places(self, number: int) -> np.ndarray:
        """The moments behind the rows of a part's channels, in the order of the plan."""
        import numpy as np

        rows = np.concatenate([np.tile(step.rows, len(step.cases)) for step in self._steps[number]])
        found: np.ndarray = rows + self._starts[number]
        return found

    def _gathered(self, cases: np.ndarray, places: np.ndarray, scope: str) -> pa.Table:
        """What the gates of this scope want to know of these moments under these cases."""
        import pyarrow as pa

        rows = self._moments.take(places).append_column("case_number", pa.array(cases, pa.int64()))
        asking = [gate for gate in gates() if gate.scope == scope and not gate.live]
        return gather(self.scene.db, self._docket, rows, asking)


def _steps_of(part: Part) -> list[tuple[np.ndarray, int, SendStep]]:
    """Rows of a part, index and step of what they wait for; the gate `already` retracts what waits for a step that is gone."""
    import numpy as np

    known = {
        step.send.key: (index, step) for index, step in enumerate(part.campaign.steps) if isinstance(step, SendStep)
    }
    first = next(iter(known.values()))
    names = part.batch["step"].to_pandas()
    return [
        (np.asarray(found, dtype=np.intp), *known.get(str(key), first))
        for key, found in sorted(names.groupby(names).indices.items())
    ]


def _spending(case: Case, goes: pd.Series[pd.Timestamp]) -> list[tuple[str, str, str, int, float]]:
    """What messages that go at these instants take of the insurer's days."""
    price = case.prices.get(case.medium.name, 0.0)
    days = local_days(goes, case.now, home_zone(case.timezone)).value_counts()
    return [(str(day), case.campaign.name, case.medium.name, n, n * price) for day, n in days.items()]


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
