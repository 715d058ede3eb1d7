"""Occasions a trigger could fire on, before lateness is judged: where they are found and what each must fulfil.

The same description makes the query for all customers (`found`) and the one that explains a single customer
(`looked_at`), so that `why` cannot say something else than `run` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from triggers.terms import nothing, same, text

if TYPE_CHECKING:
    from triggers.trigger import Near

MOMENT_COLUMNS = (
    "customer_id",
    "subject",
    "occasion",
    "due_at",
    "policy_id",
    "claim_id",
    "event_id",
    "alert_id",
)


@dataclass(frozen=True)
class Requirement:
    """Something an occasion must fulfil: the condition, how it is wanted in words, and what was seen, as SQL text.

    `failed` says in words that it is not fulfilled, from the occasion and what was seen.
    """

    path: str
    condition: exp.Expr
    wanted: str
    seen: exp.Expr
    failed: Callable[[Near, str], str] | None = None


@dataclass(frozen=True)
class Candidates:
    """Where occasions are found (`source`: FROM and JOINs), how each is identified, and what it must fulfil.

    `about` groups what `late: nearest` keeps one of; `label` names the occasion to people; `base` is the day or instant
    it is reckoned from; `narrow` is implied by lateness and lets the database skip what cannot be due; `repeated` says
    that one occasion may be found on several policies, of which the first stands for all, `single` that nothing
    has more than one occasion, `first` that of several found under one identity the first due is meant.
    """

    source: exp.Select
    customer: exp.Expr
    subject: exp.Expr
    occasion: exp.Expr
    due: exp.Expr
    base: exp.Expr
    label: exp.Expr
    about: exp.Expr | None = None
    policy: exp.Expr = field(default_factory=nothing)
    claim: exp.Expr = field(default_factory=nothing)
    event: exp.Expr = field(default_factory=nothing)
    alert: exp.Expr = field(default_factory=nothing)
    requirements: tuple[Requirement, ...] = ()
    narrow: exp.Expr | None = None
    repeated: bool = False
    single: bool = False
    first: bool = False

    @property
    def alike(self) -> tuple[str, ...]:
        """The columns in which occasions about the same thing agree: sorting by what is the same for all costs time."""
        about = self.about if self.about is not None else self.subject
        return ("customer_id",) if isinstance(about, exp.Literal) else ("customer_id", "about")

    def found(self) -> exp.Select:
        """All occasions that fulfil everything but lateness: MOMENT_COLUMNS and `about`."""
        query = self.source.select(*self._moment())
        conditions = [self.narrow] if self.narrow is not None else []
        query = query.where(*conditions, *(each.condition.copy() for each in self.requirements), copy=False)
        if self.first:
            return _first_due(query)
        return _one_each(query, self._moment()) if self.repeated else query

    def looked_at(self, customer_id: str) -> exp.Select:
        """One customer's occasions, whether or not they fulfil the requirements.

        MOMENT_COLUMNS, `about`, `base`, `label`, and per requirement `passed_<n>` and `seen_<n>`.
        """
        query = self.source.select(*self._moment(), exp.alias_(self.base, "base"), exp.alias_(self.label, "label"))
        for number, each in enumerate(self.requirements):
            passed = exp.Coalesce(this=exp.paren(each.condition), expressions=[exp.false()])
            query = query.select(exp.alias_(passed, f"passed_{number}"), exp.alias_(each.seen, f"seen_{number}"))
        return query.where(same(self.customer, text(customer_id)))

    def _moment(self) -> list[exp.Expr]:
        values = (
            self.customer, self.subject, self.occasion, self.due, self.policy, self.claim, self.event, self.alert,
        )  # fmt: skip
        about = self.about if self.about is not None else self.subject
        return [
            exp.alias_(value, name) for name, value in zip((*MOMENT_COLUMNS, "about"), (*values, about), strict=True)
        ]


def _first_due(query: exp.Select) -> exp.Select:
    order = exp.Order(
        expressions=[
            exp.Ordered(this=exp.column(name), nulls_first=False) for name in ("due_at", "event_id", "claim_id")
        ]
    )
    keys = [exp.column(name) for name in ("customer_id", "subject", "occasion")]
    place = exp.Window(this=exp.RowNumber(), partition_by=keys, order=order)
    numbered = exp.select("*", exp.alias_(place, "place")).from_(query.subquery("every", copy=False), copy=False)
    return from_(numbered, "numbered", "about").where("place = 1", copy=False)


def from_(query: exp.Select, name: str, *more: str) -> exp.Select:
    """MOMENT_COLUMNS, and more, of a query, which becomes part of the new one."""
    return exp.select(*MOMENT_COLUMNS, *more).from_(query.subquery(name, copy=False), copy=False)


def _one_each(query: exp.Select, moment: list[exp.Expr]) -> exp.Select:
    """One row of those that differ in their policy only; what is the same in every row is not grouped by."""
    others = [each for each in moment if each.alias != "policy_id"]
    keys = [each.alias for each in others if not _constant(each.this)]
    first = exp.alias_(exp.Min(this=exp.column("policy_id")), "policy_id")
    grouped = exp.select(*keys, *(each.copy() for each in others if _constant(each.this)), first)
    return grouped.from_(query.subquery("repeated", copy=False), copy=False).group_by(*keys, copy=False)


def _constant(value: exp.Expr) -> bool:
    return isinstance(value.this if isinstance(value, exp.Cast) else value, (exp.Literal, exp.Null))
