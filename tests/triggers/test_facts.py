"""The checked copy: what is kept, what is set aside, what is known when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggers import Facts, open_facts
from triggers.sources import RowSource, Sources
from triggers.testing import facts
from triggers.views import VIEWS

NOON = "2026-03-01T12:00"
C1 = {"customer_id": "C1"}
P1 = {"policy_id": "P1", "customer_id": "C1"}


def column(known: Facts, view: str, name: str) -> list[Any]:
    return [row[0] for row in known.db.execute(f"SELECT {name} FROM {view}").fetchall()]


def texts(known: Facts, view: str, name: str) -> list[Any]:
    return column(known, view, f"CAST({name} AS VARCHAR)")


def faults(known: Facts) -> list[tuple[Any, ...]]:
    return known.db.execute(
        "SELECT source, row, reason, column_name, value, kind FROM rejects ORDER BY source, row, column_name"
    ).fetchall()


def test_every_view_is_there_even_without_a_source() -> None:
    with facts(NOON) as known:
        for name, view in VIEWS.items():
            assert column(known, name, "count(*)") == [0]
            assert known.columns[name] == view.types
        assert column(known, "alert_cover", "count(*)") == [0]


def test_columns_a_source_lacks_are_null_and_others_pass_through() -> None:
    with facts(NOON, customers=[{"customer_id": "C1", "vehicle_age": 3, "branch": "007"}]) as known:
        assert known.db.execute("SELECT name, vehicle_age, branch FROM customers").fetchall() == [(None, 3, "007")]
        assert known.schema["customers"]["vehicle_age"] == "BIGINT"
        assert known.schema["customers"]["branch"] == "VARCHAR"


@pytest.mark.parametrize("written", ["2026-05-01", "2026/5/1", "20260501", "2026.5.1", "2026年5月1日", " 2026-05-01 "])
def test_dates_are_read_in_every_unambiguous_spelling(written: str) -> None:
    with facts(NOON, policies=[P1 | {"expiry_date": written}]) as known:
        assert texts(known, "policies", "expiry_date") == ["2026-05-01"]
        assert faults(known) == []


@pytest.mark.parametrize("written", ["01/02/2026", "2026-02-30", "soon", "infinity", "epoch", "44927-01-01", "2026111"])
def test_what_is_no_date_is_nulled_and_listed(written: str) -> None:
    with facts(NOON, policies=[P1 | {"expiry_date": written}]) as known:
        assert column(known, "policies", "expiry_date") == [None]
        assert faults(known) == [("policies", 1, "bad_date", "expiry_date", written, "value")]
        assert known.report["policies"].nulled == 1


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-02-01 10:00", "2026-02-01 10:00:00+08"),
        ("2026-02-01T10:00:00Z", "2026-02-01 18:00:00+08"),
        ("2026-02-01", "2026-02-01 00:00:00+08"),
        ("20260201103000", "2026-02-01 10:30:00+08"),
        (datetime(2026, 2, 1, 2, tzinfo=UTC), "2026-02-01 10:00:00+08"),
    ],
)
def test_a_naive_timestamp_is_local_to_the_insurer(written: object, instant: str) -> None:
    events = [{"event_id": "E1", "customer_id": "C1", "type": "call", "occurred_at": written}]
    with facts(NOON, events=events) as known:
        assert texts(known, "events", "occurred_at") == [instant]
        assert known.columns["events"]["occurred_at"] == "TIMESTAMP WITH TIME ZONE"


def test_cursors_of_the_connection_have_the_zone_of_the_insurer() -> None:
    with facts(NOON, timezone="America/New_York") as known:
        assert known.db.cursor().execute("SELECT current_setting('TimeZone')").fetchall() == [("America/New_York",)]


def test_a_row_without_what_it_needs_is_set_aside() -> None:
    events = [
        {"event_id": "E1", "customer_id": "C1", "type": "call", "occurred_at": "yesterday"},
        {"event_id": "E2", "customer_id": "C1", "type": None, "occurred_at": "2026-02-01"},
        {"event_id": "E3", "customer_id": "C1", "type": "call", "occurred_at": "2026-02-01"},
    ]
    with facts(NOON, events=events) as known:
        assert column(known, "events", "event_id") == ["E3"]
        assert faults(known) == [
            ("events", 1, "bad_time", "occurred_at", "yesterday", "row"),
            ("events", 2, "missing", "type", None, "row"),
        ]
        record = known.db.execute("SELECT record ->> '$.occurred_at' FROM rejects WHERE row = 1").fetchall()
        assert record == [("yesterday",)]


@pytest.mark.parametrize(
    ("view", "row", "reason", "name"),
    [
        ("customers", C1 | {"birth_date": "2026-03-02"}, "impossible_date", "birth_date"),
        ("customers", C1 | {"birth_date": "1899-12-31"}, "impossible_date", "birth_date"),
        ("customers", C1 | {"email": "a@b"}, "email_malformed", "email"),
        ("customers", C1 | {"email": "a b@c.de"}, "email_malformed", "email"),
        ("customers", C1 | {"gender": "x"}, "unknown_value", "gender"),
        ("customers", C1 | {"personalisation": "perhaps"}, "bad_flag", "personalisation"),
        ("policies", P1 | {"premium": "1.200,50"}, "bad_number", "premium"),
        ("policies", P1 | {"premium": "inf"}, "bad_number", "premium"),
        ("policies", P1 | {"status": "sleeping"}, "unknown_value", "status"),
    ],
)
def test_a_value_that_cannot_be_is_nulled_and_its_row_kept(
    view: str, row: dict[str, Any], reason: str, name: str
) -> None:
    with facts(NOON, **{view: [row]}) as known:
        assert column(known, view, name) == [None]
        assert faults(known) == [(view, 1, reason, name, row[name], "value")]


@pytest.mark.parametrize(
    ("view", "row", "name", "value"),
    [
        ("customers", C1 | {"birth_date": "2026-03-01"}, "birth_date", "2026-03-01"),
        ("customers", C1 | {"gender": "女"}, "gender", "female"),
        ("customers", C1 | {"personalisation": "否"}, "personalisation", "false"),
        ("customers", C1 | {"email": "An.Na+x@mail.example.com"}, "email", "An.Na+x@mail.example.com"),
        ("customers", C1 | {"name": "Null"}, "name", "Null"),
        ("policies", P1 | {"premium": "1,200.50"}, "premium", "1200.5"),
        ("policies", P1 | {"premium": "NaN"}, "premium", None),
        ("policies", P1 | {"status": "Active"}, "status", "active"),
    ],
)
def test_a_value_written_otherwise_is_understood(view: str, row: dict[str, Any], name: str, value: str | None) -> None:
    with facts(NOON, **{view: [row]}) as known:
        assert texts(known, view, name) == [value]
        assert faults(known) == []


@pytest.mark.parametrize("written", [["id", "photo"], '["id", "photo"]', "id;photo", "id、 photo", "[id, photo]"])
def test_lists_are_read_in_every_usual_spelling(written: object) -> None:
    claim = {"claim_id": "K1", "policy_id": "P1", "status": "Awaiting Documents", "reported_at": "2026-02-01"}
    with facts(NOON, claims=[claim | {"missing_documents": written}]) as known:
        assert known.db.execute("SELECT status, missing_documents FROM claims").fetchall() == [
            ("awaiting_documents", ["id", "photo"])
        ]


def test_a_policy_that_ends_before_it_begins_loses_both_dates() -> None:
    with facts(NOON, policies=[P1 | {"effective_date": "2026-05-01", "expiry_date": "2025-05-01"}]) as known:
        assert known.db.execute("SELECT policy_id, effective_date, expiry_date FROM policies").fetchall() == [
            ("P1", None, None)
        ]
        assert known.report["policies"].reasons == {"impossible_date": 2}


def test_of_two_records_of_one_key_the_one_recorded_last_stays() -> None:
    customers = [
        {"customer_id": "C1", "name": "new", "recorded_at": "2026-02-02"},
        {"customer_id": "C1", "name": "old", "recorded_at": "2026-02-01"},
    ]
    with facts(NOON, customers=customers) as known:
        assert column(known, "customers", "name") == ["new"]
        assert faults(known) == [("customers", 2, "duplicate_key", "customer_id", "C1", "row")]


def test_of_two_records_of_one_key_without_a_date_the_last_stays() -> None:
    with facts(NOON, customers=[C1 | {"name": "first"}, C1 | {"name": "last"}]) as known:
        assert column(known, "customers", "name") == ["last"]


def test_a_record_of_the_future_does_not_hide_todays() -> None:
    customers = [
        {"customer_id": "C1", "name": "today", "recorded_at": "2026-02-01"},
        {"customer_id": "C1", "name": "tomorrow", "recorded_at": "2026-03-02"},
    ]
    with facts(NOON, customers=customers) as known:
        assert column(known, "customers", "name") == ["today"]
        assert faults(known) == []
        assert known.report["customers"].later == 1


def test_rows_of_nobody_are_set_aside() -> None:
    with facts(NOON, customers=[C1], policies=[P1, {"policy_id": "P2", "customer_id": "C9"}]) as known:
        assert column(known, "policies", "policy_id") == ["P1"]
        assert faults(known) == [("policies", 2, "orphan", "customer_id", "C9", "row")]


def test_rows_of_a_customer_not_known_yet_are_not_known_yet_either() -> None:
    customers = [{"customer_id": "C1", "recorded_at": "2026-03-02"}]
    with facts(NOON, customers=customers, policies=[P1]) as known:
        assert column(known, "policies", "policy_id") == []
        assert faults(known) == []
        assert known.report["policies"].later == 1


def test_references_to_a_view_without_a_source_are_not_checked() -> None:
    with facts(NOON, policies=[P1]) as known:
        assert column(known, "policies", "customer_id") == ["C1"]


def test_a_claim_by_an_unknown_person_is_the_policyholders() -> None:
    claim = {"claim_id": "K1", "policy_id": "P1", "customer_id": "C9", "status": "paid", "reported_at": "2026-02-01"}
    with facts(NOON, customers=[C1], policies=[P1], claims=[claim]) as known:
        assert column(known, "claims", "customer_id") == [None]
        assert faults(known) == [("claims", 1, "orphan", "customer_id", "C9", "value")]


def test_region_codes_are_checked_only_against_given_regions() -> None:
    customers = [C1 | {"region_code": "310115"}, {"customer_id": "C2", "region_code": "999999"}]
    street = {"customer_id": "C3", "region_code": "310115104000"}
    with facts(NOON, customers=[*customers, street]) as known:
        assert column(known, "customers", "region_code") == ["310115", "999999", "310115104000"]
    regions = [{"region_code": "310115", "name": "浦东新区"}]
    with facts(NOON, customers=[*customers, street], regions=regions) as known:
        assert column(known, "customers", "region_code") == ["310115", None, "310115104000"]
        assert faults(known) == [("customers", 2, "region_unknown", "region_code", "999999", "value")]


def test_text_that_lost_characters_is_set_aside() -> None:
    with facts(NOON, customers=[C1, {"customer_id": "C2", "name": "B\ufffdb"}]) as known:
        assert column(known, "customers", "customer_id") == ["C1"]
        assert faults(known) == [("customers", 2, "encoding", "name", "B\ufffdb", "row")]


def test_one_person_under_two_ids_is_noted_and_kept() -> None:
    person = {"name": "Ann", "phone": "13812345678", "birth_date": "1980-01-01"}
    nobody = {"name": "Ann", "birth_date": "1980-01-01"}
    customers = [
        {"customer_id": "C2"} | person,
        C1 | person,
        {"customer_id": "C3"} | nobody,
        {"customer_id": "C4"} | nobody,
    ]
    with facts(NOON, customers=customers) as known:
        assert known.report["customers"].kept == 4
        assert known.report["customers"].suspected_duplicates == 1
        listed = known.db.execute("SELECT value, record, kind FROM rejects").fetchall()
        assert listed == [("C1", "C2", "notice")]


def test_a_claim_says_no_more_than_was_known() -> None:
    claim = {
        "claim_id": "K1", "policy_id": "P1", "status": "paid", "reported_at": "2026-02-01 09:00",
        "updated_at": "2026-03-02", "closed_at": "2026-03-02", "amount": 500, "missing_documents": ["id"],
    }  # fmt: skip
    asked = "status, CAST(updated_at AS VARCHAR), CAST(closed_at AS VARCHAR), amount, missing_documents"
    with facts(NOON, claims=[claim]) as known:
        assert known.db.execute(f"SELECT {asked} FROM claims").fetchall() == [
            ("reported", "2026-02-01 09:00:00+08", None, None, None)
        ]
    with facts("2026-03-03", claims=[claim]) as known:
        assert known.db.execute(f"SELECT {asked} FROM claims").fetchall() == [
            ("paid", "2026-03-02 00:00:00+08", "2026-03-02 00:00:00+08", 500.0, ["id"])
        ]


def test_a_claim_never_updated_was_updated_when_reported() -> None:
    claim = {"claim_id": "K1", "policy_id": "P1", "status": "accepted", "reported_at": "2026-02-01 09:00"}
    with facts(NOON, claims=[claim]) as known:
        assert texts(known, "claims", "updated_at") == ["2026-02-01 09:00:00+08"]
        assert column(known, "claims", "status") == ["accepted"]


def test_a_complaint_settled_later_is_still_open() -> None:
    complaint = {"complaint_id": "X1", "customer_id": "C1", "opened_at": "2026-02-01", "closed_at": "2026-03-02"}
    with facts(NOON, complaints=[complaint]) as known:
        assert column(known, "complaints", "closed_at") == [None]


def test_a_death_in_the_future_is_not_known() -> None:
    with facts(NOON, customers=[C1 | {"deceased_on": "2026-03-02"}]) as known:
        assert column(known, "customers", "deceased_on") == [None]
    with facts(NOON, customers=[C1 | {"deceased_on": "2026-03-01"}]) as known:
        assert texts(known, "customers", "deceased_on") == ["2026-03-01"]


def test_events_of_the_future_have_not_happened() -> None:
    events = [
        {"event_id": name, "customer_id": "C1", "type": "call", "occurred_at": at}
        for name, at in (("E1", "2026-03-01 12:00:00"), ("E2", "2026-03-01 12:00:01"))
    ]
    with facts(NOON, events=events) as known:
        assert column(known, "events", "event_id") == ["E1"]
        assert (known.report["events"].read, known.report["events"].kept, known.report["events"].later) == (2, 1, 1)


def events_of(known: Facts) -> list[tuple[Any, ...]]:
    return known.db.execute(
        "SELECT event_id, customer_id, type, subject_id, CAST(occurred_at AS VARCHAR) FROM events ORDER BY event_id"
    ).fetchall()


def test_a_renewal_follows_from_the_policy_that_renews() -> None:
    policies = [
        P1 | {"effective_date": "2025-02-20", "expiry_date": "2026-02-19"},
        {"policy_id": "P2", "customer_id": "C1", "renews_policy_id": "P1", "effective_date": "2026-02-20"},
        {"policy_id": "P3", "customer_id": "C1", "renews_policy_id": "P2", "effective_date": "2026-04-01"},
    ]
    with facts(NOON, policies=policies) as known:
        assert events_of(known) == [
            ("purchase:P1", "C1", "policy_bought", "P1", "2025-02-20 00:00:00+08"),
            ("renewal:P2", "C1", "policy_renewed", "P1", "2026-02-20 00:00:00+08"),
        ]
        assert known.report["events"].derived == 2


def test_a_cancellation_recorded_later_moves_no_purchase() -> None:
    cancelled = P1 | {"effective_date": "2025-02-20", "status": "cancelled", "recorded_at": "2026-01-10 09:00"}
    with facts(NOON, policies=[cancelled]) as known:
        assert events_of(known) == [("purchase:P1", "C1", "policy_bought", "P1", "2025-02-20 00:00:00+08")]


def test_a_renewal_happened_when_it_was_recorded() -> None:
    policies = [
        P1,
        {"policy_id": "P2", "customer_id": "C1", "renews_policy_id": "P1", "effective_date": "2026-04-01"}
        | {"recorded_at": "2026-02-25 10:00"},
    ]
    with facts(NOON, policies=policies) as known:
        assert ("renewal:P2", "C1", "policy_renewed", "P1", "2026-02-25 10:00:00+08") in events_of(known)


def test_a_policy_marked_renewed_is_renewed_even_without_its_successor() -> None:
    ended, running = "2026-02-01", "2026-06-01"
    policies = [
        P1 | {"status": "renewed", "expiry_date": ended},
        {"policy_id": "P2", "customer_id": "C1", "status": "renewed", "expiry_date": running},
    ]
    with facts(NOON, policies=policies) as known:
        assert events_of(known) == [
            ("renewed:P1", "C1", "policy_renewed", "P1", "2026-02-01 00:00:00+08"),
            ("renewed:P2", "C1", "policy_renewed", "P2", "2026-03-01 12:00:00+08"),
        ]


def test_a_derived_event_the_source_has_already_is_not_doubled() -> None:
    event = {"event_id": "purchase:P1", "customer_id": "C1", "type": "policy_bought", "occurred_at": "2025-01-01"}
    with facts(NOON, policies=[P1 | {"effective_date": "2025-02-20"}], events=[event]) as known:
        assert texts(known, "events", "occurred_at") == ["2025-01-01 00:00:00+08"]
        assert known.report["events"].derived == 0


def test_now_must_say_which_instant_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        open_facts(Sources({}), datetime(2026, 3, 1), timezone="UTC", folder=tmp_path)  # noqa: DTZ001


def test_an_unknown_view_in_a_test_is_refused() -> None:
    with pytest.raises(ValueError, match="no such views: customer"):
        facts(NOON, customer=[C1])


def test_progress_names_each_view_in_turn() -> None:
    seen: list[tuple[str, int, int]] = []
    now = datetime(2026, 3, 1, tzinfo=UTC)
    open_facts(Sources({}), now, timezone="UTC", folder=None, progress=lambda *stage: seen.append(stage)).close()
    assert [name for name, _, _ in seen] == [*VIEWS, "derived"]
    assert {total for _, _, total in seen} == {len(VIEWS)}


CELLS = st.one_of(
    st.none(), st.sampled_from(["", " ", "C1", "C2", "2026-02-01", "2027-01-01", "x\ufffd", "-", "渠道", "1e400"])
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("event_id", "customer_id", "type", "occurred_at", "extra"), CELLS)
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.sets(st.sampled_from(["C1", "C2"])))
def test_every_row_read_is_kept_set_aside_or_not_known_yet(rows: list[dict[str, Any]], ids: set[str]) -> None:
    customers = [{"customer_id": name} for name in sorted(ids)]
    with facts(NOON, customers=customers, events=rows) as known:
        report = known.report["events"]
        assert report.read == len(rows) == report.kept + report.set_aside + report.later
        assert report.kept == column(known, "events", "count(*)")[0]
        assert known.db.execute("SELECT count(*) FROM rejects WHERE kind = 'row'").fetchall() == [(report.set_aside,)]


@settings(max_examples=10, deadline=None)
@given(ROWS)
def test_equal_inputs_give_equal_tables_in_equal_order(rows: list[dict[str, Any]]) -> None:
    sources = Sources({"events": RowSource("events", rows)})
    now = datetime(2026, 3, 1, tzinfo=UTC)
    copies = []
    for _ in range(2):
        with open_facts(sources, now, timezone="Asia/Shanghai", folder=None) as known:
            copies.append([texts(known, name, name) for name in ("events", "rejects")])
    assert copies[0] == copies[1]
