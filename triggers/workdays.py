"""Working days: the insurer's own file first, then the public holidays of a country, else Monday to Friday.

Public holidays come from the `holidays` library. What a government has not decreed yet, China's make-up days of next
year say, nobody knows; a file of the insurer's (`triggers.calendarfile`) says it as soon as somebody does, and wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from duckdb import DuckDBPyConnection
    from holidays import HolidayBase

FIRST, LAST = date(1970, 1, 1), date(2099, 12, 31)
"""The days that are numbered; what lies outside is on no calendar, and nothing reckoned from there is ever due."""
SLACK = 30
"""N working days never take more than 2 N + SLACK days; a calendar on which they would is refused."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class OwnDay:
    """What the insurer's own file says of a day: whether people work, and its name, which makes a free day a holiday."""

    works: bool
    name: str = ""


class Calendar:
    """Working days and public holidays. Years a country has not decreed in full have only their fixed holidays.

    `country` is an ISO 3166 code, Monday to Friday where empty; what `own` says of a day wins. Raises ValueError where
    the country is not known or too few working days are left.
    """

    def __init__(self, country: str = "", own: Mapping[date, OwnDay] | None = None) -> None:
        _check_country(country)
        self._country = country
        self._own = own or {}
        if self._own:
            self._check()

    def works(self, day: date) -> bool:
        """Whether people work: no on weekends and holidays, yes on a weekend day that makes up for a bridge day."""
        if own := self._own.get(day):
            return own.works
        return day.weekday() < 5 if self._known is None else bool(self._known.is_working_day(day))

    def holiday(self, day: date) -> bool:
        """Whether the day belongs to a public holiday: one itself, or a free day joined to one, no working day between."""
        return not self.works(day) and any(self._joined(day, step) for step in (_DAY, -_DAY))

    def shift(self, day: date, count: int) -> date:
        """The `count`-th working day after the day, before it where negative; for 0 the day itself or the next that works.

        In China in 2026 National Day was free from 1 to 7 October and Saturday the 10th worked to make up for it: 1
        after 30 September is 8 October, 3 after it is 10 October, 1 before 8 October is 30 September, and 0 from 1
        October is 8 October.
        """
        if count == 0:
            return day if self.works(day) else self.shift(day, 1)
        step = _DAY if count > 0 else -_DAY
        left = abs(count)
        while left:
            day += step
            left -= self.works(day)
        return day

    def lay_out(self, db: DuckDBPyConnection) -> None:
        """Make the table `workdays(day, works, number)`; `number` counts the working days up to and including the day."""
        import numpy as np
        import pyarrow as pa

        number = np.cumsum(self._working, dtype=np.int64)
        db.register("numbered_days", pa.table({"day": _days(), "works": self._working, "number": number}))
        db.execute("CREATE OR REPLACE TABLE workdays AS SELECT * FROM numbered_days")
        db.unregister("numbered_days")

    def _joined(self, day: date, step: timedelta) -> bool:
        while not self.works(day):
            if self._named(day):
                return True
            day += step
        return False

    def _named(self, day: date) -> bool:
        if own := self._own.get(day):
            return bool(own.name)
        return self._known is not None and day in self._known

    @cached_property
    def _known(self) -> HolidayBase | None:
        """The public holidays, loaded when first asked for."""
        import holidays

        return holidays.country_holidays(self._country) if self._country else None

    @cached_property
    def _working(self) -> np.ndarray:
        """For every day from FIRST to LAST whether people work."""
        import numpy as np

        works = np.is_busday(_days()) if self._known is None else _working_in(self._known)
        for day, own in self._own.items():
            works[_place(day)] = own.works
        return works

    def _check(self) -> None:
        import numpy as np

        behind = np.arange(self._working.size) - 2 * np.cumsum(self._working)
        stretch = behind - np.minimum.accumulate(behind)
        if stretch.max() > SLACK:
            until = FIRST + int(stretch.argmax()) * _DAY
            raise ValueError(f"there are hardly any working days before {until} | list only days that differ")


@cache
def calendar_of(country: str) -> Calendar:
    """The calendar of a country code; Monday to Friday where none is named. Raises ValueError."""
    return Calendar(country)


def _check_country(country: str) -> None:
    """Raises ValueError where no holidays are known; loads none, for that takes reading those of every country."""
    import holidays
    from holidays.registry import EntityLoader

    if country and not isinstance(getattr(holidays, country, None), EntityLoader):
        raise ValueError(f"no public holidays are known of {country!r} | write an ISO 3166 code, e.g. CN")


def _days() -> np.ndarray:
    import numpy as np

    return np.arange(np.datetime64(FIRST, "D"), np.datetime64(LAST + _DAY, "D"))


def _place(day: date) -> int:
    return (day - FIRST).days


def _working_in(known: HolidayBase) -> np.ndarray:
    """The week as it is in each year, because countries have changed theirs; then the days that differ, one by one."""
    import numpy as np

    weekday = (_days().astype(np.int64) + 3) % 7
    works = np.empty(weekday.size, dtype=bool)
    for year in range(FIRST.year, LAST.year + 1):
        start, end = _place(date(year, 1, 1)), _place(date(year + 1, 1, 1))
        begins, ends = _weekend(known, date(year, 1, 1)), _weekend(known, date(year, 12, 25))
        if begins == ends:
            works[start:end] = ~np.isin(weekday[start:end], begins)
        else:
            works[start:end] = [not known.is_weekend(FIRST + place * _DAY) for place in range(start, end)]
    for day in [*known, *known.weekend_workdays]:
        if FIRST <= day <= LAST:
            works[_place(day)] = known.is_working_day(day)
    return works


def _weekend(known: HolidayBase, start: date) -> list[int]:
    """The free days of the week that begins here, from 0 for Monday."""
    week = (start + place * _DAY for place in range(7))
    return sorted(day.weekday() for day in week if known.is_weekend(day))
