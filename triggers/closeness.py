"""How close a customer is to a moment: what `kairos why` says about the trigger, for every customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from triggers.candidates import Requirement
from triggers.moments import local_now, rows_of, session
from triggers.terms import same, text
from triggers.trigger import Clause, Near, Trigger
from triggers.words import clock, since

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from triggers.facts import Facts

SHOWN = 3
"""How many occasions of one customer are explained, the closest first."""


_LASTING = ("trigger.where", "trigger.max_age", "trigger.of")


@dataclass(frozen=True)
class _Explained:
    near: Near
    clauses: tuple[Clause, ...]

    @property
    def failed(self) -> list[Clause]:
        return [clause for clause in self.clauses if not clause.passed]

    def distance(self, now: datetime) -> tuple[int, int, float, str, str]:
        """Fewest failures first, then those that only have to wait, then the least time from being due."""
        due = abs((self.near.due_at - now).total_seconds()) if self.near.due_at else float("inf")
        lasting = sum(clause.path in _LASTING for clause in self.failed)
        return len(self.failed), lasting, due, self.near.subject, self.near.occasion or ""


def explain(trigger: Trigger, facts: Facts, customer_id: str) -> list[Clause]:
    """The verdict, then the clauses of the closest occasions. See `Trigger.nearest`."""
    now = local_now(facts)
    with session(facts) as db:
        query = trigger.select(facts.columns, now)
        if not _known(db, customer_id):
            return [_verdict(False, f"customer {customer_id} is not among the customers")]
        mine = (
            exp.select("*").from_(query.subquery("moments")).where(same(exp.column("customer_id"), text(customer_id)))
        )
        firing = {(row["subject"], row["occasion"]) for row in rows_of(db, mine)}
        candidates = trigger.candidates(facts.columns, now, None)
        rows = rows_of(db, candidates.looked_at(customer_id))
    explained = [_explained(trigger, row, candidates.requirements, firing, now) for row in rows]
    closest = sorted(explained, key=lambda each: each.distance(now))[:SHOWN]
    if not closest:
        return [_verdict(False, trigger.none_found(customer_id))]
    return [_judged(closest[0], now), *(clause for each in closest for clause in each.clauses)]


def _known(db: DuckDBPyConnection, customer_id: str) -> bool:
    asked = exp.select("customer_id").from_("customers").where(same(exp.column("customer_id"), text(customer_id)))
    return bool(rows_of(db, asked.limit(1)))


def _judged(best: _Explained, now: datetime) -> Clause:
    if best.failed:
        return _verdict(False, "; ".join(clause.words for clause in best.failed), best.near.label)
    due = clock(best.near.due_at, now) if best.near.due_at else ""
    return _verdict(True, f"{best.near.label} is a moment ({best.near.occasion}), due since {due}", best.near.label)


def _verdict(passed: bool, words: str, seen: str = "nothing") -> Clause:
    return Clause("trigger", passed, "an occasion that is due and fulfils every condition", seen, words)


def _explained(
    trigger: Trigger,
    row: dict[str, Any],
    requirements: tuple[Requirement, ...],
    firing: set[tuple[str, str | None]],
    now: datetime,
) -> _Explained:
    label = str(row["label"]).replace(":", " ", 1)
    near = Near(row["customer_id"], row["subject"], row["occasion"], label, row["base"], row["due_at"])
    clauses = [_required(near, each, row, number) for number, each in enumerate(requirements)]
    if near.due_at is not None or all(clause.passed for clause in clauses):
        clauses += _lateness(trigger, near, now)
    fires = (near.subject, near.occasion) in firing
    if not fires and all(clause.passed for clause in clauses):
        words = f"{label}: a later occasion about the same is due, and only the last one counts"
        clauses.append(Clause("trigger.late", False, "the last one due", str(near.occasion), words))
    return _Explained(near, tuple(clauses))


def _required(near: Near, requirement: Requirement, row: dict[str, Any], number: int) -> Clause:
    passed, seen = bool(row[f"passed_{number}"]), str(row[f"seen_{number}"])
    words = f"{near.label}: {requirement.wanted} holds" if passed else f"{near.label}: wanted {requirement.wanted}"
    words = words if passed or not seen else f"{words}, seen {seen}"
    if requirement.failed is not None and not passed:
        words = requirement.failed(near, seen)
    return Clause(f"trigger.{requirement.path}", passed, requirement.wanted, seen, words)


def _lateness(trigger: Trigger, near: Near, now: datetime) -> list[Clause]:
    if near.due_at is None:
        words = f"{near.label} is never due: the time it is reckoned from is not known"
        return [Clause(f"trigger.{trigger.due_path}", False, "a time", "nothing", words)]
    seen = f"due {clock(near.due_at, now)}"
    due = Clause(
        f"trigger.{trigger.due_path}",
        near.due_at <= now,
        f"due by {clock(now, now)}",
        seen,
        trigger.due_words(near, now),
    )
    return [due, *_overdue(trigger, near.label, near.due_at, seen, now)] if due.passed else [due]


def _overdue(trigger: Trigger, label: str, due_at: datetime, seen: str, now: datetime) -> list[Clause]:
    oldest = trigger.max_age.before(now)
    words = f"{label} is overdue by {since(due_at, now)}, the campaign takes up to {trigger.max_age.words}"
    clauses = [Clause("trigger.max_age", due_at >= oldest, f"due since {clock(oldest, now)} or later", seen, words)]
    if trigger.late == "skip":
        today = due_at.astimezone(now.tzinfo).date() == now.date()
        words = f"{label} was due on {due_at.astimezone(now.tzinfo).date()}, the campaign skips all but those due today"
        clauses.append(Clause("trigger.late", today, f"due on {now.date()}", seen, words))
    return clauses
