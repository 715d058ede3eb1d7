"""What comes before the gates in one sitting: moments of several campaigns, the cases they are, and where their evidence lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from campaigns.budgets import allowances
from campaigns.definition import Campaign
from campaigns.gate import Case
from campaigns.scene import Scene
from campaigns.steps import SendStep
from campaigns.waves import Group, waves
from channels.contract import MEDIA

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from campaigns.stakes import Stakes

KEYS = ("customer_id", "subject", "occasion")


@dataclass(frozen=True)
class Part:
    """Moments of one campaign, or of one arm of it: columns of `PENDING_COLUMNS` and `standing`, whole customers."""

    campaign: Campaign
    batch: pa.Table


@dataclass(frozen=True)
class _Step:
    """The moments of a part that wait for the same step: their places, and the numbers of its cases, one a channel."""

    campaign: Campaign
    places: np.ndarray
    cases: range


@dataclass(frozen=True)
class Wave:
    """Places decided together, ascending, and whether a campaign's budget pays for what comes of some."""

    places: np.ndarray
    budgeted: bool


class Agenda:
    """The moments of some parts in one table, `moments`; a place is a row of it. Each part's are in order of KEYS.

    `people` are the customers, `person` the place of each row's among them. `cases` are all there may be, by number: one a
    step and channel, those of a step one after the other.
    """

    def __init__(
        self, scene: Scene, parts: Sequence[Part], *, nothing_told: bool = False, stakes: Stakes | None = None
    ) -> None:
        import numpy as np
        import pandas as pd
        import pyarrow as pa

        self.parts = [replace(part, batch=part.batch.sort_by([(key, "ascending") for key in KEYS])) for part in parts]
        self.starts = np.cumsum([0, *(part.batch.num_rows for part in parts)])
        self.moments = pa.concat_tables([part.batch for part in self.parts]).combine_chunks()
        self.cases: dict[int, Case] = {}
        self._steps: list[_Step] = []
        removed = np.zeros(len(self), dtype=bool)
        for part, start in zip(self.parts, self.starts, strict=False):
            keys = {each.send.key for each in part.campaign.sends}
            for rows, index, step in _steps_of(part):
                first, channels = len(self.cases), len(step.send.channels)
                for number in range(channels):
                    case = case_of(scene, part.campaign, index, step, number)
                    self.cases[first + number] = replace(case, nothing_told=nothing_told, stakes=stakes)
                self._steps.append(_Step(part.campaign, rows + start, range(first, first + channels)))
                removed[rows + start] = part.batch["step"][int(rows[0])].as_py() not in keys
        person, self.people = pd.factorize(self.moments["customer_id"].to_pandas())
        self.moments = self.moments.append_column("step_removed", pa.array(removed)).append_column(
            "person", pa.array(person)
        )
        self.first, self.channels = np.zeros((2, len(self)), dtype=np.int64)
        for each in self._steps:
            self.first[each.places], self.channels[each.places] = each.cases.start, len(each.cases)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def rounds(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Per channel of the steps, the first first: the places that have it, and their case numbers."""
        import numpy as np

        for number in range(int(self.channels.max(initial=0))):
            places = np.flatnonzero(self.channels > number)
            yield places, self.first[places] + number

    def waves(self) -> Iterator[Wave]:
        """The places decided together, one wave after the other (`campaigns.waves`)."""
        import numpy as np

        case = next(iter(self.cases.values()))
        groups = [Group(step.places, self._budget(step)) for step in self._steps]
        people = self.moments["person"].to_numpy()
        limited = np.zeros(len(self), dtype=bool)
        for group in groups:
            limited[group.rows] = group.budget is not None
        for places in waves(people, groups, shared=bool(case.policy.budgets)):
            yield Wave(places, bool(limited[places].any()))

    def _budget(self, step: _Step) -> str | None:
        """The campaign whose budget a step takes from; None where it takes from none."""
        limited = any(
            allowances(step.campaign, case.policy, case.medium.name) for case in map(self.cases.get, step.cases) if case
        )
        return step.campaign.name if limited else None

    def by_part(self, places: np.ndarray) -> Iterator[tuple[int, slice]]:
        """The parts that ascending places belong to, each with where its places lie among them."""
        import numpy as np

        cuts = np.searchsorted(places, self.starts)
        for number, (start, end) in enumerate(pairwise(cuts)):
            if end > start:
                yield number, slice(int(start), int(end))


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
