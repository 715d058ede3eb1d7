"""An alert covers where the customer lives or what they insured: care before, a claims guide after."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field
from sqlglot import exp

from triggers.candidates import Candidates
from triggers.condition_faults import Scopes
from triggers.durations import Offset
from triggers.lateness import Reach
from triggers.terms import between, column, instant, named, nothing, one_of, same, text
from triggers.trigger import Columns, Near, Trigger
from triggers.types import EventTypes
from triggers.words import clock, looked_at

_SEVERITIES = ("minor", "moderate", "severe", "extreme")


class RegionTrigger(Trigger):
    """An alert covers a region. One occasion per customer and alert, however many policies lie there.

    `of: policies` looks at the insured object's region, the customer's where it has none, and only at policies that are
    active; `of: customers` at the customer's. `phase: warning` is reckoned from when the alert takes effect, while it
    lasts; `phase: after` from when it expires. Cancelled and test alerts never count; an alert without a status does.
    """

    due_path: ClassVar[str] = "offset"

    kind: Literal["region"]
    of: Literal["policies", "customers"] = Field(
        default="policies", description="whose region: the insured object's, or the customer's", examples=["policies"]
    )
    events: EventTypes | None = Field(
        default=None, description="kinds of alert; all where not given", examples=[["typhoon", "rainstorm"]]
    )
    severity: Literal["minor", "moderate", "severe", "extreme"] | None = Field(
        default=None,
        description="at least this severe; alerts of unknown severity then do not count",
        examples=["severe"],
    )
    phase: Literal["warning", "after"] = Field(
        default="warning", description="while the alert lasts, or once it has expired", examples=["after"]
    )
    offset: Offset = Field(
        default="0h",
        validate_default=True,
        description="how long before (-) or after the alert takes effect (warning) or expires (after)",
        examples=["-24h", "2d"],
    )

    def scopes(self, columns: Columns) -> Scopes:
        """The policy where it is about policies, the customer, the alert."""
        views = ("policies", "customers", "alerts") if self.of == "policies" else ("customers", "alerts")
        return {view: columns[view] for view in views}

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Alerts in force, spread over the regions they cover."""
        alert, policy, customer = column("alerts", "alert_id"), column("policies", "policy_id"), self._customer()
        start = column("alerts", "effective_at" if self.phase == "warning" else "expires_at")
        narrow = None
        if within is not None:
            low, high = within.before(self.offset)
            narrow = between(start, instant(low), instant(high))
        place = exp.DPipe(this=text(" for policy "), expression=policy) if self._insured else text(" for the customer")
        return Candidates(
            source=self._source(now),
            customer=customer,
            subject=text("customer"),
            occasion=alert,
            due=exp.Add(this=start, expression=self.offset.interval),
            base=start,
            label=exp.DPipe(this=named("alert", alert), expression=place),
            policy=policy if self._insured else nothing(),
            alert=alert,
            requirements=self.where_requirements(columns, now),
            narrow=narrow,
            repeated=True,
        )

    def none_found(self, customer_id: str) -> str:
        """No alert of these covers the customer."""
        place = "an active policy" if self._insured else "the region"
        return f"no alert the campaign looks at covers {place} of customer {customer_id}"

    def due_words(self, near: Near, now: datetime) -> str:
        """`alert A1 takes effect on 2026-07-01 08:00, the campaign looks at 24 hours before`."""
        verb = "takes effect on" if self.phase == "warning" else "expires on"
        aim = looked_at(self.offset).replace("the day itself", "that time")
        return f"{near.label} {verb} {clock(near.instant, now)}, the campaign looks at {aim}"

    @property
    def _insured(self) -> bool:
        return self.of == "policies"

    def _customer(self) -> exp.Expr:
        return column(self.of, "customer_id")

    def _source(self, now: datetime) -> exp.Select:
        region: exp.Expr = column("customers", "region_code")
        source = exp.select().from_(exp.to_table("alerts"))
        cover = same(column("alert_cover", "alert_id"), column("alerts", "alert_id"))
        source = source.join(exp.to_table("alert_cover"), on=cover).where(*self._in_force(now))
        if not self._insured:
            return source.join(exp.to_table("customers"), on=same(region, column("alert_cover", "region_code")))
        region = exp.Coalesce(this=column("policies", "insured_region_code"), expressions=[region])
        return (
            source.join(exp.to_table("policies"), on=same(column("policies", "status"), text("active")))
            .join(exp.to_table("customers"), on=same(column("customers", "customer_id"), self._customer()))
            .where(same(region, column("alert_cover", "region_code")))
        )

    def _in_force(self, now: datetime) -> list[exp.Expr]:
        status = exp.Coalesce(this=column("alerts", "status"), expressions=[text("active")])
        conditions: list[exp.Expr] = [same(status, text("active"))]
        if self.events is not None:
            conditions.append(one_of(column("alerts", "event"), self.events))
        if self.severity is not None:
            worse = _SEVERITIES[_SEVERITIES.index(self.severity) :]
            conditions.append(one_of(column("alerts", "severity"), worse))
        if self.phase == "warning":
            ends = column("alerts", "expires_at")
            lasting = exp.GT(this=ends, expression=instant(now))
            conditions.append(exp.or_(exp.Is(this=ends.copy(), expression=exp.Null()), lasting))
        return conditions
