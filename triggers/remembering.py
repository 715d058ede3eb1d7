"""What kinds have in common that compare who is a member now with who was at the last look (`triggers.memberships`)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field
from sqlglot import exp

from triggers.candidates import Candidates, Requirement
from triggers.durations import Span
from triggers.lateness import Reach
from triggers.terms import between, column, instant, local_day, named, nothing, same, text, written
from triggers.trigger import Columns, Trigger

_KEYS = ("customer_id", "subject")


class RememberingTrigger(Trigger):
    """Base of the kinds about entering something: a segment, the far side of a line."""

    due_path: ClassVar[str] = "after"
    remembers: ClassVar[bool] = True

    after: Span = Field(
        default="0d",
        validate_default=True,
        description="how long after Kairos saw it the moment is due",
        examples=["1d"],
    )
    initially: Literal["skip", "fire"] = Field(
        default="skip",
        description="what happens to those it is true of when the campaign first looks: nothing, or a moment each",
        examples=["fire"],
    )

    @property
    @abstractmethod
    def view(self) -> str:
        """The view whose rows are members: customers, or policies."""

    @abstractmethod
    def belongs(self, columns: Columns, now: datetime) -> tuple[Requirement, ...]:
        """What makes a row a member now."""

    def stays(self) -> exp.Expr | None:
        """What keeps a row a member that is one already; None: the same as makes it one."""
        return None

    def members(self, columns: Columns, now: datetime) -> exp.Select:
        """Rows that belong, and those that were members and stay."""
        source = self._source()
        belongs = exp.and_(*(part.condition for part in self.belongs(columns, now)))
        stays = self.stays()
        if stays is not None:
            source = source.join(self._memberships("left_at IS NULL"), on=self._mine(), join_type="left")
            where = (part.condition for part in self.where_requirements(columns, now))
            belongs = exp.or_(belongs, exp.and_(self.is_member(), stays, *where))
        return source.select(exp.alias_(self._customer(), "customer_id"), exp.alias_(self._subject(), "subject")).where(
            exp.Coalesce(this=exp.paren(belongs), expressions=[exp.false()])
        )

    def entering(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Open memberships; asked about one customer (`within` None) also rows that are none, with what they lack."""
        at, initial = column("memberships", "entered_at"), column("memberships", "initial")
        kind = "left" if within is None else "inner"
        source = self._source().join(self._memberships("left_at IS NULL"), on=self._mine(), join_type=kind)
        seen = exp.Coalesce(this=written(at), expressions=[text("not at the last look")])
        asked = self.belongs if self.stays() is None and within is None else self.where_requirements
        requirements = [*asked(columns, now)]
        requirements.append(Requirement("kind", self.is_member(), "so when Kairos last looked", seen))
        if self.initially == "skip":
            news = exp.not_(exp.Coalesce(this=initial, expressions=[exp.false()]))
            words = "it came about after the campaign first looked"
            requirements.append(Requirement("initially", news, words, written(at.copy())))
        found = self._candidates(source, at, written(local_day(at.copy())), tuple(requirements), within)
        return replace(found, single=True)  # nobody is in it twice at once

    def leaving(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Memberships that ended, of rows that have not come back."""
        self.belongs(columns, now)
        at = column("memberships", "left_at")
        back = exp.select("1").from_(exp.alias_(exp.to_table("memberships"), "again", table=True)).where(
            *(same(column("again", key), column("memberships", key)) for key in _KEYS), "again.left_at IS NULL"
        )  # fmt: skip
        kind = "left" if within is None else "inner"
        source = self._source().join(self._memberships("NOT left_at IS NULL"), on=self._mine(), join_type=kind)
        requirements = (
            Requirement("kind", self.is_member(), "was in it and left",
                        exp.Coalesce(this=written(at.copy()), expressions=[text("it never left")])),
            Requirement("kind", exp.not_(exp.Exists(this=back)), "still out of it", text("it is back")),
        )  # fmt: skip
        occasion = exp.DPipe(this=text("left "), expression=written(local_day(at.copy())))
        return self._candidates(source, at, occasion, requirements, within)

    @staticmethod
    def is_member() -> exp.Expr:
        """Whether a row joined with its membership has one."""
        return exp.not_(exp.Is(this=column("memberships", "entered_at"), expression=exp.Null()))

    def _candidates(
        self,
        source: exp.Select,
        at: exp.Expr,
        occasion: exp.Expr,
        requirements: tuple[Requirement, ...],
        within: Reach | None,
    ) -> Candidates:
        policy = column("policies", "policy_id") if self.view == "policies" else nothing()
        return Candidates(
            source=source,
            customer=self._customer(),
            subject=self._subject(),
            occasion=occasion,
            due=exp.Add(this=at, expression=self.after.interval),
            base=at,
            label=self._subject() if self.view == "policies" else named("customer", self._customer()),
            policy=policy,
            requirements=requirements,
            narrow=between(at.copy(), *map(instant, within.before(self.after))) if within else None,
        )

    def _source(self) -> exp.Select:
        source = exp.select().from_(exp.to_table(self.view))
        if self.view == "policies":
            own = same(column("customers", "customer_id"), self._customer())
            source = source.join(exp.to_table("customers"), on=own)
        return source

    def _memberships(self, which: str) -> exp.Subquery:
        return exp.select("*").from_("memberships").where(which).subquery("memberships")

    def _mine(self) -> exp.Expr:
        return exp.and_(
            same(column("memberships", "customer_id"), self._customer()),
            same(column("memberships", "subject"), self._subject()),
        )

    def _customer(self) -> exp.Expr:
        return column(self.view, "customer_id")

    def _subject(self) -> exp.Expr:
        return named("policy", column("policies", "policy_id")) if self.view == "policies" else text("customer")
