"""A contest between the moments of a customer: who is decided first, so that the window goes to the best that may go.

Whether a moment may go is known only when every gate was asked. So the best moment of each customer is decided first; where it
does not go, the next best has its turn, in the same run. What is left when the window is taken loses: the gate `arbitrate`
says how. Where channels have daily volumes, all customers compete for them too, and prices on the channels say who gets
which (`campaigns.allocation`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from campaigns.allotment import Allotment, limited
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.scene import Scene
from campaigns.stakes import Stakes, classes_of, competes, nothing_at_stake, stakes_of
from campaigns.worth import with_worth

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.decide import Decisions

FIELDS = ("moment_id", "campaign", "customer_id", "subject", "occasion", "step")
ROUNDS = 5
"""How often the channels' days are dealt out anew, to those whose better rivals did not go."""


@dataclass(frozen=True)
class Round:
    """Some campaigns' moments are decided, but for those held back for a later round."""

    campaigns: Sequence[Campaign]
    stakes: Stakes | None = None
    held_back: np.ndarray | None = None
    winners: set[str] = field(default_factory=set)
    """Customers of whom a message of a competing campaign was reserved; grows as the round goes."""

    def admitted(self, batch: pa.Table) -> pa.Table:
        """The moments of a batch that have their turn."""
        import numpy as np
        import pyarrow as pa

        if self.held_back is None or not len(self.held_back):
            return batch
        return batch.filter(pa.array(~np.isin(batch["moment_id"].to_numpy(), self.held_back)))

    def note(self, decisions: Decisions, rows: np.ndarray) -> None:
        """Remember whose messages were reserved: positions in the decisions."""
        self.winners.update(decisions.table["customer_id"].iloc[rows].tolist())


def rounds(scene: Scene, running: Sequence[Campaign], ledger: Ledger, among: Collection[str] | None) -> Iterator[Round]:
    """The rounds in which moments are decided: one where nothing competes; contract notices before a contest for scarce channels."""
    policy = scene.rules.policy
    competing = {each.name: each for each in running if competes(each, policy)}
    if not competing:
        yield Round(running)
        return
    scarce = limited(policy, competing.values())
    notices = [each for each in running if each.purpose == "contract" and scarce]  # they take from the channels first
    if notices:
        yield Round(notices)
    others = [each for each in running if each not in notices]
    moments = _field(scene, competing, ledger, among, 1 if scarce else 2)
    yield from _Contest(scene, others, competing, ledger, moments, scarce).rounds()


class _Contest:
    """The moments that compete, best first: by class, expected value, and name; one row a moment."""

    def __init__(
        self,
        scene: Scene,
        others: Sequence[Campaign],
        competing: Mapping[str, Campaign],
        ledger: Ledger,
        moments: pd.DataFrame,
        scarce: Sequence[str],
    ) -> None:
        self.campaigns, self.winners = others, set[str]()
        self.classes = classes_of(others)
        self.moments = _ranked(moments, self.classes)
        self.allotment = Allotment(scene, competing, ledger, self.moments, scarce) if scarce else None

    def rounds(self) -> Iterator[Round]:
        """Until every moment had its turn."""
        import numpy as np

        table = self.moments
        done, number = np.zeros(len(table), dtype=bool), 0
        while not number or not done.all():
            going = self._going(~done, last=number >= ROUNDS)
            done |= going
            held_back = np.sort(table["moment_id"].to_numpy()[~done])
            if self.allotment:
                table["channels"] = self.allotment.channels
            shown = stakes_of(table, self.classes) if len(table) else nothing_at_stake(self.classes)
            yield Round(self.campaigns, shown, held_back, self.winners)
            number += 1

    def _going(self, open_: np.ndarray, *, last: bool) -> np.ndarray:
        """Which of the open moments have their turn: all of a customer with a winner, and the best of the others."""
        import numpy as np

        table = self.moments
        beaten = open_ & table["customer_id"].isin(self.winners).to_numpy(bool)
        fresh = np.flatnonzero(open_ & ~beaten)
        going = beaten.copy()
        if self.allotment:
            chosen = self.allotment.deal(fresh, last=last)
            going[chosen if len(chosen) else fresh] = True  # nobody gets a channel any more: all others lose
            return going
        first = ~table["customer_id"].iloc[fresh].duplicated().to_numpy(bool)
        going[fresh[first]] = True
        return going


def _field(
    scene: Scene, competing: Mapping[str, Campaign], ledger: Ledger, among: Collection[str] | None, least: int
) -> pd.DataFrame:
    """The moments that compete, with what they may be worth; of customers with fewer than `least` none."""
    import pandas as pd

    pieces = []
    if among is None:
        for rows in ledger.rivals(list(competing), scene.now, least):
            pieces.append(with_worth(scene, competing, pd.DataFrame(rows, columns=list(FIELDS))))
    else:
        waiting = ledger.pending_of(among, scene.now)
        found = [waiting[name].select(list(FIELDS)).to_pandas() for name in competing if name in waiting]
        moments = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(FIELDS))
        crowded = moments.groupby("customer_id")["moment_id"].transform("size") >= least
        pieces.append(with_worth(scene, competing, moments[crowded.to_numpy(bool)].reset_index(drop=True)))
    return pd.concat(pieces, ignore_index=True) if pieces else with_worth(scene, competing, _nobody())


def _nobody() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "moment_id" else object) for name in FIELDS})


def _ranked(moments: pd.DataFrame, classes: Mapping[str, int]) -> pd.DataFrame:
    """In order of a customer's best first; `rivals` counts the customer's moments that compete."""
    import pandas as pd

    table = moments.assign(rank_class=moments["campaign"].map(classes).astype("int64"))
    keys = ["rank_class", "expected", "campaign", "customer_id", "subject", "occasion"]
    table = table.sort_values(keys, ascending=[True, False, True, True, True, True], na_position="last", kind="stable")
    table["rivals"] = table.groupby("customer_id", sort=False)["moment_id"].transform("size").astype("int64")
    table["channels"] = pd.Series(None, index=table.index, dtype=object)
    return table.reset_index(drop=True)
