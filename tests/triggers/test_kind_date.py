from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from triggers.condition_faults import ConditionError
from triggers.durations import Offset, Span
from triggers.facts import Facts
from triggers.kinds.date import DateTrigger
from triggers.moments import moments
from triggers.testing import facts
from triggers.trigger import FieldError

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 9, tzinfo=ZONE)


def renewal(**fields: Any) -> DateTrigger:
    return DateTrigger.model_validate({"kind": "date", "of": "policies.expiry_date", "offset": "-60d", **fields})


def found(trigger: DateTrigger, known: Facts) -> list[dict[str, Any]]:
    return [row for batch in moments(trigger, known) for row in batch.to_pylist()]


def keys(trigger: DateTrigger, known: Facts) -> list[tuple[str, str, str]]:
    return [(row["customer_id"], row["subject"], row["occasion"]) for row in found(trigger, known)]


def policy(number: int, expiry: str | date | None, **columns: Any) -> dict[str, Any]:
    return {
        "policy_id": f"P{number}", "customer_id": "C1", "product_id": "M", "line": "motor", "status": "active",
        "effective_date": "2020-01-01", "expiry_date": str(expiry) if expiry else None, **columns,
    }  # fmt: skip


CUSTOMERS = [{"customer_id": "C1", "tier": "gold"}, {"customer_id": "C2", "birth_date": "1984-02-29"}]


@pytest.fixture(scope="module")
def decade() -> Iterator[Facts]:
    """One policy for every fifth day of some years."""
    days = [date(2025, 1, 1) + timedelta(days=5 * number) for number in range(220)]
    known = facts(NOW, customers=CUSTOMERS, policies=[policy(number, day) for number, day in enumerate(days)])
    yield known
    known.close()


def test_a_policy_sixty_days_from_its_expiry_is_a_moment() -> None:
    with facts(NOW, customers=CUSTOMERS, policies=[policy(1, "2026-04-30"), policy(2, "2026-05-01")]) as known:
        assert found(renewal(), known) == [
            {
                "customer_id": "C1",
                "subject": "policy:P1",
                "occasion": "2026-04-30",
                "due_at": datetime(2026, 3, 1, tzinfo=ZONE),
                "policy_id": "P1",
                "claim_id": None,
                "event_id": None,
                "alert_id": None,
            }
        ]


def test_three_policies_are_three_renewals() -> None:
    with facts(NOW, customers=CUSTOMERS, policies=[policy(number, "2026-04-28") for number in (3, 1, 2)]) as known:
        assert [row["subject"] for row in found(renewal(late="nearest"), known)] == [
            "policy:P1",
            "policy:P2",
            "policy:P3",
        ]


@pytest.mark.parametrize(
    ("late", "max_age", "expected"),
    [
        ("fire", "7d", ["2026-04-24", "2026-04-30"]),
        ("fire", "9h", ["2026-04-30"]),
        ("fire", "8h", []),
        ("nearest", "21d", ["2026-04-10", "2026-04-24", "2026-04-30"]),
        ("skip", "20d", ["2026-04-30"]),
    ],
)
def test_the_backlog_follows_the_declared_rule(late: str, max_age: str, expected: list[str]) -> None:
    days = ["2026-04-10", "2026-04-24", "2026-04-30", "2026-05-01"]
    with facts(NOW, customers=CUSTOMERS, policies=[policy(number, day) for number, day in enumerate(days)]) as known:
        assert [key[2] for key in keys(renewal(late=late, max_age=max_age), known)] == expected


def test_a_reminder_never_fires_after_the_date_however_old_it_may_be() -> None:
    with facts(NOW, customers=CUSTOMERS, policies=[policy(1, "2026-02-28"), policy(2, "2026-03-01")]) as known:
        assert keys(renewal(max_age="90d"), known) == [("C1", "policy:P2", "2026-03-01")]


def test_a_month_before_the_end_of_a_long_month_is_the_end_of_the_short_one() -> None:
    rows = [policy(1, "2026-03-31"), policy(2, "2026-03-28"), policy(3, "2026-03-27")]
    with facts(datetime(2026, 2, 28, 9, tzinfo=ZONE), customers=CUSTOMERS, policies=rows) as known:
        trigger = renewal(offset="-1mo", max_age="9h")
        assert keys(trigger, known) == [("C1", "policy:P1", "2026-03-31"), ("C1", "policy:P2", "2026-03-28")]


@pytest.mark.parametrize(
    ("today", "occasion"), [("2026-02-28", "2026-02-28"), ("2028-02-29", "2028-02-29"), ("2028-02-28", None)]
)
def test_29_february_is_kept_on_28_february_in_common_years(today: str, occasion: str | None) -> None:
    birthday = renewal(of="customers.birth_date", offset="0d", yearly=True, max_age="1d")
    with facts(f"{today}T09:00", customers=CUSTOMERS) as known:
        assert keys(birthday, known) == ([("C2", "customer", occasion)] if occasion else [])


def test_the_first_day_itself_is_no_anniversary() -> None:
    rows = [policy(1, None, effective_date="2026-03-01"), policy(2, None, effective_date="2025-03-01")]
    with facts(NOW, customers=CUSTOMERS, policies=rows) as known:
        trigger = renewal(of="policies.effective_date", offset="0d", yearly=True)
        assert keys(trigger, known) == [("C1", "policy:P2", "2026-03-01")]


def test_a_yearly_reminder_looks_across_the_turn_of_the_year() -> None:
    with facts("2026-12-20T09:00", customers=[{"customer_id": "C3", "birth_date": "1990-01-03"}]) as known:
        trigger = renewal(of="customers.birth_date", offset="-14d", yearly=True)
        assert keys(trigger, known) == [("C3", "customer", "2027-01-03")]


def test_an_instant_belongs_to_the_insurers_local_day() -> None:
    claims = [
        {"claim_id": "L1", "policy_id": "P1", "status": "accepted", "reported_at": "2026-02-27T23:30+08:00"},
        {"claim_id": "L2", "policy_id": "P1", "status": "accepted", "reported_at": "2026-02-28T00:30+08:00"},
    ]
    trigger = renewal(of="claims.reported_at", offset="2d")
    with facts(NOW, customers=CUSTOMERS, policies=[policy(1, "2027-01-01")], claims=claims) as known:
        (row,) = found(trigger, known)
        assert (row["customer_id"], row["subject"], row["policy_id"], row["claim_id"]) == ("C1", "claim:L1", "P1", "L1")
        assert (row["occasion"], row["due_at"]) == ("2026-02-27", datetime(2026, 3, 1, tzinfo=ZONE))


def test_hours_are_counted_from_an_instant_and_refused_for_a_day() -> None:
    claims = [{"claim_id": "L1", "policy_id": "P1", "status": "accepted", "reported_at": "2026-03-01T06:30+08:00"}]
    with facts(NOW, customers=CUSTOMERS, policies=[policy(1, "2027-01-01")], claims=claims) as known:
        assert found(renewal(of="claims.reported_at", offset="3h"), known) == []
        (row,) = found(renewal(of="claims.reported_at", offset="2h"), known)
        assert row["due_at"] == datetime(2026, 3, 1, 8, 30, tzinfo=ZONE)
        with pytest.raises(FieldError, match="'-24h' in hours"):
            found(renewal(offset="-24h"), known)


def test_where_looks_at_the_policy_and_its_customer() -> None:
    rows = [
        policy(1, "2026-04-30"),
        policy(2, "2026-04-30", customer_id="C2"),
        policy(3, "2026-04-30", status="lapsed"),
    ]
    with facts(NOW, customers=CUSTOMERS, policies=rows) as known:
        trigger = renewal(where="status = 'active' and customers.tier = 'gold'")
        assert keys(trigger, known) == [("C1", "policy:P1", "2026-04-30")]


def test_extra_columns_may_be_the_date_and_names_are_quoted() -> None:
    rows = [{**policy(1, None), "grace ends; drop table policies": "2026-03-01"}]
    with facts(NOW, customers=CUSTOMERS, policies=rows) as known:
        name = next(name for name in known.columns["policies"] if name.startswith("grace"))
        types = {view: dict(columns) for view, columns in known.columns.items()}
        types["policies"][name] = "DATE"
        query = renewal(of=f"policies.{name}", offset="0d").select(types, NOW).sql("duckdb")
        assert f'"policies"."{name}"' in query
        assert known.db.sql("SELECT count(*) FROM policies").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("fields", "field", "message", "hint"),
    [
        ({"of": "policies.expiry"}, "of", "policies has no column 'expiry'", "did you mean policies.expiry_date?"),
        (
            {"of": "policies.line"},
            "of",
            "policies.line is VARCHAR, not a date",
            "dates there: effective_date, expiry_date",
        ),
        (
            {"offset": "24h"},
            "offset",
            "policies.expiry_date is reckoned in days, '24h' in hours",
            "write days, as in 2d",
        ),
        ({"where": "lin = 'x'"}, "where", "there is no column 'lin'", "did you mean line?"),
    ],
)
def test_faults_name_the_field(decade: Facts, fields: dict[str, str], field: str, message: str, hint: str) -> None:
    (fault,) = renewal(**fields).faults(decade.columns, NOW)
    assert (fault.field, fault.message, fault.hint) == (field, message, hint)
    with pytest.raises((FieldError, ConditionError)):
        found(renewal(**fields), decade)


def test_other_views_have_no_dates_to_offer() -> None:
    with pytest.raises(ValidationError, match="of"):
        renewal(of="events.occurred_at")


def test_nearest_counts_the_days_too_early_and_too_late() -> None:
    rows = [policy(1, "2026-05-01"), policy(2, "2026-03-20", customer_id="C2")]
    with facts(NOW, customers=CUSTOMERS, policies=rows) as known:
        early, *_ = renewal().nearest(known, "C1")
        assert (early.path, early.passed) == ("trigger", False)
        assert early.words == "policy P1 expires in 61 days, the campaign looks at 60"
        late, *_ = renewal().nearest(known, "C2")
        assert late.words == "policy P2 is overdue by 41 days, the campaign takes up to 7 days"


def test_nearest_names_the_part_of_where_that_failed() -> None:
    rows = [policy(1, "2026-04-30", status="cancelled")]
    with facts(NOW, customers=CUSTOMERS, policies=rows) as known:
        clauses = renewal(where="line = 'motor' and status = 'active'").nearest(known, "C1")
        wheres = [(clause.passed, clause.wanted, clause.seen) for clause in clauses if clause.path == "trigger.where"]
        assert wheres == [
            (True, "line = 'motor'", "line = motor"),
            (False, "status = 'active'", "status = cancelled"),
        ]
        assert clauses[0].words == "policy P1: wanted status = 'active', seen status = cancelled"


def test_nearest_answers_for_customers_unknown_or_without_policies() -> None:
    with facts(NOW, customers=CUSTOMERS, policies=[policy(1, "2026-04-30")]) as known:
        assert renewal().nearest(known, "C9")[0].words == "customer C9 is not among the customers"
        assert renewal().nearest(known, "' or 1=1 --")[0].words == "customer ' or 1=1 -- is not among the customers"
        assert renewal().nearest(known, "C2")[0].words == "customer C2 has no policy with policies.expiry_date"
        verdict, *clauses = renewal().nearest(known, "C1")
        assert verdict.passed and all(clause.passed for clause in clauses)
        assert verdict.words == "policy P1 is a moment (2026-04-30), due since 2026-03-01 00:00"


def test_nearest_names_the_closest_policy_first_and_at_most_three() -> None:
    rows = [policy(number, date(2026, 5, 1) + timedelta(days=number)) for number in (9, 3, 5, 1, 7)]
    with facts(NOW, customers=CUSTOMERS, policies=rows) as known:
        clauses = renewal().nearest(known, "C1")
        ahead = [clause.words.split(",")[0] for clause in clauses if clause.path == "trigger.offset"]
        assert ahead == ["policy P1 expires in 62 days", "policy P3 expires in 64 days", "policy P5 expires in 66 days"]


def test_nearest_speaks_of_birthdays() -> None:
    with facts(NOW, customers=CUSTOMERS) as known:
        trigger = renewal(of="customers.birth_date", offset="-3d", yearly=True)
        words = trigger.nearest(known, "C2")[0].words
        assert words == "the birthday of customer C2 is in 364 days, the campaign looks at 3"


EDITS = st.fixed_dictionaries(
    {
        "offset": st.sampled_from(["-90d", "-60d", "-1mo", "-3w", "0d", "10d", "2mo"]),
        "late": st.sampled_from(["fire", "skip", "nearest"]),
        "max_age": st.sampled_from(["1d", "20d", "300d", "2mo"]),
        "where": st.sampled_from([None, "line = 'motor'", "status = 'active' or tier = 'gold'"]),
        "yearly": st.booleans(),
    }
)


@settings(max_examples=40, deadline=None)
@given(EDITS, st.dates(date(2025, 6, 1), date(2027, 6, 1)))
def test_editing_a_trigger_never_changes_the_identity_of_an_occasion(
    decade: Facts, edit: dict[str, Any], today: date
) -> None:
    now = datetime.combine(today, time(12), ZONE)
    plain = {number: date(2025, 1, 1) + timedelta(days=5 * number) for number in range(220)}
    rows = decade.db.sql(renewal(**edit).select(decade.columns, now).sql("duckdb")).to_arrow_table().to_pylist()
    for row in rows:
        expiry = plain[int(row["policy_id"][1:])]
        assert row["subject"] == f"policy:{row['policy_id']}"
        occasion = date.fromisoformat(row["occasion"])
        assert (occasion.month, occasion.day) == (expiry.month, expiry.day)
        assert occasion.year > expiry.year if edit["yearly"] else occasion == expiry


def expected(days: dict[int, date], trigger: DateTrigger, now: datetime) -> set[tuple[str, str]]:
    """The rules once more, in plain Python."""
    result = set()
    for number, base in days.items():
        years = range(base.year + 1, now.year + 6) if trigger.yearly else [None]
        due = []
        for year in years:
            leap = base.month == 2 and base.day == 29 and year is not None and year % 4 != 0
            on = base if year is None else base.replace(year=year, day=28 if leap else base.day)
            due_at = datetime.combine(trigger.offset.day_after(on), time(), ZONE)
            passed = trigger.offset.count < 0 and on < now.date()
            on_day = trigger.late != "skip" or due_at.date() == now.date()
            if trigger.max_age.before(now) <= due_at <= now and not passed and on_day:
                due.append(on)
        chosen = due[-1:] if trigger.late == "nearest" else due
        result |= {(f"policy:P{number}", on.isoformat()) for on in chosen}
    return result


@settings(max_examples=60, deadline=None)
@given(
    offset=st.builds(Offset, st.integers(-40, 40), st.sampled_from(["d", "w", "mo"])),
    max_age=st.builds(Span, st.integers(0, 30), st.sampled_from(["h", "d", "mo"])),
    late=st.sampled_from(["fire", "skip", "nearest"]),
    yearly=st.booleans(),
    minutes=st.integers(0, 4 * 365 * 24 * 60),
)
def test_the_query_finds_what_the_rules_say(
    decade: Facts, offset: Offset, max_age: Span, late: str, yearly: bool, minutes: int
) -> None:
    now = datetime(2025, 1, 1, tzinfo=ZONE) + timedelta(minutes=minutes)
    trigger = renewal(offset=offset, max_age=max_age, late=late, yearly=yearly)
    days = {number: date(2025, 1, 1) + timedelta(days=5 * number) for number in range(220)}
    rows = decade.db.sql(trigger.select(decade.columns, now).sql("duckdb")).to_arrow_table().to_pylist()
    assert len(rows) == len({(row["subject"], row["occasion"]) for row in rows})
    assert {(row["subject"], row["occasion"]) for row in rows} == expected(days, trigger, now)
