"""Nobody has heard from the customer for a long time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import Field
from sqlglot import exp

from triggers.candidates import Candidates
from triggers.condition_faults import Scopes
from triggers.durations import Span
from triggers.lateness import Reach
from triggers.occurrences import DERIVED
from triggers.terms import column, day, instant, local_day, midnight, named, one_of, same, text, written
from triggers.trigger import Columns, Near, Trigger
from triggers.types import EventTypes
from triggers.words import days, since, waits


class DormancyTrigger(Trigger):
    """No contact `for` so long, reckoned from the local day of the last one, or of joining where there is none since.

    The occasion is the day the silence began: whoever is heard from and falls silent again is a new occasion. Unless
    `contact` lists types, every event of the customer is a contact except those Kairos derives from the policies
    (`policy_bought`, `policy_renewed`), because renewing may happen without anybody saying a word. A customer with
    neither a contact nor a day of joining never fires.
    """

    due_path: ClassVar[str] = "for"

    kind: Literal["dormancy"]
    silence: Span = Field(alias="for", description="how long nothing was heard", examples=["180d"])
    contact: EventTypes = Field(
        default=(),
        description="types of events that are a contact; all but derived ones unless given",
        examples=[["call"]],
    )
    max_age: Span = Field(
        default="30d",
        validate_default=True,
        description="a silence longer than `for` and this together never fires",
        examples=["30d"],
    )

    def scopes(self, columns: Columns) -> Scopes:
        """The customer."""
        return {"customers": columns["customers"]}

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Customers with the last sign of them; signs before the reach cannot be the last of anybody who counts."""
        customer, last = column("customers", "customer_id"), column("silence", "last_at")
        signs = self._signs(within).subquery("signs")
        latest = exp.alias_(exp.Max(this=exp.column("at")), "last_at")
        silence = exp.select("customer_id", latest).from_(signs).group_by("customer_id").subquery("silence")
        source = exp.select().from_(exp.to_table("customers"))
        source = source.join(silence, on=same(column("silence", "customer_id"), customer))
        return Candidates(
            source=source,
            customer=customer,
            subject=text("customer"),
            occasion=written(local_day(last)),
            due=self._due(last),
            base=last,
            label=named("customer", customer),
            requirements=self.where_requirements(columns, now),
        )

    def ended_by(self, types: Collection[str]) -> bool:
        """Any contact."""
        return not set(types).isdisjoint(self.contact) if self.contact else not set(types) <= set(DERIVED)

    def none_found(self, customer_id: str) -> str:
        """Neither contact nor joining date."""
        return f"customer {customer_id} has neither a contact nor a day of joining, so no silence can be reckoned"

    def due_words(self, near: Near, now: datetime) -> str:
        """`the last sign of customer C1 was on 2026-01-01, 59 days ago, the campaign waits for 180 days`."""
        began = date.fromisoformat(near.occasion or "")
        ago = since(near.instant, now) if self.silence.unit == "h" else days((now.date() - began).days)
        return f"the last sign of {near.label} was on {began}, {ago} ago, the campaign {waits(self.silence)}"

    def _due(self, last: exp.Expr) -> exp.Expr:
        if self.silence.unit == "h":
            return exp.Add(this=last, expression=self.silence.interval)
        return midnight(exp.Add(this=local_day(last), expression=self.silence.interval))

    def _signs(self, within: Reach | None) -> exp.Union:
        contacts = exp.select("customer_id", exp.alias_(exp.column("occurred_at"), "at")).from_(exp.to_table("events"))
        contacts = contacts.where(self._is_contact())
        joined_at = exp.alias_(midnight(exp.column("joined_on")), "at")
        joining = exp.select("customer_id", joined_at).from_(exp.to_table("customers")).where("NOT joined_on IS NULL")
        if within is not None:
            low, _ = within.before(self.silence)
            contacts = contacts.where(exp.GTE(this=exp.column("occurred_at"), expression=instant(low)))
            joining = joining.where(exp.GTE(this=exp.column("joined_on"), expression=day(low.date())))
        return exp.union(contacts, joining, distinct=False)

    def _is_contact(self) -> exp.Expr:
        kind = exp.column("type")
        return one_of(kind, self.contact) if self.contact else exp.Not(this=one_of(kind, DERIVED))
