"""Lengths of time as campaigns write them: `30d`, `2w`, `1mo`, `24h`, `3wd`, and signed ones such as `-60d`.

Days, weeks and months follow the calendar of the insurer's zone (a day may have 23 hours); hours are exact. A month too
short for the day takes its last day: one month before 31 March is 28 or 29 February. Working days (`wd`) are those of
the insurer's calendar: `3wd` after a day is the third working day after it, `-3wd` the third before it, and `0wd` the
day itself if people work on it, else the next day on which they do. Where 1 to 7 October are a holiday and Saturday 10
October is worked to make up for it, `1wd` after 30 September is 8 October and `1wd` after Friday 9 October is Saturday
10 October; see `triggers.workdays`. Only where a field is a `WorkingOffset` or a `WorkingSpan` may they be written.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    from sqlglot import exp

    from triggers.workdays import Calendar

_UNITS = {"h": "HOUR", "d": "DAY", "w": "WEEK", "mo": "MONTH"}
_NAMES = {"h": "hour", "d": "day", "w": "week", "mo": "month", "wd": "working day"}
_LONGEST = {"h": 876_000, "d": 36_500, "w": 5_200, "mo": 1_200, "wd": 25_000}


@dataclass(frozen=True)
class Duration:
    """A whole number of hours, days, weeks, months or working days. Use `Offset` (signed) or `Span` (not signed)."""

    count: int
    unit: str

    pattern: ClassVar[str]
    forms: ClassVar[tuple[str, ...]]
    takes_working_days: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.unit not in _NAMES:
            raise ValueError(f"{self.unit!r} is no unit of time; there are h, d, w, mo and wd")
        if self.unit == "wd" and not self.takes_working_days:
            raise ValueError(
                f"'{self}' counts working days, which is not possible here; write days, e.g. {self.count}d"
            )
        if abs(self.count) > _LONGEST[self.unit]:
            raise ValueError(f"'{self}' is longer than a hundred years")

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `30d`; ValueError says what was wrong and what is accepted."""
        unit = next((unit for unit in ("wd", "mo", "h", "d", "w") if text.endswith(unit)), "")
        plain = f"{text.removesuffix(unit)}d" if unit == "wd" else text  # working days have a fault of their own
        if re.fullmatch(cls.pattern, plain, re.ASCII) is None:
            raise ValueError(f"{text!r} is no length of time; write {_listed(cls.forms)}")
        return cls(int(text.removesuffix(unit)), unit)

    @property
    def exact(self) -> bool:
        """Whether the length is the same whenever it begins; a month's is not, nor that of working days."""
        return self.unit not in ("mo", "wd")

    @property
    def timedelta(self) -> timedelta:
        """The length as a timedelta (days of 24 hours); ValueError for what has no fixed length."""
        if not self.exact:
            raise ValueError(f"'{self}' has no fixed length; write days or weeks")
        return {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[self.unit] * self.count

    @property
    def interval(self) -> exp.Interval:
        """The length as a SQL interval to add to a date or an instant; ValueError for working days."""
        from sqlglot import exp

        if self.unit == "wd":
            raise self._no_calendar()
        return exp.Interval(this=exp.Literal.string(str(self.count)), unit=exp.var(_UNITS[self.unit]))

    @property
    def words(self) -> str:
        """The unsigned length in words: `60 days`, `1 month`."""
        plural = "" if abs(self.count) == 1 else "s"
        return f"{abs(self.count)} {_NAMES[self.unit]}{plural}"

    def after(self, instant: datetime, calendar: Calendar | None = None) -> datetime:
        """The instant this much later, on the clock of the instant's own zone; hours are counted through.

        ValueError for working days where no calendar is given.
        """
        if self.unit == "h":
            return (instant.astimezone(UTC) + self.timedelta).astimezone(instant.tzinfo)
        days = self.day_after(instant.date(), calendar) - instant.date()
        return instant + days if days else instant

    def before(self, instant: datetime, calendar: Calendar | None = None) -> datetime:
        """The instant this much earlier."""
        return WorkingOffset(-self.count, self.unit).after(instant, calendar)

    def day_after(self, day: date, calendar: Calendar | None = None) -> date:
        """The day this much later; ValueError for hours, and for working days where no calendar is given."""
        if self.unit == "h":
            raise ValueError(f"'{self}' does not lead from day to day; write days, weeks or months")
        if self.unit == "wd":
            if calendar is None:
                raise self._no_calendar()
            return calendar.shift(day, self.count)
        return day + self.timedelta if self.exact else _months_after(day, self.count)

    def _no_calendar(self) -> ValueError:
        return ValueError(f"'{self}' counts working days, and there is no calendar here to count them on")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def _read(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, (Offset, Span)) and issubclass(cls, type(value)):
            return cls(value.count, value.unit)
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(f"{value!r} is no length of time; write {_listed(cls.forms)}")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{cls.pattern}$", "examples": list(cls.forms)}


class Offset(Duration):
    """A signed length of time: `-60d` is 60 days before, `30d` 30 days after."""

    pattern = r"[+-]?[0-9]{1,6}(h|d|w|mo)"
    forms: ClassVar[tuple[str, ...]] = ("-60d", "30d", "2w", "-1mo", "24h")


class WorkingOffset(Offset):
    """A signed length of time, in working days too: `-5wd` is the fifth working day before."""

    pattern = r"[+-]?[0-9]{1,6}(h|d|w|mo|wd)"
    forms = (*Offset.forms, "-5wd")
    takes_working_days = True


class Span(Duration):
    """An unsigned length of time: `24h`, `14d`."""

    pattern = r"[0-9]{1,6}(h|d|w|mo)"
    forms: ClassVar[tuple[str, ...]] = ("24h", "14d", "2w", "1mo")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count < 0:
            raise ValueError(f"'{self}' is negative; this length has no direction")


class WorkingSpan(Span):
    """An unsigned length of time, in working days too: `3wd` is the third working day after."""

    pattern = r"[0-9]{1,6}(h|d|w|mo|wd)"
    forms = (*Span.forms, "3wd")
    takes_working_days = True


def _listed(forms: tuple[str, ...]) -> str:
    return ", ".join(forms[:-1]) + f" or {forms[-1]}"


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
