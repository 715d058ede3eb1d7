"""One comparison with all that belongs to it: difference, intervals, what it costs, what may be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import numpy as np

from recommender.effect.difference import Difference, adjusted, covariance_with, difference, without
from recommender.effect.interval import Interval
from recommender.effect.looks import boundaries
from recommender.effect.metric import Metric, variance
from recommender.effect.plan import Plan
from recommender.effect.power import days_needed, rows_needed, seen
from recommender.effect.quotient import Quotient, fieller
from recommender.effect.sequence import always_valid, p_value
from recommender.effect.sequence import critical as always_critical
from recommender.effect.sums import Sums
from recommender.effect.verdict import Judged, Verdict, judge, too_little, worth_seeing


@dataclass(frozen=True)
class Effect:
    """Of one group against the control, in one segment ("" = everybody).

    `best` is the difference that is judged: the adjusted one where there are covariates. `p_value` belongs to the plan's
    reading and is as if this were the only comparison, `p_adjusted` as one of many (NaN at planned looks, whose
    boundaries are those of alpha / comparisons). `critical`: standard errors the interval that decides is wide on a side.
    `cost` is what one more outcome cost.
    """

    group: str
    segment: str
    plain: Difference
    best: Difference
    intervals: dict[str, Interval]
    relative: Quotient
    cost: Quotient | None
    p_value: float
    p_adjusted: float
    critical: float
    scarce: str
    judged: Judged
    plan: Plan

    @property
    def rows_needed(self) -> int | None:
        """Rows in all at which an effect worth seeing is found with probability .8."""
        return rows_needed(self.best.error, self.best.n, worth_seeing(self.best, self.plan.worth), self.critical)

    def days_needed(self, a_day: float) -> int | None:
        """Days still to wait for them at so many rows a day."""
        return days_needed(self.rows_needed, self.best.n, a_day)

    def judged_as(self, p_adjusted: float, fault: str = "") -> Effect:
        """The same as one of many comparisons; `fault`: why the groups cannot be compared."""
        plan = self.plan
        verdict = judge(
            self.best,
            self.intervals[plan.reading],
            self.scarce,
            fault=fault,
            p_value=p_adjusted,
            critical=self.critical,
            alpha=plan.alpha,
            worth=plan.worth,
        )
        return replace(self, p_adjusted=p_adjusted, judged=verdict)

    def as_dict(self) -> dict[str, Any]:
        """As plain values; what cannot be told is null."""
        best = self.best
        return {
            "group": self.group,
            **({"segment": self.segment} if self.segment else {}),
            "verdict": str(self.judged.verdict),
            "why": self.judged.why,
            "estimate": told(best.estimate),
            **{name: interval.as_list() for name, interval in self.intervals.items()},
            "standard_error": told(best.error),
            "p_value": told(self.p_value),
            "p_adjusted": told(self.p_adjusted),
            "treated": {"n": best.treated.n, "level": told(best.treated.value)},
            "control": {"n": best.control.n, "level": told(best.control.value)},
            "relative": _quotient(self.relative),
            "cuped": self._cuped(),
            "cost_per_outcome": _quotient(self.cost) if self.cost else None,
            "worth_seeing": told(worth_seeing(best, self.plan.worth)),
            "seen_with_power_80": told(seen(best.error, self.critical)),
            "rows_needed": self.rows_needed,
        }

    def _cuped(self) -> dict[str, Any] | None:
        if not self.best.theta:
            return None
        cut = 1 - (self.best.error / self.plain.error) ** 2 if self.plain.error else 0.0
        return {
            "unadjusted": told(self.plain.estimate),
            "unadjusted_fixed": self.plain.interval(self.plan.alpha).as_list(),
            "theta": list(self.best.theta),
            "variance_cut": told(cut),
        }


def effect(
    groups: Mapping[str, Sums],
    control: str,
    group: str,
    metric: Metric,
    plan: Plan,
    cost: str | None,
    segment: str = "",
    comparisons: int = 1,
) -> Effect:
    """The effect of a group against the control, judged as if it were the only one; at planned looks as one of `comparisons`."""
    treated, held = groups[group], groups[control]
    plain = difference(treated, held, metric)
    best = adjusted(treated, held, metric) if metric.covariates else plain
    intervals = {"fixed": best.interval(plan.alpha), "always_valid": always_valid(best, plan.alpha, plan.tuned_for)}
    critical, chance = _decides(best, plan, comparisons)
    if plan.looks:
        intervals["planned"] = Interval.reaching(best.estimate, critical, best.error)
    made = Effect(
        group, segment, plain, best, intervals, _relative(best, held, metric, plan),
        _cost(treated, held, best, metric, cost, plan) if cost else None,
        chance, chance, critical, too_little(treated, held, metric), Judged(Verdict.MORE, ""), plan,
    )  # fmt: skip
    return made.judged_as(chance)


def _decides(best: Difference, plan: Plan, comparisons: int) -> tuple[float, float]:
    """Standard errors on a side of the interval that decides, and the p-value that goes with it."""
    if plan.reading == "planned":
        return boundaries(plan.looks, plan.alpha / comparisons)[-1], nan
    if plan.reading == "always_valid":
        critical = float(always_critical(max(best.n, 1), plan.alpha, plan.tuned_for))
        return critical, p_value(best, plan.alpha, plan.tuned_for)
    return best.critical(plan.alpha), best.p_value


def _relative(best: Difference, held: Sums, metric: Metric, plan: Plan) -> Quotient:
    """The difference as a share of the control's level."""
    places = [held.names.index(name) for name in metric.covariates[: len(best.theta)]]
    own = without(best.control, places, np.asarray(best.theta))
    # the control's part of the difference has its sign turned, and goes together with the control's level
    shared = -variance(held, own.weights, best.control.weights)
    spread = variance(held, best.control.weights, best.control.weights)
    return fieller(best.estimate, best.control.value, best.error**2, spread, shared, best.critical(plan.alpha))


def _cost(treated: Sums, held: Sums, best: Difference, metric: Metric, cost: str, plan: Plan) -> Quotient:
    """Fieller's quotient of the difference in cost and the difference in outcomes, a row each."""
    spent, spread, shared = covariance_with(treated, held, metric, cost)
    plain = difference(treated, held, metric)
    return fieller(spent, plain.estimate, spread, plain.error**2, shared, best.critical(plan.alpha))


def _quotient(found: Quotient) -> dict[str, Any]:
    return {"value": told(found.value), "fixed": found.interval.as_list(), "bounded": found.bounded}


def told(value: float) -> float | None:
    """A number for JSON; null where it is none."""
    return value if isfinite(value) else None
