"""What customers were sent, or are to be sent, as gates count it: one entry a contact, while others are being decided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from campaigns.localdays import period_start
from campaigns.policy import PURPOSES
from campaigns.windows import home_zone, zone_of
from channels.contract import MEDIA

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from campaigns.docket import Docket
    from triggers.durations import Span

_MEDIA = list(MEDIA)


@dataclass(frozen=True)
class Contacts:
    """Arrays of one length. `person`: number of the customer, below `people`; `at`: when it goes, UTC, datetime64[us];
    `medium` and `purpose`: places in lists of Kairos' own, -1 for what is not in them; `campaign`: its name; `moment`: its id.
    Values; never changed in place.
    """

    people: int
    person: np.ndarray
    at: np.ndarray
    medium: np.ndarray
    purpose: np.ndarray
    campaign: np.ndarray
    moment: np.ndarray

    @classmethod
    def of(cls, people: pd.Index[Any], table: pa.Table) -> Contacts:
        """What the ledger remembers (`History.contacts`) of these people, each numbered by its place."""
        person = people.get_indexer(table["customer_id"].to_pandas())
        at = table["at"].to_pandas().dt.tz_convert(None).to_numpy("datetime64[us]")
        names = [table[name].to_numpy() for name in ("medium", "purpose", "campaign", "moment_id")]
        known = person >= 0
        return cls.made(len(people), person[known], at[known], *(each[known] for each in names))

    @classmethod
    def made(
        cls,
        people: int,
        person: np.ndarray,
        at: np.ndarray,
        medium: np.ndarray,
        purpose: np.ndarray,
        campaign: np.ndarray,
        moment: np.ndarray,
    ) -> Contacts:
        """From arrays with channels and purposes by name."""
        return cls(people, person, at, _places(_MEDIA, medium), _places(list(PURPOSES), purpose), campaign, moment)

    def __len__(self) -> int:
        return len(self.person)

    def plus(self, more: Contacts) -> Contacts:
        """With some more of the same people."""
        import numpy as np

        return Contacts(self.people, *(np.concatenate(pair) for pair in zip(self._arrays, more._arrays, strict=True)))

    def only(self, mask: np.ndarray) -> Contacts:
        """Those of this mask."""
        return Contacts(self.people, *(each[mask] for each in self._arrays))

    def on(self, channels: Collection[str]) -> np.ndarray:
        """Which go on one of these channels."""
        found: np.ndarray = _among(_MEDIA, channels)[self.medium]
        return found

    def for_(self, purposes: Collection[str]) -> np.ndarray:
        """Which have one of these purposes."""
        found: np.ndarray = _among(list(PURPOSES), purposes)[self.purpose]
        return found

    def within(self, span: Span, table: pd.DataFrame, docket: Docket) -> np.ndarray:
        """Which lie in the period that ends now, or ahead, in the zone of their customer; `table` has `person` and `timezone`.

        Who lives in no zone there is counts as living in the insurer's. Of people who are not in the table the insurer's holds.
        """
        import numpy as np
        import pandas as pd

        home = home_zone(docket.timezone)
        codes, names = pd.factorize(table["timezone"].to_numpy(object))
        zones = [zone_of(str(name)) or home for name in names] + [home]  # the last for those without, whose code is -1
        begun = [period_start(docket.now, span, zone).replace(tzinfo=None) for zone in zones]
        starts = np.array(begun, dtype="datetime64[us]")
        start = np.full(self.people, starts[-1])
        start[table["person"].to_numpy(np.intp)] = starts[codes]
        later: np.ndarray = self.at >= start[self.person]
        return later

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return (self.person, self.at, self.medium, self.purpose, self.campaign, self.moment)


def medium_place(name: str) -> int:
    """The place of a channel, as contacts have it."""
    return _MEDIA.index(name)


def _places(known: list[str], names: np.ndarray) -> np.ndarray:
    import pandas as pd

    places: np.ndarray = pd.Index(known).get_indexer(pd.Index(names)).astype("int8")
    return places


def _among(known: list[str], names: Collection[str]) -> np.ndarray:
    """For each place whether it is one of these, the last, which -1 is too, for what is unknown."""
    import numpy as np

    return np.array([name in names for name in known] + [False])
