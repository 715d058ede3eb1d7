"""Something happened several times within a while: complaints in a week, harsh braking in a day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from sqlglot import exp

from triggers.candidates import Candidates, Requirement
from triggers.condition_faults import Scopes
from triggers.durations import Span, WorkingSpan
from triggers.lateness import Reach
from triggers.shifts import from_instant
from triggers.terms import between, column, instant, local_day, named, nothing, one_of, same, text, written
from triggers.trigger import Columns, Near, Trigger
from triggers.types import EventTypes
from triggers.words import looked_for, since

_AT = {"events": "occurred_at", "claims": "reported_at", "complaints": "opened_at"}
_KEY = {"events": "event_id", "claims": "claim_id", "complaints": "complaint_id"}
_NOUNS = {"claims": "claim", "complaints": "complaint"}


class CountTrigger(Trigger):
    """The occurrence that brings the number of them `within` a while up to `at_least`, counted for the customer or the subject.

    While the number stays that high, looked at with each occurrence, nothing further happens; once it has been lower and
    comes up again, that is a new occasion. The occasion is the local day on which the number was reached, so that an
    earlier occurrence that becomes known late does not make a second one of the same day. `where` says which
    occurrences count.
    """

    due_path: ClassVar[str] = "after"

    kind: Literal["count"]
    of: Literal["events", "claims", "complaints"] = Field(
        default="events", description="what is counted", examples=["complaints"]
    )
    type: EventTypes = Field(
        default=(), description="type or types of the events (with `of: events`)", examples=["harsh_braking"]
    )
    at_least: int = Field(ge=2, le=1000, description="how many of them", examples=[3])
    within: Span = Field(
        description="within how long, up to each one; what lies back exactly so long no longer counts", examples=["7d"]
    )
    per: Literal["customer", "subject"] = Field(
        default="customer",
        description="counted for the customer, or for each policy or other subject they are about",
        examples=["subject"],
    )
    after: WorkingSpan = Field(
        default="0d", validate_default=True, description="how long after it the moment is due", examples=["1d", "1wd"]
    )

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if (self.of == "events") != bool(self.type):
            raise ValueError("a count of events names their `type`, others have none")
        if self.of == "complaints" and self.per == "subject":
            raise ValueError("complaints are about the customer | write `per: customer`, or leave it out")
        return self

    def scopes(self, columns: Columns) -> Scopes:
        """What is counted, and whose it is."""
        views = ("claims", "policies", "customers") if self.of == "claims" else (self.of, "customers")
        return {view: columns[view] for view in views}

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Occurrences that reach the number; asked about one customer, all of them with the number each came to."""
        counted = self._counted(columns, now, within)
        source = exp.select().from_(counted.subquery("counted"))
        customer, at, subject = (column("counted", name) for name in ("customer_id", "at", "subject"))
        source, due = from_instant(source, at, self.after)
        return Candidates(
            source=source,
            customer=customer,
            subject=subject,
            occasion=written(local_day(at)),
            due=due,
            base=at,
            label=column("counted", "label"),
            policy=column("counted", "policy_id"),
            claim=column("counted", "claim_id"),
            event=column("counted", "event_id"),
            requirements=self._rises(),
            narrow=between(at, *map(instant, within.before(self.after))) if within else None,
            first=True,
        )

    def begun_by(self, types: Collection[str]) -> bool:
        """Events of the types it counts."""
        return not set(types).isdisjoint(self.type)

    def ended_by(self, types: Collection[str]) -> bool:
        """An earlier one that becomes known late may move the rise."""
        return not set(types).isdisjoint(self.type)

    def none_found(self, customer_id: str) -> str:
        """Nothing that counts ever happened."""
        return f"customer {customer_id} has no {self._noun} that counts"

    def due_words(self, near: Near, now: datetime) -> str:
        """`the number was reached with complaint K3 3 hours ago, the campaign waits for 1 day`."""
        return f"{near.label} was {since(near.instant, now)} ago, {looked_for(self.after)}"

    @property
    def _noun(self) -> str:
        return _NOUNS.get(self.of) or f"event of type {' or '.join(self.type)}"

    def _counts(self, number: int) -> str:
        """`2 complaints within 7 days`."""
        noun, _, kind = self._noun.partition(" ")
        return f"{number} {noun}{'' if number == 1 else 's'} {kind} within {self.within.words}".replace("  ", " ")

    def _rises(self) -> tuple[Requirement, ...]:
        """That the number is reached, and was not by the occurrence before."""
        reached, held = (column("counted", name) for name in ("reached", "held"))
        number = written(column("counted", "number"))
        wanted = self._counts(self.at_least)
        return (
            Requirement("at_least", reached, wanted, number, self._too_few),
            Requirement("at_least", exp.not_(held), f"fewer than {wanted} before it", number.copy(), self._already),
        )

    def _too_few(self, near: Near, seen: str) -> str:
        """`customer C1 had 2 complaints within 7 days, the campaign looks for 3`."""
        return f"{self._had(near, int(seen))}, the campaign looks for {self.at_least}"

    def _already(self, near: Near, seen: str) -> str:
        """`customer C1 had 3 complaints within 7 days already before complaint K4`."""
        return f"{self._had(near, self.at_least)} already before {near.label}"

    def _had(self, near: Near, number: int) -> str:
        about = f" about {near.subject.replace(':', ' ', 1)}" if near.subject != "customer" else ""
        return f"customer {near.customer_id} had {self._counts(number)}{about}"

    def _counted(self, columns: Columns, now: datetime, within: Reach | None) -> exp.Select:
        """Occurrences with what their predecessors say: `reached`, `held` (the one before had it already), `number`."""
        before = self._happened(columns, now, within).subquery("happened")
        order = exp.Order(expressions=[exp.Ordered(this=exp.column(name), nulls_first=False) for name in ("at", "id")])
        lags = {name: _lag(places, order) for name, places in self._places().items()}
        spread = exp.select("*", *(exp.alias_(lag, name) for name, lag in lags.items())).from_(before)
        reached = _close("at", "nth", self.within)
        held = exp.Coalesce(this=_close("last", "beyond", self.within), expressions=[exp.false()])
        number = exp.Sub(this=_in_range(self.within, "CURRENT ROW"), expression=_in_range(self.within, "PRECEDING"))
        query = exp.select("*", exp.alias_(exp.Coalesce(this=reached, expressions=[exp.false()]), "reached"),
                           exp.alias_(held, "held"))  # fmt: skip
        query = query.select(exp.alias_(number if within is None else exp.Literal.number(0), "number"))
        return query.from_(spread.subquery("spread"))

    def _places(self) -> dict[str, int]:
        """How many occurrences before: `nth` makes the number full, `last` is the one before, `beyond` fills its number."""
        return {"nth": self.at_least - 1, "last": 1, "beyond": self.at_least}

    def _happened(self, columns: Columns, now: datetime, within: Reach | None) -> exp.Select:
        """What counts, from as far back as can matter: an occurrence in reach, its window, and that of the one before."""
        at, key = column(self.of, _AT[self.of]), column(self.of, _KEY[self.of])
        source = self._joined().where(*(part.condition for part in self.where_requirements(columns, now)))
        if self.type:
            source = source.where(one_of(column("events", "type"), self.type))
        if within is not None:
            low, high = within.before(self.after)
            source = source.where(between(at, instant(self.within.before(self.within.before(low))), instant(high)))
        noun = {"events": "event"}.get(self.of, _NOUNS.get(self.of, ""))
        values = {
            "customer_id": self._customer(),
            "subject": self._subject(),
            "at": at,
            "id": key,
            "label": named(noun, key),
            "policy_id": column("policies", "policy_id") if self.of != "complaints" else nothing(),
            "claim_id": key if self.of == "claims" else nothing(),
            "event_id": key if self.of == "events" else nothing(),
        }
        return source.select(*(exp.alias_(value, name) for name, value in values.items()))

    def _joined(self) -> exp.Select:
        source = exp.select().from_(exp.to_table(self.of))
        policy = column("policies", "policy_id")
        if self.of == "claims":
            source = source.join(exp.to_table("policies"), on=same(policy, column("claims", "policy_id")))
        source = source.join(exp.to_table("customers"), on=same(column("customers", "customer_id"), self._customer()))
        if self.of == "events":
            about = same(policy, column("events", "subject_id"))
            source = source.join(exp.to_table("policies"), on=about, join_type="left")
        return source

    def _customer(self) -> exp.Expr:
        own = column(self.of, "customer_id")
        return exp.Coalesce(this=own, expressions=[column("policies", "customer_id")]) if self.of == "claims" else own

    def _subject(self) -> exp.Expr:
        if self.per == "customer":
            return text("customer")
        policy = named("policy", column("policies", "policy_id"))
        if self.of == "claims":
            return policy
        other = named("subject", column("events", "subject_id"))
        return exp.Coalesce(this=policy, expressions=[other, text("customer")])


def _owner() -> list[exp.Expr]:
    return [exp.column("customer_id"), exp.column("subject")]


def _lag(places: int, order: exp.Order) -> exp.Window:
    value = exp.Lag(this=exp.column("at"), offset=exp.Literal.number(places))
    return exp.Window(this=value, partition_by=_owner(), order=order)


def _close(later: str, earlier: str, within: Span) -> exp.Expr:
    """Whether the earlier instant lies less than so long before the later one; NULL where there is none."""
    return exp.GT(this=exp.column(earlier), expression=exp.Sub(this=exp.column(later), expression=within.interval))


def _in_range(within: Span, until: Literal["CURRENT ROW", "PRECEDING"]) -> exp.Window:
    """How many there are from so long before: up to now, or exactly so long before, which no longer count."""
    order = exp.Order(expressions=[exp.Ordered(this=exp.column("at"), nulls_first=False)])
    start = {"start": within.interval, "start_side": "PRECEDING"}
    end = {"end": within.interval, "end_side": "PRECEDING"} if until == "PRECEDING" else {"end": until}
    spec = exp.WindowSpec(kind="RANGE", **start, **end)
    return exp.Window(this=exp.Count(this=exp.Star()), partition_by=_owner(), order=order, spec=spec)
