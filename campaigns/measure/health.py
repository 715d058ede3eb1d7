"""Reasons not to believe a report, looked for before anything is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant
from campaigns.measure.trial import BOTH, TREATED, Trial
from recommender.effect.sample_ratio import SampleRatio

DAY = 86_400
UNLIKELY = 0.001
UNDELIVERED = 0.1
"""Share of treated moments whose message failed at which it is said."""


@dataclass(frozen=True)
class Check:
    """One of them: whether all is well, and what was seen."""

    name: str
    sound: bool
    seen: str

    def as_dict(self) -> dict[str, object]:
        """As plain values."""
        return {"check": self.name, "sound": self.sound, "seen": self.seen}


def checks(
    ledger: Ledger,
    trial: Trial,
    ratio: SampleRatio | None,
    sizes: Mapping[str, int],
    funnel: Sequence[Mapping[str, Any]],
    now: int,
) -> tuple[Check, ...]:
    """All checks; `sizes`: customers by group as measured, `funnel`: what became of the moments of each, `now`: the report's second."""
    return (
        _ratio(ratio),
        _both(sizes),
        _designs(trial),
        _looked(trial, now),
        _outcomes(ledger, trial),
        _delivered(funnel),
    )


def _ratio(ratio: SampleRatio | None) -> Check:
    if ratio is None:
        return Check(
            "sample_ratio", False, "there is one group only: set `holdout` in the campaign file to see an effect"
        )
    parts = ", ".join(f"{name} {n:,} of {ratio.expected[name]:,.0f} expected" for name, n in ratio.counted.items())
    return Check("sample_ratio", ratio.sound, f"{parts}; p = {ratio.p_value:.3g}")


def _both(sizes: Mapping[str, int]) -> Check:
    count = sizes.get(BOTH, 0)
    return Check(
        "one_group_each",
        not count,
        f"{count:,} customers were treated once and held out another time" + ("; they are left out" if count else ""),
    )


def _designs(trial: Trial) -> Check:
    count = len(trial.other_versions)
    said = (
        f"{count} earlier versions held out another share; what they drew is left out"
        if count
        else "one share held out all along"
    )
    return Check("same_design", True, said)


def _looked(trial: Trial, now: int) -> Check:
    if trial.looked_at is None:
        return Check("outcomes_looked_for", False, "outcomes were never looked for: does `kairos run` run?")
    fresh = now - trial.looked_at <= 2 * DAY
    way_out = "" if fresh else "; run `kairos run`, later windows count as open"
    return Check(
        "outcomes_looked_for", fresh, f"outcomes are known up to {instant(trial.looked_at):%Y-%m-%d %H:%M} UTC{way_out}"
    )


def _outcomes(ledger: Ledger, trial: Trial) -> Check:
    """Did goals stop coming? With the share of moments that reached one until then, all of those since the last would have missed it."""
    count, last, closed, since = trial.rows(ledger, "measured_goals")[0]
    if not count:
        early = "" if closed else "; no window is closed yet"
        return Check(
            "outcomes_arrive", not closed, f"no event {trial.goal} ever reached the goal{early}: is it in the facts?"
        )
    share = min(count / max(closed - since, count), 0.99)
    seen = f"{count:,} events {trial.goal} reached the goal; none of {since:,} moments after the last one, {instant(last):%Y-%m-%d}"
    return Check("outcomes_arrive", (1 - share) ** since >= UNLIKELY, seen)


def _delivered(funnel: Sequence[Mapping[str, Any]]) -> Check:
    treated = next((line for line in funnel if line["group"] == TREATED), None)
    if treated is None:
        return Check("messages_arrive", True, "nobody is treated yet")
    share = treated["failed"] / treated["moments"]
    seen = f"{treated['messaged']:,} of {treated['moments']:,} treated moments got a message; those of {treated['failed']:,} all failed"
    return Check("messages_arrive", share < UNDELIVERED, seen)
