"""Things that happened to a customer and may be answered: events that arrived, states that claims have reached.

Identity never depends on other tables, which may be late: an event is named by its own id, a claim's state by the
claim, the state and the local day it was reached. What it is about (claim, policy, else the customer) is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from triggers.candidates import Candidates, Requirement
from triggers.durations import Span
from triggers.lateness import Reach
from triggers.shifts import from_instant
from triggers.terms import between, column, instant, local_day, midnight, named, one_of, same, text, written

DERIVED = ("policy_renewed", "policy_bought")
"""Events Kairos derives from the policies themselves; their subject is a policy."""


@dataclass(frozen=True)
class Occurrence:
    """Where occurrences of one sort are found, when each was, and what it is about."""

    candidates: Candidates
    at: exp.Expr
    topics: tuple[exp.Expr, ...]
    view: str

    def due_after(self, delay: Span, within: Reach | None) -> Candidates:
        """The occurrences as candidates due this long after they were."""
        narrow = None
        if within is not None:
            low, high = within.before(delay)
            narrow = between(self.at, instant(low), instant(high))
        source, due = from_instant(self.candidates.source, self.at, delay)
        return replace(self.candidates, source=source, due=due, narrow=narrow)

    def unanswered(self, types: Sequence[str], until: exp.Expr, path: str) -> Requirement:
        """That none of these events of the same customer followed, up to and including `until`.

        An answer must not be about something else: where both name a subject they must agree. A policy bought answers
        whatever was not about a policy, a quote say. At the very instant only an event of another type is an answer;
        derived events often know no more than the day, so that they answer what happened on the same day.
        """
        last = exp.Max(this=column("answers", "occurred_at"))
        seen = exp.Coalesce(
            this=written(self._answers(types, until).select(last).subquery()), expressions=[text("none")]
        )
        missing = exp.Not(this=exp.Exists(this=self._answers(types, until).select("1")))
        return Requirement(path, missing, f"no {' or '.join(types)} meanwhile", seen)

    def _answers(self, types: Sequence[str], until: exp.Expr) -> exp.Select:
        when = column("answers", "occurred_at")
        later: exp.Expr = exp.GT(this=when, expression=self.at)
        if self.view == "events":
            other = exp.NEQ(this=column("answers", "type"), expression=column("events", "type"))
            later = exp.or_(later, exp.and_(same(when.copy(), self.at), other))
        today = midnight(local_day(self.at))
        later = exp.or_(later, one_of(column("answers", "type"), DERIVED))
        return exp.select().from_(exp.to_table("events", alias="answers")).where(
            same(column("answers", "customer_id"), self.candidates.customer),
            one_of(column("answers", "type"), tuple(types)),
            exp.GTE(this=when.copy(), expression=today),
            exp.LTE(this=when.copy(), expression=until),
            later,
            self._same_topic(),
        )  # fmt: skip

    def _same_topic(self) -> exp.Expr:
        subject = column("answers", "subject_id")
        agree = [exp.Is(this=subject, expression=exp.Null()), *(same(subject.copy(), topic) for topic in self.topics)]
        if self.view == "events":
            agree.append(exp.Is(this=column("events", "subject_id"), expression=exp.Null()))
            policy = exp.Is(this=self.candidates.policy, expression=exp.Null())
            agree.append(exp.and_(one_of(column("answers", "type"), DERIVED), policy))
        return exp.or_(*agree)


def events_of(types: Sequence[str]) -> Occurrence:
    """Events of these types. `where` may look at the event, the claim and policy it is about, and the customer."""
    events, claim = exp.to_table("events"), column("claims", "claim_id")
    subject, event, at = (column("events", name) for name in ("subject_id", "event_id", "occurred_at"))
    policy = column("policies", "policy_id")
    about_policy = exp.Coalesce(this=column("claims", "policy_id"), expressions=[subject.copy()])
    source = (
        exp.select().from_(events)
        .join(exp.to_table("customers"), on=same(column("customers", "customer_id"), column("events", "customer_id")))
        .join(exp.to_table("claims"), on=same(claim, subject), join_type="left")
        .join(exp.to_table("policies"), on=same(policy, about_policy), join_type="left")
        .where(one_of(column("events", "type"), tuple(types)))
    )  # fmt: skip
    about = exp.Coalesce(this=named("claim", claim), expressions=[named("policy", policy), text("customer")])
    label = exp.DPipe(this=named("event", event), expression=exp.DPipe(this=text(" of type "), expression=_kind()))
    candidates = Candidates(
        source=source, customer=column("events", "customer_id"), subject=named("event", event), occasion=event,
        due=at, base=at, label=label, about=about, policy=policy, claim=claim, event=event,
    )  # fmt: skip
    return Occurrence(candidates, at, (subject, policy), "events")


def claims_reaching(states: Sequence[str]) -> Occurrence:
    """Claims now in one of these states; reaching a state twice on one local day is one occasion."""
    claim, policy, state = (column("claims", name) for name in ("claim_id", "policy_id", "status"))
    at = exp.Coalesce(this=column("claims", "updated_at"), expressions=[column("claims", "reported_at")])
    customer = exp.Coalesce(this=column("claims", "customer_id"), expressions=[column("policies", "customer_id")])
    source = (
        exp.select().from_(exp.to_table("claims"))
        .join(exp.to_table("policies"), on=same(column("policies", "policy_id"), policy))
        .join(exp.to_table("customers"), on=same(column("customers", "customer_id"), customer))
        .where(one_of(state, tuple(states)))
    )  # fmt: skip
    day = exp.DPipe(this=text("@"), expression=written(local_day(at)))
    label = exp.DPipe(this=named("claim", claim), expression=exp.DPipe(this=text(", now "), expression=state))
    candidates = Candidates(
        source=source, customer=customer, subject=named("claim", claim), occasion=exp.DPipe(this=state, expression=day),
        due=at, base=at, label=label, policy=policy, claim=claim,
    )  # fmt: skip
    return Occurrence(candidates, at, (claim, policy), "claims")


def _kind() -> exp.Expr:
    return column("events", "type")
