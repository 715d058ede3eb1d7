"""A date of a policy, a claim or the customer comes within reach: renewal, end of grace, birthday, anniversary."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from sqlglot import exp

from triggers.candidates import Candidates, Requirement
from triggers.condition_faults import Scopes
from triggers.durations import WorkingOffset
from triggers.lateness import Reach
from triggers.shifts import from_day, from_instant
from triggers.terms import (
    between,
    column,
    day,
    instant,
    local_day,
    named,
    nothing,
    same,
    text,
    written,
)
from triggers.trigger import Columns, FieldError, Near, Trigger
from triggers.words import looked_at
from triggers.words import when as told
from triggers.yearly import Leap, Recurrence, kept_on, recurring

_POLICY, _CLAIM, _CUSTOMER = (
    column("policies", "policy_id"),
    column("claims", "claim_id"),
    column("customers", "customer_id"),
)
_VERBS = {"expiry_date": ("expires", "expired"), "effective_date": ("begins", "began")}


class DateTrigger(Trigger):
    """Some time before, on or after a date. The occasion is the date itself, so moving the offset changes nothing.

    A date begins at local midnight; days, weeks, months and working days are counted on the calendar, hours from the
    instant itself and therefore only for columns that hold one. A reminder ahead of a date never fires once the date
    has passed. With `yearly` the day comes round every year after the first; 29 February is kept on the day `leap` says
    in common years, and is the same occasion whichever that is.
    """

    due_path: ClassVar[str] = "offset"

    kind: Literal["date"]
    of: str = Field(
        pattern=r"^(policies|customers|claims)\.[^.]+$",
        description="the date: a DATE or instant column of policies, customers or claims",
        examples=["policies.expiry_date", "customers.birth_date"],
    )
    offset: WorkingOffset = Field(
        default="0d",
        validate_default=True,
        description="how long before (-) or after the date the moment is due",
        examples=["-60d", "-1mo", "3d", "-5wd"],
    )
    yearly: bool = Field(
        default=False,
        description="every year on that day, from the first year after: birthdays, policy anniversaries",
        examples=[True],
    )
    leap: Leap = Field(
        default="feb28",
        description="with `yearly`: the day on which 29 February is kept in common years, 28 February or 1 March",
        examples=["mar1"],
    )

    @model_validator(mode="after")
    def _leap_of_a_year(self) -> Self:
        if self.leap != "feb28" and not self.yearly:
            raise ValueError("`leap` is about days that come round | add `yearly: true`, or remove it")
        return self

    @property
    def view(self) -> str:
        """The view the date is a column of."""
        return self.of.split(".")[0]

    @property
    def dated(self) -> str | None:
        """The date's column where it is one of policies that does not come round every year."""
        return self.of.split(".")[1] if self.view == "policies" and not self.yearly else None

    def scopes(self, columns: Columns) -> Scopes:
        """The view of the date, and what stands above it."""
        above = {"policies": ["customers"], "claims": ["policies", "customers"], "customers": []}
        return {view: columns[view] for view in [self.view, *above[self.view]]}

    def own_faults(self, columns: Columns) -> list[FieldError]:
        """The column must exist and hold dates; hours need instants."""
        name, known = self.of.split(".")[1], columns[self.view]
        dated = [each for each, kind in known.items() if kind == "DATE" or kind.startswith("TIMESTAMP")]
        if name not in known:
            close = get_close_matches(name, dated, n=1)
            hint = f"did you mean {self.view}.{close[0]}?" if close else f"dates there: {', '.join(dated)}"
            return [FieldError("of", f"{self.view} has no column '{name}'", hint)]
        if name not in dated:
            return [FieldError("of", f"{self.of} is {known[name]}, not a date", f"dates there: {', '.join(dated)}")]
        if self.offset.unit == "h" and (known[name] == "DATE" or self.yearly):
            return [
                FieldError("offset", f"{self.of} is reckoned in days, '{self.offset}' in hours", "write days, as in 2d")
            ]
        return []

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Every row with that date; narrowed by the stored column itself so that row groups can be skipped."""
        base = column(self.view, self.of.split(".")[1])
        in_days = columns[self.view][base.name] == "DATE"
        first: exp.Expr = base if in_days else local_day(base)
        source = self._source(self.views_asked(columns))
        source = source.where(exp.Not(this=exp.Is(this=base, expression=exp.Null())))
        if self.yearly:
            when = recurring(source, first, self._days(now, within), self.leap)
        else:
            when = Recurrence(source, first, first, self._narrow(base, in_days, within))
        source, due = self._due(when.source, base, when.on)
        subject = named("policy", _POLICY) if self.view == "policies" else named("claim", _CLAIM)
        own = self.view != "customers"
        return Candidates(
            source=source,
            customer=self._customer(),
            subject=subject if own else text("customer"),
            occasion=written(when.named),
            due=due,
            base=base,
            label=subject if own else named("customer", self._customer()),
            policy=_POLICY if own else nothing(),
            claim=_CLAIM if self.view == "claims" else nothing(),
            requirements=(*self._ahead(base, when.on, in_days, now), *self.where_requirements(columns, now)),
            narrow=when.within,
            single=not self.yearly,
        )

    def none_found(self, customer_id: str) -> str:
        """No row of the view has that date for the customer."""
        rows = {"policies": "policy", "claims": "claim"}.get(self.view)
        return (
            f"customer {customer_id} has no {rows} with {self.of}" if rows else f"{self.of} of {customer_id} is unknown"
        )

    def due_words(self, near: Near, now: datetime) -> str:
        """`policy P1 expires in 61 days, the campaign looks at 60`."""
        on = kept_on(_day_of(near.base, now), date.fromisoformat(near.occasion or ""), self.leap)
        name = self.of.split(".")[1]
        if self.yearly or name not in _VERBS:
            noun = {"birth_date": "birthday"}.get(name, f"anniversary of {name}") if self.yearly else name
            words = f"the {noun} of {near.label} {told((on - now.date()).days, 'is', 'was')}"
        else:
            words = f"{near.label} {told((on - now.date()).days, *_VERBS[name])}"
        return f"{words}, the campaign looks at {looked_at(self.offset)}"

    def _source(self, asked: set[str]) -> exp.Select:
        source = exp.select().from_(exp.to_table(self.view))
        if self.view == "claims":
            source = source.join(exp.to_table("policies"), on=same(_POLICY, column("claims", "policy_id")))
        if self.view != "customers" and "customers" in asked:
            source = source.join(exp.to_table("customers"), on=same(_CUSTOMER, self._customer()))
        return source

    def _customer(self) -> exp.Expr:
        own = column(self.view, "customer_id")
        return exp.Coalesce(this=own, expressions=[column("policies", "customer_id")]) if self.view == "claims" else own

    def _narrow(self, base: exp.Expr, in_days: bool, within: Reach | None) -> exp.Expr | None:
        if within is None or self.yearly:
            return None
        low, high = within.before(self.offset)
        if in_days:
            return between(base, day(low.date()), day(high.date()))
        return between(base, instant(low), instant(high + timedelta(days=1)))

    def _days(self, now: datetime, within: Reach | None) -> tuple[date, date]:
        low, high = (within or Reach(now, now)).before(self.offset)
        around = timedelta(days=0 if within else 366)
        return low.date() - around, high.date() + around

    def _due(self, source: exp.Select, base: exp.Expr, on: exp.Expr) -> tuple[exp.Select, exp.Expr]:
        if self.offset.unit == "h":
            return from_instant(source, base, self.offset)
        return from_day(source, on, self.offset)

    def _ahead(self, base: exp.Expr, on: exp.Expr, in_days: bool, now: datetime) -> tuple[Requirement, ...]:
        if self.offset.count >= 0:
            return ()
        by_day = in_days or self.yearly
        left = exp.GTE(this=on, expression=day(now.date())) if by_day else exp.GTE(this=base, expression=instant(now))
        return (Requirement("of", left, "the date has not passed", written(on if by_day else base)),)


def _day_of(base: date | datetime, now: datetime) -> date:
    return base.astimezone(now.tzinfo).date() if isinstance(base, datetime) else base
