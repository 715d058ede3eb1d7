"""Lengths of time as campaigns write them: `30d`, `2w`, `1mo`, `24h`, and signed ones such as `-60d`.

Days, weeks and months follow the calendar of the insurer's zone (a day may have 23 hours); hours are exact. A month too
short for the day takes its last day: one month before 31 March is 28 or 29 February.
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

_UNITS = {"h": "HOUR", "d": "DAY", "w": "WEEK", "mo": "MONTH"}
_NAMES = {"h": "hour", "d": "day", "w": "week", "mo": "month"}
_LONGEST = {"h": 876_000, "d": 36_500, "w": 5_200, "mo": 1_200}


@dataclass(frozen=True)
class Duration:
    """A whole number of hours, days, weeks or months. Use `Offset` (signed) or `Span` (not signed)."""

    count: int
    unit: str

    pattern: ClassVar[str]
    forms: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        if self.unit not in _UNITS:
            raise ValueError(f"{self.unit!r} is no unit of time; there are h, d, w and mo")
        if abs(self.count) > _LONGEST[self.unit]:
            raise ValueError(f"'{self}' is longer than a hundred years")

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `30d`; ValueError says what was wrong and what is accepted."""
        found = re.fullmatch(cls.pattern, text, re.ASCII)
        if found is None:
            raise ValueError(f"{text!r} is no length of time; write {_listed(cls.forms)}")
        unit = next(unit for unit in ("mo", "h", "d", "w") if text.endswith(unit))
        return cls(int(text.removesuffix(unit)), unit)

    @property
    def exact(self) -> bool:
        """Whether the length is the same whenever it begins; a month's is not."""
        return self.unit != "mo"

    @property
    def timedelta(self) -> timedelta:
        """The length as a timedelta (days of 24 hours); ValueError for months, which have no fixed length."""
        if not self.exact:
            raise ValueError(f"'{self}' has no fixed length; write days or weeks")
        return {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[self.unit] * self.count

    @property
    def interval(self) -> exp.Interval:
        """The length as a SQL interval to add to a date or an instant."""
        from sqlglot import exp

        return exp.Interval(this=exp.Literal.string(str(self.count)), unit=exp.var(_UNITS[self.unit]))

    @property
    def words(self) -> str:
        """The unsigned length in words: `60 days`, `1 month`."""
        plural = "" if abs(self.count) == 1 else "s"
        return f"{abs(self.count)} {_NAMES[self.unit]}{plural}"

    def after(self, instant: datetime) -> datetime:
        """The instant this much later, on the calendar of the instant's own zone; hours are counted through."""
        if self.unit == "h":
            return (instant.astimezone(UTC) + self.timedelta).astimezone(instant.tzinfo)
        if self.exact:
            return instant + self.timedelta
        return datetime.combine(_months_after(instant.date(), self.count), instant.timetz())

    def before(self, instant: datetime) -> datetime:
        """The instant this much earlier."""
        return Offset(-self.count, self.unit).after(instant)

    def day_after(self, day: date) -> date:
        """The day this much later; ValueError for hours."""
        if self.unit == "h":
            raise ValueError(f"'{self}' does not lead from day to day; write days, weeks or months")
        return day + self.timedelta if self.exact else _months_after(day, self.count)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def _read(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(f"{value!r} is no length of time; write {_listed(cls.forms)}")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{cls.pattern}$", "examples": list(cls.forms)}


class Offset(Duration):
    """A signed length of time: `-60d` is 60 days before, `30d` 30 days after."""

    pattern = r"[+-]?[0-9]{1,6}(h|d|w|mo)"
    forms = ("-60d", "30d", "2w", "-1mo", "24h")


class Span(Duration):
    """An unsigned length of time: `24h`, `14d`."""

    pattern = r"[0-9]{1,6}(h|d|w|mo)"
    forms = ("24h", "14d", "2w", "1mo")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count < 0:
            raise ValueError(f"'{self}' is negative; this length has no direction")


def _listed(forms: tuple[str, ...]) -> str:
    return ", ".join(forms[:-1]) + f" or {forms[-1]}"


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
