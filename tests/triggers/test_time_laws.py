"""Laws of time: what the queries find is what plain Python reckons, over leap days, month ends, make-up days and both
ends of daylight saving."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from triggers.durations import Duration, WorkingOffset, WorkingSpan
from triggers.facts import Facts
from triggers.kinds.count import CountTrigger
from triggers.kinds.date import DateTrigger
from triggers.kinds.event import EventTrigger
from triggers.kinds.missing import MissingTrigger
from triggers.moments import moments
from triggers.testing import facts
from triggers.trigger import Trigger
from triggers.workdays import Calendar, OwnDay, calendar_of

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
CHINA = calendar_of("CN")
EDGES = [
    *(date(2024, 2, 28) + timedelta(days=number) for number in range(4)),  # 29 February
    *(date(2026, 1, 29) + timedelta(days=number) for number in range(4)),  # the end of a month before a short one
    *(date(2026, 3, 7) + timedelta(days=number) for number in range(3)),  # New York goes forward
    *(date(2026, 3, 28) + timedelta(days=number) for number in range(3)),  # Berlin goes forward
    *(date(2026, 10, 24) + timedelta(days=number) for number in range(3)),  # Berlin goes back
    *(date(2026, 10, 31) + timedelta(days=number) for number in range(3)),  # New York goes back
    *(
        date(2026, 9, 18) + timedelta(days=number) for number in range(24)
    ),  # make-up Sunday, National Day, make-up Saturday
]
DAYS = st.sampled_from(EDGES) | st.dates(date(2023, 6, 1), date(2027, 6, 1))
LENGTHS = st.one_of(
    st.tuples(st.integers(-40, 40), st.sampled_from(["d", "w"])),
    st.tuples(st.integers(-14, 14), st.just("mo")),
    st.tuples(st.integers(-25, 25), st.just("wd")),
)


@pytest.fixture(scope="module", params=ZONES)
def world(request: pytest.FixtureRequest) -> Iterator[tuple[Facts, ZoneInfo]]:
    """Facts in one zone, of China's calendar, whose rows a test may replace."""
    zone = ZoneInfo(request.param)
    begun = [{"event_id": "E", "customer_id": "C1", "type": "call", "occurred_at": "2020-01-01"}]
    policies = [{"policy_id": "P", "customer_id": "C1", "status": "active", "expiry_date": "2020-01-01"}]
    with facts(
        datetime(2030, 1, 1, tzinfo=zone),
        timezone=request.param,
        customers=[{"customer_id": "C1", "birth_date": "2020-01-01"}],
        policies=policies,
        events=begun,
        calendar=CHINA,
    ) as known:
        yield known, zone


def refill(known: Facts, view: str, column: str, values: Sequence[date]) -> None:
    """Put a row for each of these values in place of all others of the view, numbered in order."""
    key, other = ("policy_id", "status") if view == "policies" else ("event_id", "type")
    names = [f"N{number:02}" for number in range(len(values))]
    known.db.register("wanted", pa.table({"name": names, "value": list(values)}))
    known.db.execute(f"DELETE FROM {view}")
    known.db.execute(
        f"INSERT INTO {view} (customer_id, {key}, {other}, {column}) SELECT 'C1', name, 'call', value FROM wanted"
    )
    known.db.unregister("wanted")


def due_times(trigger: Trigger, known: Facts, now: datetime) -> dict[str, datetime]:
    """When each occasion is due, by policy or event id, of those that count at `now`."""
    rows = known.db.sql(trigger.select(known.columns, now).sql("duckdb")).to_arrow_table().to_pylist()
    return {row["policy_id"] or row["event_id"]: row["due_at"].astimezone(UTC) for row in rows}


def ordinary(instant: datetime) -> bool:
    """Whether the clock shows this time once: not twice when clocks go back, nor never when they go forward."""
    other = instant.replace(fold=1 - instant.fold)
    return instant.utcoffset() == other.utcoffset()


@settings(max_examples=25, deadline=None)
@given(days=st.lists(DAYS, min_size=1, max_size=40), length=LENGTHS, hour=st.integers(0, 23))
@example(days=[date(2024, 2, 29), date(2024, 3, 31), date(2023, 12, 31)], length=(2, "mo"), hour=0)
@example(days=[date(2026, 10, 8), date(2026, 10, 10), date(2026, 10, 4)], length=(-1, "wd"), hour=0)
@example(days=[date(2026, 10, 4), date(2026, 10, 10), date(2026, 10, 11)], length=(0, "wd"), hour=12)
def test_a_date_is_due_at_the_local_midnight_of_the_day_so_far_away(
    world: tuple[Facts, ZoneInfo], days: list[date], length: tuple[int, str], hour: int
) -> None:
    known, zone = world
    offset = WorkingOffset(*length)
    fields = {"kind": "date", "of": "policies.expiry_date", "offset": str(offset), "late": "fire", "max_age": "600d"}
    now = datetime.combine(offset.day_after(days[0], CHINA), time(hour), zone)
    wanted = {}
    for number, day in enumerate(days):
        due = datetime.combine(offset.day_after(day, CHINA), time(), zone)
        passed = offset.count < 0 and day < now.date()
        if now - timedelta(days=600) <= due <= now and not passed:
            wanted[f"N{number:02}"] = due.astimezone(UTC)
    refill(known, "policies", "expiry_date", days)
    assert due_times(DateTrigger.model_validate(fields), known, now) == wanted


def reckoned(at: datetime, length: Duration) -> datetime:
    """Hours through, everything else by the clock on the wall: the rules once more."""
    if length.unit == "h":
        return (at.astimezone(UTC) + timedelta(hours=length.count)).astimezone(at.tzinfo)
    return datetime.combine(length.day_after(at.date(), CHINA), at.time(), at.tzinfo)


WAITS = st.builds(WorkingSpan, st.integers(0, 12), st.sampled_from(["d", "w", "mo", "wd"])) | st.builds(
    WorkingSpan, st.integers(0, 100), st.just("h")
)
CLOCKS = st.times(time(0), time(23, 59)).map(lambda clock: clock.replace(microsecond=0))


@settings(max_examples=25, deadline=None)
@given(starts=st.lists(st.tuples(DAYS, CLOCKS), min_size=1, max_size=40), wait=WAITS)
@example(starts=[(date(2026, 10, 24), time(3, 30)), (date(2026, 3, 28), time(3, 30))], wait=WorkingSpan(1, "d"))
@example(starts=[(date(2026, 10, 30), time(16, 30)), (date(2026, 9, 30), time(9))], wait=WorkingSpan(1, "wd"))
def test_an_event_is_due_at_the_same_time_of_day_so_much_later(
    world: tuple[Facts, ZoneInfo], starts: list[tuple[date, time]], wait: WorkingSpan
) -> None:
    known, zone = world
    instants = [at for day, clock in starts if ordinary(at := datetime.combine(day, clock, zone))]
    instants = [at for at in instants if ordinary(reckoned(at, wait))]
    due = {f"N{number:02}": reckoned(at, wait).astimezone(UTC) for number, at in enumerate(instants)}
    common = {"late": "fire", "max_age": "600d"}
    event = {"kind": "event", "type": "call", "after": str(wait)}
    missing = {"kind": "missing", "after": {"event": "call"}, "for": str(wait), "expected": "answer"}
    triggers = (EventTrigger.model_validate(event | common), MissingTrigger.model_validate(missing | common))
    if not instants:
        return
    refill(known, "events", "occurred_at", instants)
    for now in (min(due.values()).astimezone(zone), max(due.values()).astimezone(zone)):
        for early in (timedelta(0), timedelta(microseconds=1)):
            moment = (now.astimezone(UTC) - early).astimezone(zone)
            wanted = {name: at for name, at in due.items() if moment - timedelta(days=600) <= at <= moment}
            assert [due_times(trigger, known, moment) for trigger in triggers] == [wanted, wanted]


@pytest.mark.parametrize(
    ("zone", "at", "due"),
    [
        ("Europe/Berlin", "2026-03-27T02:30", "2026-03-30T02:30+02:00"),  # Friday to Monday, over the lost hour
        ("Europe/Berlin", "2026-10-23T02:30", "2026-10-26T02:30+01:00"),  # over the hour that comes twice
        ("America/New_York", "2026-10-30T01:30", "2026-11-02T01:30-05:00"),
        ("America/New_York", "2026-03-06T23:30", "2026-03-09T23:30-04:00"),
    ],
)
def test_a_working_day_later_the_clock_shows_the_same_also_when_clocks_have_moved(zone: str, at: str, due: str) -> None:
    trigger = EventTrigger.model_validate({"kind": "event", "type": "call", "after": "1wd"})
    wanted = datetime.fromisoformat(due)
    call = {"event_id": "E1", "customer_id": "C1", "type": "call", "occurred_at": at}
    for late, fires in ((0, True), (1, False)):
        now = wanted - timedelta(seconds=late)
        with facts(now, timezone=zone, customers=[{"customer_id": "C1"}], events=[call]) as known:
            rows = [row for batch in moments(trigger, known) for row in batch.to_pylist()]
            assert [row["due_at"].astimezone(UTC) for row in rows] == ([wanted.astimezone(UTC)] if fires else [])


def test_an_hour_that_does_not_exist_is_due_when_the_clocks_have_gone_forward() -> None:
    sunday = Calendar("", {date(2026, 3, 8): OwnDay(True)})
    call = {"event_id": "E1", "customer_id": "C1", "type": "call", "occurred_at": "2026-03-06T02:30"}
    trigger = EventTrigger.model_validate({"kind": "event", "type": "call", "after": "1wd"})
    now = datetime(2026, 3, 8, 12, tzinfo=ZoneInfo("America/New_York"))
    with facts(now, timezone="America/New_York", customers=[{"customer_id": "C1"}], events=[call],
               calendar=sunday) as known:  # fmt: skip
        (row,) = [row for batch in moments(trigger, known) for row in batch.to_pylist()]
        assert row["due_at"].astimezone(UTC) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@settings(max_examples=25, deadline=None)
@given(
    birth=st.sampled_from(
        [date(1984, 2, 29), date(2000, 2, 29), date(1990, 2, 28), date(1990, 3, 1), date(1999, 12, 31)]
    )
    | st.dates(date(1950, 1, 1), date(2020, 1, 1)),
    year=st.integers(2024, 2029),
    length=LENGTHS,
    leap=st.sampled_from(["feb28", "mar1"]),
)
@example(birth=date(1984, 2, 29), year=2027, length=(-3, "d"), leap="mar1")
@example(birth=date(1984, 2, 29), year=2027, length=(-1, "wd"), leap="feb28")
@example(birth=date(1984, 2, 29), year=2028, length=(0, "d"), leap="mar1")
def test_a_birthday_comes_once_a_year_on_the_day_it_is_kept(
    world: tuple[Facts, ZoneInfo], birth: date, year: int, length: tuple[int, str], leap: str
) -> None:
    known, zone = world
    offset = WorkingOffset(*length)
    named = date(year, 2, 28) if _moves(birth, year) else birth.replace(year=year)
    kept = date(year, 3, 1) if _moves(birth, year) and leap == "mar1" else named
    due = datetime.combine(offset.day_after(kept, CHINA), time(), zone)
    trigger = DateTrigger.model_validate({
        "kind": "date", "of": "customers.birth_date", "offset": str(offset), "yearly": True, "leap": leap,
        "late": "skip",
    })  # fmt: skip
    known.db.execute("UPDATE customers SET birth_date = ?", [birth])
    found = _birthdays(trigger, known, due + timedelta(hours=12))
    assert (named.isoformat(), due.astimezone(UTC)) in found
    assert [occasion for occasion, _ in found].count(named.isoformat()) == 1
    for day in (-1, 1):
        now = datetime.combine(due.date() + timedelta(days=day), time(12), zone)
        assert named.isoformat() not in [occasion for occasion, _ in _birthdays(trigger, known, now)]


def _moves(birth: date, year: int) -> bool:
    return (birth.month, birth.day) == (2, 29) and year % 4 != 0


def _birthdays(trigger: Trigger, known: Facts, now: datetime) -> list[tuple[str, datetime]]:
    rows = known.db.sql(trigger.select(known.columns, now).sql("duckdb")).to_arrow_table().to_pylist()
    return [(row["occasion"], row["due_at"].astimezone(UTC)) for row in rows]


def test_the_day_a_leap_day_is_kept_on_changes_the_day_and_not_the_occasion() -> None:
    fields = {"kind": "date", "of": "customers.birth_date", "offset": "0d", "yearly": True}
    customers = [{"customer_id": "C1", "birth_date": "1984-02-29"}]
    seen = []
    for leap, day in (("feb28", "2027-02-28"), ("mar1", "2027-03-01")):
        trigger = DateTrigger.model_validate(fields | {"leap": leap, "late": "skip"})
        with facts(f"{day}T09:00", customers=customers) as known:
            seen += [row["occasion"] for batch in moments(trigger, known) for row in batch.to_pylist()]
        with facts("2027-02-20T09:00", customers=customers) as known:
            words = trigger.nearest(known, "C1")[0].words
            ahead = 8 if leap == "feb28" else 9
            assert words == f"the birthday of customer C1 is in {ahead} days, the campaign looks at the day itself"
    assert seen == ["2027-02-28", "2027-02-28"]


def test_a_leap_day_is_only_kept_on_another_day_where_it_comes_round() -> None:
    with pytest.raises(ValueError, match="`leap` is about days that come round"):
        DateTrigger.model_validate({"kind": "date", "of": "policies.expiry_date", "leap": "mar1"})


@settings(max_examples=25, deadline=None)
@given(
    hours=st.lists(st.integers(-72, 72), min_size=1, max_size=10),
    centre=st.sampled_from(
        [date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2024, 2, 29)]
    ),
    window=st.tuples(st.integers(1, 60), st.just("h")) | st.tuples(st.integers(1, 3), st.just("d")),
)
def test_what_is_counted_within_hours_is_counted_through_and_within_days_by_the_clock(
    world: tuple[Facts, ZoneInfo], hours: list[int], centre: date, window: tuple[int, str]
) -> None:
    known, zone = world
    noon = datetime.combine(centre, time(12, 10), zone).astimezone(UTC)
    instants = [(noon + timedelta(hours=hour)).astimezone(zone) for hour in sorted(set(hours))]
    within = WorkingSpan(*window)
    instants = [at for at in instants if ordinary(at) and ordinary(reckoned_back(at, within))]
    trigger = CountTrigger.model_validate(
        {"kind": "count", "type": "call", "at_least": 2, "within": str(within), "late": "fire", "max_age": "30d"}
    )
    rises, high = set(), False
    for number, at in enumerate(instants):
        since = reckoned_back(at, within).astimezone(UTC)
        now_high = sum(each.astimezone(UTC) > since for each in instants[: number + 1]) >= 2
        if now_high and not high:
            rises.add(at.date().isoformat())
        high = now_high
    if instants:
        refill(known, "events", "occurred_at", instants)
        now = (noon + timedelta(hours=73)).astimezone(zone)
        rows = known.db.sql(trigger.select(known.columns, now).sql("duckdb")).to_arrow_table().to_pylist()
        assert {row["occasion"] for row in rows} == rises


def reckoned_back(at: datetime, within: WorkingSpan) -> datetime:
    if within.unit == "h":
        return (at.astimezone(UTC) - timedelta(hours=within.count)).astimezone(at.tzinfo)
    return datetime.combine(at.date() - timedelta(days=within.count), at.time(), at.tzinfo)


def test_every_way_of_writing_a_time_law_can_be_written_for_spark() -> None:
    fields: list[dict[str, Any]] = [
        {"kind": "date", "of": "policies.expiry_date", "offset": "-5wd"},
        {"kind": "date", "of": "customers.birth_date", "offset": "0wd", "yearly": True, "leap": "mar1"},
        {"kind": "event", "type": "call", "after": "3wd", "unless": "answer"},
        {"kind": "missing", "after": {"event": "call"}, "for": "3wd", "expected": "answer"},
        {"kind": "count", "type": "call", "at_least": 3, "within": "7d", "after": "1wd"},
    ]
    kinds: dict[str, type[Trigger]] = {
        "date": DateTrigger,
        "event": EventTrigger,
        "missing": MissingTrigger,
        "count": CountTrigger,
    }
    now = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
    with facts(now) as known:
        for each in fields:
            written = kinds[each["kind"]].model_validate(each).select(known.columns, now).sql("spark")
            assert isinstance(parse_one(written, read="spark"), exp.Select)
            assert "TIMESTAMPTZ" not in written and "QUALIFY" not in written.upper()
