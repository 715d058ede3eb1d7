"""The channels' days dealt out to the moments that compete: class by class, within a class by prices on the channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from campaigns.allocation import allocate
from campaigns.budgets import Allowance, Spent
from campaigns.definition import Campaign
from campaigns.ledger import Ledger
from campaigns.policy import ContactPolicy
from campaigns.scene import Scene
from campaigns.windows import home_zone
from channels.contract import MEDIA

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LITTLE = 1e-6
"""What a moment of unknown worth counts: it gets what nobody else wants."""
FREE = ""
"""The column that stands for all channels without a daily volume."""


def limited(policy: ContactPolicy, campaigns: Iterable[Campaign]) -> list[str]:
    """Channels with a daily volume that these campaigns use."""
    used = {medium for campaign in campaigns for step in campaign.sends for medium in step.send.channels}
    return [name for name, limit in policy.budgets.items() if limit.volume is not None and name in used]


class Allotment:
    """Deals the channels' days out to the rows of `moments`; `channels` says which ones each may use (null = any)."""

    def __init__(
        self,
        scene: Scene,
        campaigns: Mapping[str, Campaign],
        ledger: Ledger,
        moments: pd.DataFrame,
        scarce: Sequence[str],
    ) -> None:
        self.scene, self.campaigns, self.ledger = scene, campaigns, ledger
        self.moments, self.columns = moments, [*scarce, FREE]
        self.channels = moments["channels"].to_numpy(object).copy()
        self.usable = _usable(scene, campaigns, moments, scarce)

    def deal(self, rows: np.ndarray, *, last: bool) -> np.ndarray:
        """Which of the rows get a channel, positions in ascending order; none where it is the last time."""
        import numpy as np

        chosen = np.array([], dtype=np.intp) if last or not len(rows) else self._dealt(rows)
        if not len(chosen):
            self.channels[rows] = FREE
        return chosen

    def _dealt(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        left, served = self._left(), set[str]()
        chosen: list[np.ndarray] = []
        classes = self.moments["rank_class"].to_numpy()
        for number in np.unique(classes[rows]):
            mine = rows[classes[rows] == number]
            mine = mine[~self.moments["customer_id"].iloc[mine].isin(served).to_numpy(bool)]
            if not len(mine):
                continue
            got, columns = self._auction(mine, left)
            left -= np.bincount(columns, minlength=len(left))
            served.update(self.moments["customer_id"].iloc[got])
            self._write(got, columns)
            chosen.append(got)
        return np.sort(np.concatenate(chosen)) if chosen else np.array([], dtype=np.intp)

    def _auction(self, rows: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows that get a channel, and its column: at most one row a customer."""
        import numpy as np
        import pandas as pd

        customers, distinct = pd.factorize(self.moments["customer_id"].iloc[rows])
        worth = self.moments["expected"].iloc[rows].to_numpy(float)
        worth = np.where(np.isnan(worth) | (worth < LITTLE), LITTLE, worth)
        best = np.zeros((len(distinct), len(self.columns)))
        whose = np.zeros(best.shape, dtype=np.intp)
        order = np.argsort(-worth, kind="stable")[::-1]  # the best is written last
        for column in range(len(self.columns)):
            able = order[self.usable[rows[order], column]]
            best[customers[able], column] = worth[able]
            whose[customers[able], column] = rows[able]
        dealt = allocate(best, left).channel
        got = np.flatnonzero(dealt >= 0)
        return whose[got, dealt[got]], dealt[got]

    def _left(self) -> np.ndarray:
        """What each column may still carry today, in the order of the columns."""
        import numpy as np

        day = self.scene.now.astimezone(home_zone(self.scene.rules.timezone)).date().isoformat()
        spent = Spent.of(self.ledger.store.all("spent", day=day))
        budgets = self.scene.rules.policy.budgets
        rooms = [Allowance("channel", name, budgets[name]).left(spent, day)[0] for name in self.columns[:-1]]
        return np.array([*rooms, np.inf])

    def _write(self, rows: np.ndarray, columns: np.ndarray) -> None:
        """Which channels a row may use: the one it got, or all that are not scarce."""
        scarce = set(self.columns[:-1])
        free = "," + ",".join(name for name in MEDIA if name not in scarce) + ","
        words = [f",{name}," if name else free for name in self.columns]
        self.channels[rows] = [words[column] for column in columns]


def _usable(
    scene: Scene, campaigns: Mapping[str, Campaign], moments: pd.DataFrame, scarce: Sequence[str]
) -> np.ndarray:
    """Rows x columns: the step has the channel, and the customer an address for it."""
    import numpy as np
    import pyarrow as pa

    names = list(MEDIA)
    scene.db.register(
        "dealing",
        pa.table({"customer_id": pa.array(moments["customer_id"], pa.string()), "place": range(len(moments))}),
    )
    asked = ", ".join(f"""nullif(trim(c."{MEDIA[name].address}"), '') is not null as "{name}" """ for name in names)
    found = scene.db.sql(
        f"select {asked} from dealing d left join customers c using (customer_id) order by d.place"  # noqa: S608 - names of ours
    ).to_arrow_table()
    scene.db.unregister("dealing")
    reached = (
        np.stack([found[name].to_numpy() for name in names], axis=1).astype(bool).reshape(len(moments), len(names))
    )
    steps = moments["campaign"].astype(str) + "\n" + moments["step"].astype(str)
    offered = np.zeros(reached.shape, dtype=bool)
    for key in steps.unique():
        campaign, step = key.split("\n")
        channels = _channels(campaigns[campaign], step)
        offered[(steps == key).to_numpy(bool)] = [name in channels for name in names]
    able = reached & offered
    free = [at for at, name in enumerate(names) if name not in scarce]
    return np.stack([*(able[:, names.index(name)] for name in scarce), able[:, free].any(axis=1)], axis=1)


def _channels(campaign: Campaign, step: str) -> tuple[str, ...]:
    """The channels of a step; of one that is gone none, which the gate `already` sees to."""
    return next((each.send.channels for each in campaign.sends if each.send.key == step), ())
