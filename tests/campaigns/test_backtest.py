"""Days run on a simulated ledger: the same decisions as runs on each of those days, counted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from campaigns.backtest import Period, report, run_days
from campaigns.ledger import Ledger
from campaigns.scene import Scene
from campaigns.simulation import SimulatedLedger
from campaigns.turn import take_turn
from triggers.history import History
from triggers.sampling import keep_sample
from triggers.testing import facts as facts_of

TWO = [
    {"send": {"template": "note", "channels": ["sms"]}},
    {"wait": "3d", "unless": "goal"},
    {"send": {"template": "note", "channels": ["ai_outbound"], "id": "call"}},
]
DECIDED = (
    "select m.campaign, m.customer_id, m.subject, m.occasion, m.status, m.step, d.step, d.verdict, d.gate, d.reason, d.trace, g.message_id, "
    "g.parts, g.not_before from moments m left join decisions d using (moment_id) left join messages g on g.moment_id = d.moment_id "
    "and g.step = d.step order by 1, 2, 3, 4, 7"
)


@pytest.fixture
def busy(insurer, campaign, now):
    """Terms that end one a day, claims paid, two campaigns with a goal, a cap and a holdout."""
    paid = {"kind": "event", "of": "claims", "status": "paid", "max_age": "5d"}
    insurer.campaigns = [
        campaign(steps=TWO, goal={"event": "policy_renewed", "within": "75d"}, holdout="20%"),
        campaign(name="paid", trigger=paid, purpose="care"),
    ]
    insurer.policy = insurer.policy.model_copy(update={"caps": (insurer.policy.caps[0].model_copy(update={"max": 1}),)})
    for number in range(12):
        day = now - timedelta(days=10 - number)
        insurer.customer(f"C{number:02}").expiring(
            f"P{number:02}", f"C{number:02}", on=(day + timedelta(days=60)).date().isoformat()
        )
        insurer.add(
            "claims",
            claim_id=f"L{number}",
            policy_id=f"P{number:02}",
            status="paid",
            reported_at="2026-10-01T10:00",
            updated_at=day - timedelta(hours=3),
        )
    insurer.expiring("Q02", "C02", on="2028-01-13", effective_date="2026-11-16", renews_policy_id="P02")
    return insurer


@pytest.fixture
def simulated(busy, now, tmp_path):
    """The ledger after a backtest from ten days ago to now, with its period."""
    period = Period(date(2026, 11, 13), date(2026, 11, 23), now)
    with facts_of(now, versions=True, **busy.tables) as facts, SimulatedLedger(tmp_path) as ledger:
        run_days(
            Scene(facts, busy.rules(), busy.words()), History(facts).at, busy.campaigns, ledger, period, lambda *_: None
        )
        yield ledger, period


def test_a_backtest_decides_what_runs_on_those_days_decide(busy, now, simulated, tmp_path):
    ledger, period = simulated
    with Ledger(tmp_path / "real.db") as real:
        for day in period.instants():
            with real.store.transaction():
                real.store.run("simulate_delivery", {"now": int(day.timestamp())})
            with facts_of(day, **busy.tables) as facts:
                take_turn(Scene(facts, busy.rules(), busy.words()), busy.campaigns, real)
        assert ledger.store.query(DECIDED) == real.store.query(DECIDED)
    assert len(ledger.store.query(DECIDED)) > 20


def test_the_report_counts_what_the_ledger_holds(busy, simulated):
    ledger, period = simulated
    made = report(ledger, busy.campaigns, period, {"sms": 0.5, "ai_outbound": 2}, "Asia/Shanghai")
    messages = ledger.store.query("select count(*) from messages where state not in ('retracted', 'expired')")[0][0]
    assert made["totals"]["messages"] == messages == sum(made["per_day"].values()) == sum(made["per_hour"])
    assert made["totals"]["conserved"]
    by_channel = {
        name: sum(line["channels"].get(name, 0) for line in made["campaigns"]) for name in ("sms", "ai_outbound")
    }
    assert made["totals"]["cost"] == by_channel["sms"] * 0.5 + by_channel["ai_outbound"] * 2
    assert by_channel["ai_outbound"] > 0
    assert made["collisions"][0]["campaigns"] == ["paid", "reminder"]
    assert (
        sum(each["moments"] for each in made["caps"])
        == ledger.store.query("select count(*) from decisions where gate = 'cap'")[0][0]
        > 0
    )


def test_a_price_that_is_missing_makes_no_cost(busy, simulated):
    ledger, period = simulated
    assert report(ledger, busy.campaigns, period, {"sms": 0.5}, "Asia/Shanghai")["totals"]["cost"] is None


def test_a_campaign_that_would_send_nothing_says_why(busy, simulated, campaign):
    ledger, period = simulated
    other = campaign(name="never", trigger={"kind": "event", "type": "call"})
    made = report(ledger, [other], period, {}, "Asia/Shanghai")
    assert made["campaigns"][0]["silent"] == "the trigger found no moment in the period"


def test_nothing_of_a_simulation_is_left(busy, now, tmp_path):
    with SimulatedLedger(tmp_path):
        assert [
            path.name.startswith("simulation-")
            for path in tmp_path.iterdir()
            if path.is_dir() and path.name != "templates"
        ] == [True]
    assert not list(tmp_path.glob("simulation-*"))


def test_a_sample_decides_its_customers_as_the_whole_does(busy, now, tmp_path):
    period, decided = Period(date(2026, 11, 13), date(2026, 11, 23), now), []
    for share in (1.0, 0.5):
        with facts_of(now, versions=True, **busy.tables) as facts:
            drawn = keep_sample(facts, share, "salt")
            with SimulatedLedger(tmp_path, among=drawn) as ledger:
                run_days(
                    Scene(facts, busy.rules(), busy.words()),
                    History(facts).at,
                    busy.campaigns,
                    ledger,
                    period,
                    lambda *_: None,
                )
                decided.append((drawn["customer_id"].to_pylist(), ledger.store.query(DECIDED)))
    (everybody, whole), (some, part) = decided
    assert set(some) < set(everybody)
    assert part == [row for row in whole if row[1] in some]
    assert {row[1] for row in part} == set(some)
