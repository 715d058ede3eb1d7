"""From moments to decisions: every gate asked of a whole table, the channels of a step tried in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING

from campaigns.agenda import Agenda, Part
from campaigns.budgets import Spent, allowances, local_days
from campaigns.contacts import Contacts
from campaigns.definition import Campaign
from campaigns.docket import BATCH, Docket, beside, gather
from campaigns.gate import Case
from campaigns.gates import gates
from campaigns.hearing import Findings, Hearing
from campaigns.recall import recall
from campaigns.scene import Scene
from campaigns.stakes import Stakes
from campaigns.windows import home_zone

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.ledger.ledger import History


@dataclass
class Decisions:
    """One row a moment: `verdict` (int8 of `Verdict`), gate, reason, medium, until, trace, and the plan of those that pass.

    `cases` holds the bodies of the cases the traces name.
    """

    table: pd.DataFrame
    cases: dict[str, str]


class Sitting:
    """Moments of some customers before the gates, wave by wave: what one wave reserves counts for the next.

    What the gates want to know is gathered once for all of them, but for what changes as others are decided. The result
    does not depend on how moments are cut into sittings, as long as customers stay whole.
    """

    def __init__(self, scene: Scene, parts: Sequence[Part], history: History, stakes: Stakes | None = None) -> None:
        import numpy as np
        import pyarrow as pa

        self.scene = scene
        customers = pa.chunked_array([chunk for part in parts for chunk in part.batch["customer_id"].chunks])
        nothing_told = recall(scene, history, customers)
        scene.db.register("deliveries", history.deliveries)
        self.agenda = Agenda(scene, parts, nothing_told=nothing_told, stakes=stakes)
        # `contacts` and `spent` grow with what is decided, so that it counts at once; `_reserved` and `paid` with what is reserved
        self.contacts = self._reserved = Contacts.of(self.agenda.people, history.contacts)
        self.spent = self.paid = history.spent
        self._docket = Docket(self.agenda.cases)
        self._moments = self.agenda.moments.select([*BATCH, "step_removed", "person"])
        self._same = self._gathered(np.arange(len(self.agenda)), self.agenda.first, "moment")
        self._places, cases = zip(*self.agenda.rounds(), strict=True)
        self._own = self._gathered(np.concatenate(self._places), np.concatenate(cases), "channel")

    def decide(self, places: np.ndarray) -> Iterator[tuple[Campaign, Decisions]]:
        """Decide the moments of a wave of the agenda, then give them part by part."""
        findings, heard = Findings(len(places)), dict[int, tuple[str, str]]()
        self._hear(places, findings, heard)
        for number, rows in self.agenda.by_part(places):
            campaign = self.agenda.parts[number].campaign
            cases = dict(known for case, known in heard.items() if self._docket.cases[case].campaign is campaign)
            yield campaign, Decisions(findings.beside(self.agenda.moments.take(places[rows]), rows), cases)

    def reserved(
        self,
        campaign: Campaign,
        decisions: Decisions,
        rows: np.ndarray,
        took: Iterable[tuple[str, str, str, int, float]],
    ) -> None:
        """Say which of the decisions became messages, and what they took of the days: only these count from now on."""
        import numpy as np

        table, size = decisions.table[["moment_id", "person", "medium", "not_before"]].iloc[rows], len(rows)
        starts = table["not_before"].dt.tz_convert(None).to_numpy("datetime64[us]")
        says = (table["medium"].to_numpy(object), np.full(size, campaign.purpose), np.full(size, campaign.name, object))
        self.contacts = self._reserved = self._reserved.plus(self._going(table, starts, *says))
        self.paid = self.spent = self.paid.plus(took)

    def recount(self, spent: Spent) -> None:
        """Begin a wave with what the insurer's days have taken by now, for whomever."""
        self.spent = self.paid = spent

    def _hear(self, places: np.ndarray, findings: Findings, heard: dict[int, tuple[str, str]]) -> None:
        """Try the channels of the steps in their order on the rows still open; `heard` collects the cases."""
        import numpy as np
        import pandas as pd

        same = beside(self._moments.take(places), self._same.take(places))
        first, channels, start = self.agenda.first[places], self.agenda.channels[places], 0
        open_ = np.arange(len(places))
        for number, whose in enumerate(self._places):
            open_ = open_[channels[open_] > number]
            if not len(open_):
                break
            docket = self._as_of_now(first[open_] + number)
            alike = same if len(open_) == len(same) else same.iloc[open_].reset_index(drop=True)
            own = self._own.take(start + np.searchsorted(whose, places[open_])).to_pandas()
            numbered = pd.DataFrame({"case_number": first[open_] + number})
            hearing = Hearing(docket, self._recounted(docket, pd.concat([alike, numbered, own], axis=1)), open_)
            hearing.hold()
            hearing.write(findings)
            heard.update(hearing.cases)
            self._count(docket, same, hearing, findings)
            open_ = open_[~hearing.final]
            start += len(whose)

    def _as_of_now(self, numbers: np.ndarray) -> Docket:
        """The cases of these numbers, with what is spent by now."""
        import numpy as np

        cases = self._docket.cases
        return Docket({number: replace(cases[number], spent=self.spent) for number in np.unique(numbers).tolist()})

    def _recounted(self, docket: Docket, table: pd.DataFrame) -> pd.DataFrame:
        """The table with what changes from hearing to hearing."""
        for gate in gates():
            if (few := docket.only(gate)).cases:
                table = table.assign(**gate.recount(table, self.contacts, few))
        return table

    def _count(self, docket: Docket, same: pd.DataFrame, hearing: Hearing, findings: Findings) -> None:
        """Add those just decided to the contacts and to what is spent: the next channel and wave count them too."""
        import pandas as pd

        rows = hearing.rows[hearing.alive]
        if not len(rows):
            return
        told = hearing.numbers[hearing.alive]
        says = [
            docket.said(told, lambda case: case.medium.name),
            docket.said(told, lambda case: case.campaign.purpose),
            docket.said(told, lambda case: case.campaign.name),
        ]
        new = self._going(same[["moment_id", "person"]].iloc[rows], findings.columns["not_before"][rows], *says)
        self.contacts = self.contacts.plus(new)
        goes = pd.Series(pd.DatetimeIndex(new.at).tz_localize("UTC"))
        for number, case in docket.cases.items():
            if allowances(case.campaign, case.policy, case.medium.name):
                self.spent = self.spent.plus(_spending(case, goes[told == number]))

    def _going(
        self, table: pd.DataFrame, starts: np.ndarray, medium: np.ndarray, purpose: np.ndarray, campaign: np.ndarray
    ) -> Contacts:
        """Messages of these moments as the ledger tells contacts, to the second: what should have gone by now goes now."""
        import numpy as np

        now = np.datetime64(self.scene.now.astimezone(UTC).replace(tzinfo=None), "us")
        at = np.fmax(starts, now).astype("datetime64[s]").astype("datetime64[us]")
        person, moment = table["person"].to_numpy(np.intp), table["moment_id"].to_numpy()
        return Contacts.made(self.contacts.people, person, at, medium, purpose, campaign, moment)

    def _gathered(self, places: np.ndarray, cases: np.ndarray, scope: str) -> pa.Table:
        """What the gates of this scope want to know of these moments under these cases."""
        import pyarrow as pa

        rows = self._moments.select(list(BATCH)).take(places).append_column("case_number", pa.array(cases))
        asking = [gate for gate in gates() if gate.scope == scope]
        return gather(self.scene.db, self._docket, rows, asking)


def _spending(case: Case, goes: pd.Series[pd.Timestamp]) -> list[tuple[str, str, str, int, float]]:
    """What messages that go at these instants take of the insurer's days."""
    price = case.prices.get(case.medium.name, 0.0)
    days = local_days(goes, case.now, home_zone(case.timezone)).value_counts()
    return [(str(day), case.campaign.name, case.medium.name, n, n * price) for day, n in days.items()]
