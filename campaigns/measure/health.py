"""Reasons not to believe a report, looked for before anything is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.ledger import Ledger
from campaigns.ledger.ledger import instant
from campaigns.measure.trial import TREATED, Trial
from recommender.effect.sample_ratio import SampleRatio
from recommender.sentence import Sentence

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


ONE_GROUP = "there is one group only: with a `holdout` above 0 and below 100% there are two, and an effect to see"
SIZES = "customers / as many as were meant: {parts}; p = {p:.3g}"
NOBODY_TWICE = "nobody was treated once and held out another time"
TWICE = "customers who were treated once and held out another time: {count:,}; they are left out"
ONE_SHARE = "one share held out all along"
OTHER_SHARES = "earlier versions that held out another share: {count}; what they drew is left out"
NEVER_LOOKED = "outcomes were never looked for: does `kairos run` run?"
KNOWN = "outcomes are known up to {at:%Y-%m-%d %H:%M} UTC"
KNOWN_NO_LONGER = "outcomes are known up to {at:%Y-%m-%d %H:%M} UTC; run `kairos run`, later windows count as open"
NONE_YET = "no event {goal} ever reached the goal; no window is closed yet"
NONE_EVER = "no event {goal} ever reached the goal: is it in the facts?"
ARRIVED = "events {goal} that reached the goal: {count:,}, the last on {last:%Y-%m-%d}; moments since then: {since:,}"
OPEN_TO_ALL = "the goal can be reached without a message"
OWN_ANSWERS = (
    "answers to the campaign's own messages among the {count:,} events {goal}: {answers:,}; nobody held out can give one: "
    "take a goal that customers reach by themselves"
)
NOBODY_TREATED = "nobody is treated yet"
MESSAGED = "moments treated: {moments:,}, with a message: {messaged:,}; with none that arrived: {failed:,}"


def checks(
    ledger: Ledger,
    trial: Trial,
    ratio: SampleRatio | None,
    both: int,
    funnel: Sequence[Mapping[str, Any]],
    now: int,
) -> tuple[Check, ...]:
    """All checks; `both`: customers in both groups, `funnel`: what became of the moments of each, `now`: the report's second."""
    return (
        _ratio(ratio),
        _both(both),
        _designs(trial),
        _looked(trial, now),
        _outcomes(ledger, trial),
        _open(unreachable(ledger, trial)),
        _delivered(funnel),
    )


def _ratio(ratio: SampleRatio | None) -> Check:
    if ratio is None:
        return Check("sample_ratio", False, Sentence(ONE_GROUP))
    parts = ", ".join(f"{name} {n:,} / {ratio.expected[name]:,.0f}" for name, n in ratio.counted.items())
    return Check("sample_ratio", ratio.sound, Sentence(SIZES, parts=parts, p=ratio.p_value))


def _both(count: int) -> Check:
    return Check("one_group_each", not count, Sentence(TWICE, count=count) if count else Sentence(NOBODY_TWICE))


def _designs(trial: Trial) -> Check:
    count = len(trial.other_versions)
    return Check("same_design", True, Sentence(OTHER_SHARES, count=count) if count else Sentence(ONE_SHARE))


def _looked(trial: Trial, now: int) -> Check:
    if trial.looked_at is None:
        return Check("outcomes_looked_for", False, Sentence(NEVER_LOOKED))
    fresh = now - trial.looked_at <= 2 * DAY
    return Check(
        "outcomes_looked_for", fresh, Sentence(KNOWN if fresh else KNOWN_NO_LONGER, at=instant(trial.looked_at))
    )


def _outcomes(ledger: Ledger, trial: Trial) -> Check:
    """Did goals stop coming? With the share of moments that reached one until then, all of those since the last would have missed it."""
    count, last, _, closed, since = trial.rows(ledger, "measured_goals")[0]
    if not count:
        return Check("outcomes_arrive", not closed, Sentence(NONE_EVER if closed else NONE_YET, goal=trial.goal))
    share = min(count / max(closed - since, count), 0.99)
    seen = Sentence(ARRIVED, goal=trial.goal, count=count, last=instant(last), since=since)
    return Check("outcomes_arrive", (1 - share) ** since >= UNLIKELY, seen)


def unreachable(ledger: Ledger, trial: Trial) -> str:
    """Why nobody held out could ever reach the goal: it is an answer to the campaign's own messages. "" where they could."""
    count, _, answers, _, _ = trial.rows(ledger, "measured_goals")[0]
    if not answers or not trial.campaign.holdout:
        return ""
    return Sentence(OWN_ANSWERS, goal=trial.goal, count=count, answers=answers)


def _open(fault: str) -> Check:
    return Check("goal_open_to_both", not fault, fault or Sentence(OPEN_TO_ALL))


def _delivered(funnel: Sequence[Mapping[str, Any]]) -> Check:
    treated = next((line for line in funnel if line["group"] == TREATED), None)
    if treated is None:
        return Check("messages_arrive", True, Sentence(NOBODY_TREATED))
    counts = {name: treated[name] for name in ("moments", "messaged", "failed")}
    return Check("messages_arrive", treated["failed"] / treated["moments"] < UNDELIVERED, Sentence(MESSAGED, **counts))
