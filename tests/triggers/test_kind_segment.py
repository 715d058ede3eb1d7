"""Entering a segment and leaving it, a score crossing its line: both by comparison with the last look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers.facts import Facts
from triggers.kinds.score import ScoreTrigger
from triggers.kinds.segment import SegmentTrigger
from triggers.memberships import COLUMNS, remember
from triggers.moments import batches_of, local_now, moments
from triggers.remembering import RememberingTrigger
from triggers.testing import facts

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, tzinfo=ZONE)


def segment(**fields: Any) -> SegmentTrigger:
    return SegmentTrigger.model_validate({"kind": "segment", "max_age": "30d"} | fields)


def score(**fields: Any) -> ScoreTrigger:
    return ScoreTrigger.model_validate({"kind": "score", "of": "policies.lapse_risk", "max_age": "30d"} | fields)


class Memory:
    """What the ledger keeps between two looks, kept in a list."""

    def __init__(self, trigger: RememberingTrigger) -> None:
        self.trigger, self.rows, self.looked = trigger, [], False

    def lay_out(self, opened: Facts) -> None:
        names = list(COLUMNS)
        kinds = (pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.timestamp("us", "UTC"), pa.bool_())
        columns = [pa.array([row[name] for row in self.rows], kind) for name, kind in zip(names, kinds, strict=True)]
        remember(opened.db, pa.table(dict(zip(names, columns, strict=True))))

    def look(self, now: datetime = NOW, **tables: Any) -> list[tuple[str, str]]:
        """Look once: subject (or customer) and occasion of each moment."""
        with facts(now, **tables) as opened:
            self.lay_out(opened)
            query = self.trigger.members(opened.columns, local_now(opened))
            members = {tuple(row.values()) for batch in batches_of(query, opened) for row in batch.to_pylist()}
            for row in self.rows:
                if row["left_at"] is None and (row["customer_id"], row["subject"]) not in members:
                    row["left_at"] = now
            open_ = {(row["customer_id"], row["subject"]) for row in self.rows if row["left_at"] is None}
            self.rows += [
                {"customer_id": who, "subject": what, "entered_at": now, "left_at": None, "initial": not self.looked}
                for who, what in sorted(members - open_)
            ]
            self.looked = True
            self.lay_out(opened)
            rows = [row for batch in moments(self.trigger, opened) for row in batch.to_pylist()]
            return [
                (row["customer_id"] if row["subject"] == "customer" else row["subject"], row["occasion"])
                for row in rows
            ]

    def why(self, customer: str, now: datetime = NOW, **tables: Any) -> str:
        with facts(now, **tables) as opened:
            self.lay_out(opened)
            return self.trigger.nearest(opened, customer)[0].words


def tier(**tiers: str) -> dict[str, Any]:
    return {"customers": [{"customer_id": name, "tier": value} for name, value in tiers.items()]}


GOLD = {"where": "tier = 'gold'"}


def test_whoever_is_in_it_at_the_first_look_is_no_news_unless_asked_for():
    assert Memory(segment(**GOLD)).look(**tier(C1="gold")) == []
    assert Memory(segment(**GOLD, initially="fire")).look(**tier(C1="gold")) == [("C1", "2026-11-23")]


def test_entering_later_is_a_moment_on_the_day_it_was_seen_and_stays_the_same_one():
    memory, tomorrow = Memory(segment(**GOLD)), NOW + timedelta(days=1)
    memory.look(**tier(C1="silver"))
    assert memory.look(tomorrow, **tier(C1="gold")) == [("C1", "2026-11-24")]
    assert memory.look(tomorrow + timedelta(days=1), **tier(C1="gold")) == [("C1", "2026-11-24")]


def test_leaving_withdraws_the_entering_and_is_a_moment_where_that_is_asked():
    entering, leaving = Memory(segment(**GOLD)), Memory(segment(**GOLD, on="leave"))
    for memory in (entering, leaving):
        memory.look(**tier(C1="gold"))
    assert entering.look(NOW + timedelta(days=2), **tier(C1="silver")) == []
    assert leaving.look(NOW + timedelta(days=2), **tier(C1="silver")) == [("C1", "left 2026-11-25")]
    assert leaving.look(NOW + timedelta(days=3), **tier(C1="gold")) == []


def test_a_segment_may_ask_for_a_line_and_for_the_absence_of_events():
    trigger = segment(holds=["health"], without="checkup_done", initially="fire")
    people = {"customers": [{"customer_id": name} for name in ("C1", "C2", "C3", "C4")]}
    policies = [
        {"policy_id": f"P{n}", "customer_id": f"C{n}", "line": line, "status": status}
        for n, line, status in [
            (1, "health", "active"),
            (2, "health", "active"),
            (3, "motor", "active"),
            (4, "health", "lapsed"),
        ]
    ]
    events = [
        {"event_id": "E1", "customer_id": "C2", "type": "checkup_done", "occurred_at": NOW - timedelta(days=200)},
        {"event_id": "E2", "customer_id": "C1", "type": "checkup_done", "occurred_at": NOW - timedelta(days=400)},
    ]
    assert Memory(trigger).look(**people, policies=policies, events=events) == [("C1", "2026-11-23")]


def test_policies_have_segments_of_their_own():
    policies = [{"policy_id": f"P{n}", "customer_id": "C1", "premium": n * 1000} for n in (1, 2)]
    memory = Memory(segment(of="policies", where="premium > 1500", initially="fire"))
    assert memory.look(customers=[{"customer_id": "C1"}], policies=policies) == [("policy:P2", "2026-11-23")]


def test_a_segment_without_a_condition_is_refused():
    with pytest.raises(ValueError, match="is everybody"):
        segment()


def test_why_tells_what_keeps_a_customer_out():
    memory = Memory(segment(**GOLD))
    memory.look(**tier(C1="silver", C2="gold"))
    assert memory.why("C1", **tier(C1="silver", C2="gold")).startswith(
        "customer C1: wanted tier = 'gold', seen tier = silver"
    )
    assert "came about after the campaign first looked" in memory.why("C2", **tier(C1="silver", C2="gold"))


WALK = st.lists(st.sampled_from(["gold", "silver"]), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None)
@given(WALK)
def test_every_entering_is_one_occasion(walk):
    memory, seen = Memory(segment(**GOLD, initially="fire", late="fire")), set()
    for day, value in enumerate(walk):
        seen |= set(memory.look(NOW + timedelta(days=day), **tier(C1=value)))
    enterings = [day for day, value in enumerate(walk) if value == "gold" and (day == 0 or walk[day - 1] != "gold")]
    assert seen == {("C1", (NOW + timedelta(days=day)).date().isoformat()) for day in enterings}


def risk(value: float | None) -> dict[str, Any]:
    policy = {"policy_id": "P1", "customer_id": "C1", "status": "active", "lapse_risk": value}
    return {
        "customers": [{"customer_id": "C1"}],
        "policies": [policy, {**policy, "policy_id": "P0", "lapse_risk": 0.1}],
    }


def crossings(trigger: ScoreTrigger, values: list[float | None]) -> list[str]:
    """Days on which a moment was first seen, looking once a day."""
    memory, seen = Memory(trigger), []
    for day, value in enumerate(values):
        seen += [
            occasion
            for subject, occasion in memory.look(NOW + timedelta(days=day), **risk(value))
            if subject == "policy:P1" and occasion not in seen
        ]
    return seen


def test_a_score_that_crosses_the_line_is_a_moment_and_one_that_stays_is_none():
    assert crossings(score(above=0.8), [0.5, 0.7, 0.9, 0.95, 0.9]) == ["2026-11-25"]


def test_a_score_that_trembles_on_the_line_is_one_occasion_with_rearm_and_many_without():
    trembling = [0.5, 0.81, 0.79, 0.82, 0.55, 0.9]
    assert crossings(score(above=0.8), trembling) == ["2026-11-24", "2026-11-26", "2026-11-28"]
    assert crossings(score(above=0.8, rearm=0.6), trembling) == ["2026-11-24", "2026-11-28"]


def test_a_score_may_fall_under_a_line_and_an_unknown_one_is_nowhere():
    assert crossings(score(below=0.2), [0.5, None, 0.1]) == ["2026-11-25"]
    assert crossings(score(above=0.8), [None, 0.9]) == ["2026-11-24"]


def test_why_tells_the_score_and_the_line():
    memory = Memory(score(above=0.8))
    memory.look(**risk(0.62))
    assert memory.why("C1", **risk(0.62)).startswith("policy P0: wanted policies.lapse_risk above 0.8, seen 0.1")
    assert "never" not in memory.why("C1", **risk(0.62))


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "crosses one line"), ({"above": 1, "below": 2}, "crosses one line"), ({"above": 0.5, "rearm": 0.6}, "beyond the line"), ({"below": 0.5, "rearm": 0.4}, "beyond the line")],
)  # fmt: skip
def test_a_score_that_makes_no_sense_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        score(**fields)


@pytest.mark.parametrize(
    ("of", "said", "hint"),
    [("policies.status", "is VARCHAR, not a number", "numbers there"), ("policies.lapse_rsk", "no column 'lapse_rsk'", "did you mean policies.lapse_risk?")],
)  # fmt: skip
def test_a_column_that_holds_no_score_is_a_fault_with_a_way_out(of, said, hint):
    with facts(NOW, **risk(0.5)) as opened:
        (fault,) = score(of=of, above=0.8).faults(opened.columns, NOW)
    assert said in fault.message
    assert hint in (fault.hint or "")
