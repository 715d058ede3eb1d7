"""All comparisons of a trial: each group with the control, over everybody and by segment, checked and judged together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.effect.effect import Effect, effect, told
from recommender.effect.groups import Columns, Groups
from recommender.effect.metric import Metric, level
from recommender.effect.multiple import benjamini_hochberg, holm, same_everywhere
from recommender.effect.plan import Plan
from recommender.effect.sample_ratio import SampleRatio, sample_ratio
from recommender.effect.sums import Sums
from recommender.effect.verdict import OTHER_SIZES

NEARLY_EVEN = 0.2
"""Groups that differ from equal size by no more than this were meant to be equal, where nobody says what was meant."""


@dataclass(frozen=True)
class Estimate:
    """What a trial says. `ratio` is None where nobody says what shares were meant and the groups are far from equal."""

    groups: dict[str, Sums]
    control: str
    metric: Metric
    ratio: SampleRatio | None
    assumed: bool
    effects: tuple[Effect, ...]
    segments: tuple[Effect, ...]
    alike: dict[str, float]
    """Group to the probability of segments at least as far apart if the effect were the same in all."""

    def as_dict(self) -> dict[str, Any]:
        """As plain values, health first."""
        return {
            "sample_ratio": self._ratio(),
            "metric": {
                "outcome": self.metric.outcome,
                "per": self.metric.per,
                "covariates": list(self.metric.covariates),
            },
            "control": self.control,
            "groups": [self._group(name, sums) for name, sums in self.groups.items()],
            "effects": [each.as_dict() for each in self.effects],
            "segments": [each.as_dict() for each in self.segments],
            "same_in_all_segments": {name: told(p) for name, p in self.alike.items()},
        }

    def _group(self, name: str, sums: Sums) -> dict[str, Any]:
        total = sums.total(self.metric.outcome)
        return {"group": name, "n": sums.n, "total": total, "level": told(level(sums, self.metric).value)}

    def _ratio(self) -> dict[str, Any] | None:
        if self.ratio is None:
            return None
        return {
            "sound": self.ratio.sound,
            "p_value": told(self.ratio.p_value),
            "assumed_equal": self.assumed,
            "counted": self.ratio.counted,
            "expected": self.ratio.expected,
        }


def estimate(
    groups: Groups,
    columns: Columns,
    control: str,
    plan: Plan,
    shares: Mapping[str, float] | None = None,
    fault: str = "",
) -> Estimate:
    """Compare every group with the control.

    Groups are judged by p-values after Holm, segments after Benjamini-Hochberg. `shares`: group to the share meant.
    `fault`: why the groups cannot be compared, whatever their sizes.
    Raises ValueError for shares of other groups than there are.
    """
    whole = groups.by_group()
    metric = Metric(columns.outcome, columns.per, columns.covariates)
    ratio = _ratio(whole, shares)
    fault = fault or ("" if ratio is None or ratio.sound else OTHER_SIZES)
    others = [name for name in whole if name != control]
    every = [effect(whole, control, name, metric, plan, columns.cost, comparisons=len(others)) for name in others]
    parts = _parts(groups, columns, control, metric, plan)
    return Estimate(
        whole,
        control,
        metric,
        ratio,
        shares is None,
        _judged(every, holm([each.p_value for each in every]), fault),
        _judged(parts, benjamini_hochberg([each.p_value for each in parts]), fault),
        _alike(parts),
    )


def _judged(found: list[Effect], adjusted: list[float], fault: str) -> tuple[Effect, ...]:
    return tuple(each.judged_as(p, fault) for each, p in zip(found, adjusted, strict=True))


def _ratio(whole: Mapping[str, Sums], shares: Mapping[str, float] | None) -> SampleRatio | None:
    counted = {name: sums.n for name, sums in whole.items()}
    if shares is not None:
        return sample_ratio(counted, shares)
    even = sum(counted.values()) / len(counted)
    if any(abs(n - even) > NEARLY_EVEN * even for n in counted.values()):
        return None
    return sample_ratio(counted, dict.fromkeys(counted, 1.0))


def _parts(groups: Groups, columns: Columns, control: str, metric: Metric, plan: Plan) -> list[Effect]:
    if columns.segment is None:
        return []
    empty = Sums.empty(columns.numbers)
    found = []
    names = list(groups.by_group())
    segments = {name: own for name, own in groups.by_segment().items() if name}  # nobody yet: no segment
    others = [name for name in names if name != control]
    for segment, own in segments.items():
        whole, many = {name: own.get(name, empty) for name in names}, len(segments) * len(others)
        found += [effect(whole, control, name, metric, plan, columns.cost, segment, many) for name in others]
    return found


def _alike(parts: list[Effect]) -> dict[str, float]:
    names = dict.fromkeys(each.group for each in parts)
    return {
        name: same_everywhere(
            [each.best.estimate for each in parts if each.group == name and not each.scarce],
            [each.best.error for each in parts if each.group == name and not each.scarce],
        )
        for name in names
    }
