"""Everything a decision is made from besides the moments: arguments of every step, so that it can be made again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

from campaigns.policy import ContactPolicy
from channels.contract import Profile
from triggers.workdays import Calendar, calendar_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from templates import Library
    from triggers.facts import Facts


@dataclass(frozen=True)
class Rules:
    """What holds for every campaign: the contact policy, what each channel's gateway takes, the insurer's zone."""

    policy: ContactPolicy
    profiles: Mapping[str, Profile]
    timezone: str
    calendar: Calendar | None = None
    """The insurer's working days; those of `policy.holidays` where None."""
    do_not_contact: pa.Table | None = None
    """The insurer's own list: `hash` (salted), `channel` (or *), `until` (date, null = for good)."""
    prices: Mapping[str, float] = field(default_factory=dict)
    """What a message costs on each channel; an SMS, each of its parts."""

    @property
    def workdays(self) -> Calendar:
        """The calendar in force."""
        return self.calendar or calendar_of(self.policy.holidays)


class Recommender(Protocol):
    """What campaigns need of a fitted model."""

    @property
    def version(self) -> str:
        """Which fitted model it is."""
        ...

    def top(
        self,
        db: duckdb.DuckDBPyConnection,
        customers: pa.Table,
        *,
        kind: Literal["insurance", "service"] | None,
        top: int,
        now: datetime,
        only: Collection[str] | None = None,
        personal: bool = True,
    ) -> pa.Table:
        """customer_id, rank, product_id, name, reason, probability, score, model; best first. Popular ones where not `personal`."""
        ...


@dataclass(frozen=True)
class Words:
    """Where words come from: the library, the insurer's constants (`insurer.name` ...), links, languages, signature.

    A constant that differs by language is a mapping from locale to value; blank ones are left out, so that lint finds
    templates that need them.
    """

    library: Library
    locales: Sequence[str]
    constants: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    signature: str = ""

    def constants_in(self, locale: str) -> dict[str, object]:
        """The constants in one language, the first language's where there is none."""
        chosen = {
            name: value.get(locale, next(iter(value.values()))) if isinstance(value, Mapping) else value
            for name, value in self.constants.items()
        }
        return {name: value for name, value in chosen.items() if value not in (None, "")}

    def locale_of(self, wanted: str | None) -> str:
        """The workspace's language nearest to the customer's: same, same language, or the first."""
        return _nearest_locale(wanted or "", tuple(self.locales))


@lru_cache(maxsize=4096)
def _nearest_locale(wanted: str, locales: tuple[str, ...]) -> str:
    if wanted in locales:
        return wanted
    language = wanted.replace("_", "-").split("-")[0].lower()
    return next((locale for locale in locales if language and locale.split("-")[0].lower() == language), locales[0])


@dataclass(frozen=True)
class Scene:
    """The facts as known at one instant, the rules, the words, and the model of offers where there is one."""

    facts: Facts
    rules: Rules
    words: Words
    recommender: Recommender | None = None

    @property
    def db(self) -> duckdb.DuckDBPyConnection:
        """The facts' connection."""
        return self.facts.db

    @property
    def now(self) -> datetime:
        """The instant."""
        return self.facts.now
