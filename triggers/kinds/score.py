"""A model's score crosses a line: the risk that a policy lapses, the chance that an offer helps."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Literal, Self

from pydantic import Field, model_validator
from sqlglot import exp

from triggers.candidates import Candidates, Requirement
from triggers.condition_faults import Scopes
from triggers.lateness import Reach
from triggers.meaning import family
from triggers.remembering import RememberingTrigger
from triggers.terms import column, text, written
from triggers.trigger import Columns, FieldError, Near
from triggers.words import looked_for, since


class ScoreTrigger(RememberingTrigger):
    """The score in a column comes `above` a line (or `below` it), as Kairos sees it from one look to the next.

    With `rearm` it has to come back past that value before it can cross again, so that a score that trembles on the line
    is one occasion. The occasion is the local day on which the crossing was seen. A score that is not known is nowhere.
    """

    kind: Literal["score"]
    of: str = Field(
        pattern=r"^(policies|customers)\.[^.]+$",
        description="the score: a column of policies or customers that holds numbers",
        examples=["policies.lapse_risk"],
    )
    above: float | None = Field(
        default=None, allow_inf_nan=False, description="the line, for scores that rise over it", examples=[0.8]
    )
    below: float | None = Field(
        default=None, allow_inf_nan=False, description="the line, for scores that fall under it", examples=[6]
    )
    rearm: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="the value it must come back past before it counts again; the line where absent",
        examples=[0.6],
    )

    @model_validator(mode="after")
    def _one_line(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a score crosses one line | write either `above` or `below`")
        if self.rearm is not None and self.rearm * self._sign > self._line * self._sign:
            raise ValueError(
                f"`rearm: {self.rearm:g}` lies beyond the line | it lies on the side the score comes back to"
            )
        return self

    @property
    def view(self) -> str:
        """The view the score is a column of."""
        return self.of.split(".")[0]

    def scopes(self, columns: Columns) -> Scopes:
        """The customer, and the policy where it is about policies."""
        views = ("policies", "customers") if self.view == "policies" else ("customers",)
        return {view: columns[view] for view in views}

    def own_faults(self, columns: Columns) -> list[FieldError]:
        """The column must exist and hold numbers."""
        name, known = self.of.split(".")[1], columns[self.view]
        numbers = [each for each in known if family(column(self.view, each), {self.view: known}) == "number"]
        if name in numbers:
            return []
        there = f"numbers there: {', '.join(numbers)}" if numbers else f"{self.view} has no column of numbers"
        if name in known:
            return [FieldError("of", f"{self.of} is {known[name]}, not a number", there)]
        close = get_close_matches(name, numbers, n=1)
        hint = f"did you mean {self.view}.{close[0]}?" if close else there
        return [FieldError("of", f"{self.view} has no column '{name}'", hint)]

    def belongs(self, columns: Columns, now: datetime) -> tuple[Requirement, ...]:
        """The score beyond the line, and `where`."""
        beyond = Requirement("of", self._beyond(self._line), f"{self.of} {self._words}", self._seen())
        return (beyond, *self.where_requirements(columns, now))

    def stays(self) -> exp.Expr | None:
        """Beyond the line, or not back past `rearm` yet."""
        return self._beyond(self.rearm) if self.rearm is not None else None

    def candidates(self, columns: Columns, now: datetime, within: Reach | None) -> Candidates:
        """Who crossed the line."""
        found = self.entering(columns, now, within)
        if within is not None or self.stays() is None:
            return found
        beyond = exp.or_(self._beyond(self._line), exp.and_(self.is_member(), self._beyond(self.rearm)))
        held = Requirement("of", beyond, f"{self.of} {self._words}", self._seen())
        return replace(found, requirements=(held, *found.requirements))

    def none_found(self, customer_id: str) -> str:
        """No row that could have a score."""
        return f"customer {customer_id} has no {'policy' if self.view == 'policies' else 'record'} with {self.of}"

    def due_words(self, near: Near, now: datetime) -> str:
        """`policies.lapse_risk of policy P1 crossed 0.8 3 hours ago, the campaign does not wait`."""
        return (
            f"{self.of} of {near.label} crossed {self._line:g} {since(near.instant, now)} ago, {looked_for(self.after)}"
        )

    @property
    def _line(self) -> float:
        return float(self.above if self.above is not None else self.below or 0.0)

    @property
    def _sign(self) -> int:
        return 1 if self.above is not None else -1

    @property
    def _words(self) -> str:
        return f"{'above' if self.above is not None else 'below'} {self._line:g}"

    def _value(self) -> exp.Expr:
        return column(self.view, self.of.split(".")[1])

    def _beyond(self, line: float | None) -> exp.Expr:
        compare = exp.GT if self.above is not None else exp.LT
        return compare(
            this=self._value(),
            expression=exp.cast(exp.Literal.number(repr(float(line or 0.0))), exp.DataType.Type.DOUBLE),
        )

    def _seen(self) -> exp.Expr:
        return exp.Coalesce(this=written(self._value()), expressions=[text("no score")])
