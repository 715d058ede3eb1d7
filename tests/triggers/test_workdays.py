"""Working days: weekends, holidays, make-up days, what the insurer's own file says, and lengths counted in them."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from triggers.calendarfile import read_calendar
from triggers.durations import Offset, Span, WorkingOffset, WorkingSpan
from triggers.errors import SourceError
from triggers.facts import Facts
from triggers.kinds import AnyTrigger
from triggers.kinds.date import DateTrigger
from triggers.kinds.event import EventTrigger
from triggers.kinds.missing import MissingTrigger
from triggers.lateness import Reach
from triggers.moments import moments
from triggers.testing import facts
from triggers.trigger import Trigger
from triggers.workdays import FIRST, LAST, SLACK, Calendar, OwnDay, calendar_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINA = calendar_of("CN")
SEPTEMBER, OCTOBER = date(2026, 9, 30), date(2026, 10, 1)


def october(day: int) -> date:
    return date(2026, 10, day)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (SEPTEMBER, 1, october(8)),  # over National Day
        (SEPTEMBER, 3, october(10)),  # the Saturday worked for it counts
        (october(9), 1, october(10)),
        (october(9), 2, october(12)),
        (october(12), -1, october(10)),
        (october(8), -1, SEPTEMBER),
        (october(4), -1, SEPTEMBER),
        (october(4), 0, october(8)),
        (october(10), 0, october(10)),
        (october(11), 0, october(12)),
        (date(2026, 9, 18), 1, date(2026, 9, 20)),  # a make-up Sunday
        (date(2026, 9, 20), -1, date(2026, 9, 18)),
    ],
)
def test_working_days_pass_over_holidays_and_count_the_days_worked_for_them(
    day: date, count: int, expected: date
) -> None:
    assert CHINA.shift(day, count) == expected


def test_without_a_country_people_work_monday_to_friday() -> None:
    plain = calendar_of("")
    assert plain.shift(SEPTEMBER, 1) == OCTOBER
    assert [plain.works(date(2026, 11, day)) for day in range(23, 30)] == [True] * 5 + [False] * 2
    assert not plain.holiday(OCTOBER)


def test_a_country_without_known_holidays_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match=r"no public holidays are known of 'ZZ' \| write an ISO 3166 code, e.g. CN"):
        calendar_of("ZZ")


def test_the_insurers_own_days_win_and_a_named_free_day_is_a_holiday() -> None:
    own = {
        date(2027, 2, 20): OwnDay(True, "Spring Festival make-up day"),
        date(2027, 3, 1): OwnDay(False, "Founder's day"),
        date(2027, 3, 2): OwnDay(False),
        date(2027, 10, 1): OwnDay(True),
        date(2027, 6, 15): OwnDay(False),
    }
    calendar = Calendar("CN", own)
    assert calendar.works(date(2027, 2, 20)) and not CHINA.works(date(2027, 2, 20))
    assert calendar.holiday(date(2027, 3, 1)) and calendar.holiday(date(2027, 3, 2))
    assert not calendar.works(date(2027, 6, 15)) and not calendar.holiday(date(2027, 6, 15))
    assert calendar.works(date(2027, 10, 1)) and not calendar.holiday(date(2027, 10, 1))
    assert calendar.shift(date(2027, 2, 26), 1) == date(2027, 3, 3)


@pytest.mark.real_data
def test_the_numbered_days_agree_with_the_notices_of_the_state_council(real_data: Callable[[str], Path]) -> None:
    with facts("2026-03-01", calendar=CHINA) as known:
        works = dict(known.db.sql("SELECT day, works FROM workdays").fetchall())
    for year in range(2007, 2027):
        document = json.loads((real_data("china-holidays") / f"{year}.json").read_text(encoding="utf-8"))
        said = {date.fromisoformat(day["date"]): not day["isOffDay"] for day in document["days"]}
        assert {day: works[day] for day in said} == said


@pytest.mark.real_data
def test_the_notices_themselves_may_be_the_calendar(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    document = json.loads((real_data("china-holidays") / "2026.json").read_text(encoding="utf-8"))
    lines = [f"{day['date']},{str(not day['isOffDay']).lower()},{day['name']}" for day in document["days"]]
    path = tmp_path / "calendar.csv"
    path.write_text("\n".join(["day,works,name", *lines]), encoding="utf-8")
    own, day = Calendar("", read_calendar(path)), date(2025, 12, 20)
    while day < date(2026, 12, 20):
        assert (own.works(day), own.shift(day, 5)) == (CHINA.works(day), CHINA.shift(day, 5)), day
        day += timedelta(days=1)
    assert [own.holiday(october(day)) for day in (1, 8, 10)] == [True, False, False]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "calendar.csv"
    path.write_bytes(text.encode())
    return path


def test_a_calendar_file_may_come_from_a_spreadsheet(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffname,day,works\r\nMake-up day,2027-02-20,TRUE\r\n,,\r\n,2027-03-01,False\r\n")
    assert read_calendar(path) == {
        date(2027, 2, 20): OwnDay(True, "Make-up day"),
        date(2027, 3, 1): OwnDay(False),
    }


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("", 1, "the first line does not name the columns", "write day,works,name"),
        ("2027-02-20,true\n", 1, "the calendar has a column '2027-02-20'", "its columns are day, works and name"),
        ("day,works\n2027/2/20,true\n", 2, "'2027/2/20' is no day", "write it as 2027-02-20"),
        ("day,works\n\n2027-02-29,true\n", 3, "'2027-02-29' is no day", "write it as 2027-02-20"),
        ("day,works\n2027-02-20,yes\n", 2, "'yes' does not say whether people work on 2027-02-20", "write true or false"),
        ("day,works\n2027-02-20\n", 2, "'' does not say whether people work on 2027-02-20", "write true or false"),
        ("day,works\n1066-10-14,false\n", 2, "1066-10-14 is on no calendar", "days are counted from 1970-01-01 to 2099-12-31"),
        (
            "day,works\n2027-02-20,true\n2027-02-20,false\n",
            3,
            "2027-02-20 stands here a second time",
            "keep one line a day",
        ),
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_named_with_a_way_out(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read_calendar(written(tmp_path, text))
    fault = caught.value
    assert (fault.line, fault.message, fault.hint, fault.others) == (line, message, hint, ())
    assert str(fault).startswith(f"{tmp_path / 'calendar.csv'}:{line}:1: ")


def test_every_fault_of_a_calendar_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read_calendar(written(tmp_path, "day,works\nx,true\n2027-01-01,false\n2027-01-02,perhaps\n"))
    assert [fault.line for fault in (caught.value, *caught.value.others)] == [2, 4]


def test_a_calendar_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_calendar(tmp_path / "none.csv")
    (tmp_path / "calendar.csv").write_bytes(b"day,works\n\xff")
    with pytest.raises(SourceError, match="is not UTF-8"):
        read_calendar(tmp_path / "calendar.csv")


def test_a_calendar_without_working_days_is_refused() -> None:
    closed = {date(2027, 5, 3) + timedelta(days=number): OwnDay(False) for number in range(60)}
    with pytest.raises(ValueError, match="hardly any working days before 2027-07-0"):
        Calendar("", closed)
    assert Calendar("", dict(list(closed.items())[:14])).shift(date(2027, 5, 2), 1) == date(2027, 5, 17)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.builds(OwnDay, st.booleans()), max_size=40))
def test_the_table_says_what_the_calendar_says(own: dict[date, OwnDay]) -> None:
    calendar = Calendar("CN", own)
    with duckdb.connect() as db:
        calendar.lay_out(db)
        rows = db.sql("SELECT day, works, number FROM workdays ORDER BY day").fetchall()
    assert (rows[0][0], rows[-1][0], len(rows)) == (FIRST, LAST, (LAST - FIRST).days + 1)
    start, counted = (date(2025, 12, 31) - FIRST).days, 0
    for day, works, number in rows[start + 1 : start + 366]:
        counted += calendar.works(day)
        assert (works, number - rows[start][2]) == (calendar.works(day), counted)


@pytest.mark.parametrize("country", ["SA", "IL", "US", "DE", "JP"])
def test_the_table_follows_a_country_also_where_it_has_moved_its_weekend(country: str) -> None:
    calendar = calendar_of(country)
    with duckdb.connect() as db:
        calendar.lay_out(db)
        rows = db.sql("SELECT day, works FROM workdays WHERE year(day) BETWEEN 2012 AND 2027").fetchall()
    assert [day for day, works in rows if works != calendar.works(day)] == []


OFFSETS = st.builds(WorkingOffset, st.integers(-300, 300), st.just("wd"))


@given(st.dates(date(2007, 1, 1), date(2027, 1, 1)), OFFSETS)
def test_a_working_day_away_is_reached_over_exactly_so_many_working_days(day: date, offset: WorkingOffset) -> None:
    reached, count = offset.day_after(day, CHINA), offset.count
    assert CHINA.works(reached)
    step = timedelta(days=1 if reached > day else -1)
    passed = [day + number * step for number in range(1, abs((reached - day).days) + 1)]
    worked = sum(CHINA.works(each) for each in passed)
    assert worked == (abs(count) if count else len(passed[-1:]))
    assert abs((reached - day).days) <= 2 * abs(count) + SLACK


@given(st.datetimes(datetime(2007, 1, 1), datetime(2027, 1, 1)), OFFSETS)  # noqa: DTZ001 - hypothesis wants naive bounds
def test_the_reach_holds_every_day_from_which_it_is_due(naive: datetime, offset: WorkingOffset) -> None:
    base = naive.replace(tzinfo=SHANGHAI)
    due = offset.after(base, CHINA)
    low, high = Reach(due, due).before(offset)
    assert low.date() <= base.date() <= high.date()
    assert low <= base <= high


def test_working_days_keep_the_time_of_day() -> None:
    friday = datetime(2026, 10, 9, 16, 30, tzinfo=SHANGHAI)
    assert WorkingSpan.parse("1wd").after(friday, CHINA) == datetime(2026, 10, 10, 16, 30, tzinfo=SHANGHAI)
    assert WorkingSpan.parse("3wd").before(friday, CHINA) == datetime(2026, 9, 29, 16, 30, tzinfo=SHANGHAI)
    twice = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    works = Calendar("", {twice.date(): OwnDay(True)})
    assert WorkingSpan.parse("0wd").after(twice, works).utcoffset() == twice.utcoffset() == timedelta(hours=1)


def test_working_days_without_a_calendar_are_an_error_that_says_so() -> None:
    length = WorkingSpan.parse("3wd")
    for attempt in (
        lambda: length.after(datetime(2026, 1, 1, tzinfo=SHANGHAI)),
        lambda: length.day_after(date(2026, 1, 1)),
        lambda: length.interval,
    ):
        with pytest.raises(ValueError, match="'3wd' counts working days, and there is no calendar here"):
            attempt()
    with pytest.raises(ValueError, match="'3wd' has no fixed length"):
        _ = length.timedelta


def test_working_days_are_read_written_and_spoken() -> None:
    assert WorkingOffset.parse("-5wd") == WorkingOffset(-5, "wd")
    assert str(WorkingOffset.parse("-5wd")) == "-5wd"
    assert (WorkingSpan.parse("1wd").words, WorkingSpan.parse("5wd").words) == ("1 working day", "5 working days")
    assert TypeAdapter(WorkingSpan).json_schema()["pattern"] == "^[0-9]{1,6}(h|d|w|mo|wd)$"
    with pytest.raises(ValueError, match="write 24h, 14d, 2w, 1mo or 3wd"):
        WorkingSpan.parse("-3wd")
    with pytest.raises(ValueError, match="longer than a hundred years"):
        WorkingSpan.parse("25001wd")


@pytest.mark.parametrize("length", [Offset, Span])
def test_other_lengths_refuse_working_days_and_say_what_to_write(length: type[Offset] | type[Span]) -> None:
    with pytest.raises(ValueError, match="'3wd' counts working days, which is not possible here; write days"):
        length.parse("3wd")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "dormancy", "for": "3wd"},
        {"kind": "region", "offset": "3wd"},
        {"kind": "event", "type": "call", "max_age": "3wd"},
    ],
)
def test_kinds_refuse_working_days_where_they_cannot_count_them(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="'3wd' counts working days, which is not possible here"):
        TypeAdapter(AnyTrigger).validate_python(fields)


def found(trigger: Trigger, known: Facts) -> list[tuple[str, datetime]]:
    rows = [row for batch in moments(trigger, known) for row in batch.to_pylist()]
    return [(row["occasion"], row["due_at"].astimezone(SHANGHAI)) for row in rows]


POLICY = {"policy_id": "P1", "customer_id": "C1", "product_id": "M", "line": "motor", "status": "active"}


def test_five_working_days_before_a_policy_ends_is_before_the_holiday() -> None:
    trigger = DateTrigger.model_validate(
        {"kind": "date", "of": "policies.expiry_date", "offset": "-5wd", "late": "skip"}
    )
    with facts(
        "2026-09-29T09:00",
        customers=[{"customer_id": "C1"}],
        policies=[POLICY | {"expiry_date": "2026-10-11"}, POLICY | {"policy_id": "P2", "expiry_date": "2026-10-10"}],
        calendar=CHINA,
    ) as known:
        # before the 11th: 10, 9, 8 October, 30, 29 September
        assert found(trigger, known) == [("2026-10-11", datetime(2026, 9, 29, tzinfo=SHANGHAI))]
        words = trigger.nearest(known, "C1")[0].words
        assert words == "policy P1 is a moment (2026-10-11), due since 2026-09-29 00:00"
    with facts("2026-09-29T09:00", customers=[{"customer_id": "C1"}],
               policies=[POLICY | {"expiry_date": "2026-10-13"}], calendar=CHINA) as known:  # fmt: skip
        words = trigger.nearest(known, "C1")[0].words
        assert words == "policy P1 expires in 14 days, the campaign looks at 5 working days before"


def test_a_claim_settled_on_friday_is_asked_about_on_the_make_up_saturday() -> None:
    trigger = EventTrigger.model_validate({"kind": "event", "of": "claims", "status": "paid", "after": "1wd"})
    claim = {"claim_id": "L1", "policy_id": "P1", "status": "paid", "reported_at": "2026-09-01T08:00"}
    claims = [claim | {"updated_at": "2026-10-09T16:30"}]
    tables: dict[str, Any] = {"customers": [{"customer_id": "C1"}], "policies": [POLICY], "claims": claims}
    with facts("2026-10-10T16:30", calendar=CHINA, **tables) as known:
        assert found(trigger, known) == [("paid@2026-10-09", datetime(2026, 10, 10, 16, 30, tzinfo=SHANGHAI))]
    with facts("2026-10-10T16:30", **tables) as known:
        assert found(trigger, known) == []


def test_an_answer_within_the_working_days_makes_an_event_void() -> None:
    trigger = EventTrigger.model_validate(
        {"kind": "event", "type": "payment_failed", "after": "2wd", "unless": "payment_received"}
    )
    failed = {"event_id": "E1", "customer_id": "C1", "type": "payment_failed", "occurred_at": "2026-09-30T10:00"}
    paid = {"event_id": "E2", "customer_id": "C1", "type": "payment_received", "occurred_at": "2026-10-09T10:00"}
    for answer, expected in ((paid, []), (paid | {"occurred_at": "2026-10-09T10:01"}, ["E1"])):
        with facts(
            "2026-10-10T09:00", customers=[{"customer_id": "C1"}], events=[failed, answer], calendar=CHINA
        ) as known:
            assert [occasion for occasion, _ in found(trigger, known)] == expected


def test_documents_are_asked_for_after_three_working_days_over_the_holiday() -> None:
    trigger = MissingTrigger.model_validate(
        {"kind": "missing", "after": {"claim_status": "awaiting_documents"}, "for": "3wd"}
    )
    claim = {"claim_id": "L1", "policy_id": "P1", "status": "awaiting_documents", "reported_at": "2026-09-30T09:00"}
    tables: dict[str, Any] = {"customers": [{"customer_id": "C1"}], "policies": [POLICY], "claims": [claim]}
    with facts("2026-10-10T08:59", calendar=CHINA, **tables) as known:
        assert found(trigger, known) == []
        words = trigger.nearest(known, "C1")[0].words
        assert words == "claim L1, now awaiting_documents has waited 10 days, the campaign waits for 3 working days"
    with facts("2026-10-10T09:00", calendar=CHINA, **tables) as known:
        assert len(found(trigger, known)) == 1


def test_a_day_beyond_the_calendar_is_never_due() -> None:
    trigger = DateTrigger.model_validate({"kind": "date", "of": "policies.expiry_date", "offset": "-5wd"})
    forever = [POLICY | {"expiry_date": "9999-12-31"}]
    with facts("2026-03-01", customers=[{"customer_id": "C1"}], policies=forever) as known:
        assert found(trigger, known) == []
        assert trigger.nearest(known, "C1")[0].words.startswith("policy P1 is never due")
