"""What was known on an earlier day, from one opening: the same as opening the facts on that day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers.facts import Facts
from triggers.history import History
from triggers.testing import facts
from triggers.views import VIEWS

ZONE = ZoneInfo("Asia/Shanghai")
END = datetime(2026, 11, 23, 10, tzinfo=ZONE)
TABLES = (*VIEWS, "alert_cover")


def day(offset: int, hour: int = 8) -> datetime:
    return END.replace(hour=hour) + timedelta(days=offset)


def contents(opened: Facts) -> dict[str, list[str]]:
    """Every table, in no particular order of rows, instants on one clock."""
    found = {}
    for name in TABLES:
        columns = opened.columns.get(name)
        picked = ", ".join(f'"{column}"' for column in columns) if columns else "*"
        found[name] = sorted(map(repr, opened.db.sql(f"SELECT {picked} FROM {name}").to_arrow_table().to_pylist()))
    return found


def agree(tables: dict[str, list[dict[str, Any]]], now: datetime) -> None:
    with facts(END, versions=True, **tables) as whole, facts(now, **tables) as then, History(whole).at(now) as seen:
        found, wanted = contents(seen), contents(then)
    for name in TABLES:
        assert found[name] == wanted[name], name


def test_a_term_is_renewed_once_both_terms_are_known():
    terms = {"customer_id": "C1", "status": "active"}
    policies = [
        terms | {"policy_id": "P0", "effective_date": day(-40).date(), "recorded_at": day(0)},
        terms | {"policy_id": "P1", "effective_date": day(-1).date(), "renews_policy_id": "P0", "recorded_at": None},
    ]
    for offset in (-2, -1, 0):
        agree({"customers": [{"customer_id": "C1"}], "policies": policies}, day(offset, 10))


def test_a_claim_is_in_the_state_it_was_in():
    tables = {
        "customers": [{"customer_id": "C1"}],
        "policies": [{"policy_id": "P1", "customer_id": "C1"}],
        "claims": [
            {
                "claim_id": "L1",
                "policy_id": "P1",
                "status": "paid",
                "reported_at": day(-9),
                "updated_at": day(-2),
                "amount": 9,
            }
        ],
    }
    for offset in (-10, -9, -5, -2, 0):
        agree(tables, day(offset, 10))


def test_of_a_record_that_changed_the_version_of_the_day_holds():
    versions = [
        {"policy_id": "P1", "customer_id": "C1", "status": status, "premium": premium, "recorded_at": day(offset)}
        for offset, status, premium in [(-20, "active", 100), (-10, "active", 120), (-1, "cancelled", 120)]
    ]
    tables = {"customers": [{"customer_id": "C1"}], "policies": versions[::-1]}
    for offset in (-21, -20, -12, -10, -3, -1):
        agree(tables, day(offset, 10))


def test_an_alerts_update_moves_the_region_on_its_day():
    tables = {
        "customers": [{"customer_id": "C1", "region_code": "440300"}, {"customer_id": "C2", "region_code": "350200"}],
        "alerts": [
            {
                "alert_id": "A1",
                "event": "typhoon",
                "effective_at": day(-5),
                "region_codes": codes,
                "recorded_at": day(offset),
            }
            for offset, codes in [(-5, ["440000"]), (-3, ["350000"])]
        ],
    }
    for offset in (-6, -5, -4, -3, 0):
        agree(tables, day(offset, 10))


def test_nothing_is_known_of_the_future():
    with facts(END, versions=True) as whole:
        history = History(whole)
        with pytest.raises(ValueError, match="nothing is known yet"), history.at(END + timedelta(days=1)):
            pass


DAYS = st.integers(-30, 0)


def insurers() -> st.SearchStrategy[dict[str, list[dict[str, Any]]]]:
    """A few customers with terms, versions of them, claims, events recorded late, complaints, consents, alerts."""
    customer = st.sampled_from(["C1", "C2", "C3"])
    policies = st.lists(
        st.builds(
            lambda number, who, status, begins, recorded, renews: {
                "policy_id": f"P{number}", "customer_id": who, "status": status, "effective_date": day(begins).date(),
                "expiry_date": day(begins + 20).date(), "recorded_at": day(recorded) if recorded is not None else None,
                "renews_policy_id": f"P{renews}" if renews is not None else None,
            },
            st.integers(0, 4), customer, st.sampled_from(["active", "renewed", "cancelled"]), DAYS, st.none() | DAYS, st.none() | st.integers(0, 4),
        ),
        max_size=7,
    )  # fmt: skip
    claims = st.lists(
        st.builds(
            lambda number, policy, status, reported, later: {
                "claim_id": f"L{number}", "policy_id": f"P{policy}", "status": status, "reported_at": day(reported),
                "updated_at": day(min(reported + later, 0)), "closed_at": day(min(reported + later, 0)) if status == "paid" else None,
            },
            st.integers(0, 3), st.integers(0, 4), st.sampled_from(["paid", "denied", "in_review"]), DAYS, st.integers(0, 9),
        ),
        max_size=4, unique_by=lambda row: row["claim_id"],
    )  # fmt: skip
    events = st.lists(
        st.builds(
            lambda number, who, at, late: {
                "event_id": f"E{number}", "customer_id": who, "type": "call", "occurred_at": day(at), "recorded_at": day(at + late),
            },
            st.integers(0, 9), customer, DAYS, st.integers(0, 5),
        ),
        max_size=6, unique_by=lambda row: row["event_id"],
    )  # fmt: skip
    complaints = st.lists(
        st.builds(
            lambda number, who, at, long: {
                "complaint_id": f"K{number}", "customer_id": who, "opened_at": day(at), "closed_at": day(at + long, 9) if long else None,
            },
            st.integers(0, 3), customer, DAYS, st.integers(0, 9),
        ),
        max_size=3, unique_by=lambda row: row["complaint_id"],
    )  # fmt: skip
    consents = st.lists(
        st.builds(
            lambda who, at: {"customer_id": who, "purpose": "*", "channel": "*", "granted": False, "at": day(at)},
            customer,
            DAYS,
        ),
        max_size=2,
    )
    people = st.just(
        [
            {"customer_id": name, "region_code": "440300", "deceased_on": day(-3).date() if name == "C3" else None}
            for name in ("C1", "C2", "C3")
        ]
    )
    return st.fixed_dictionaries(
        {
            "customers": people,
            "policies": policies,
            "claims": claims,
            "events": events,
            "complaints": complaints,
            "consents": consents,
        }
    )


@settings(max_examples=12, deadline=None)
@given(insurers(), st.integers(-32, 0))
def test_as_of_any_day_the_facts_are_those_one_would_have_opened(tables, offset):
    agree({name: rows for name, rows in tables.items() if rows}, day(offset, 10))
