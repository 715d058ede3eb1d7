from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from triggers.conditions import ConditionError, bind, conjuncts, parse_condition, views_named
from triggers.proof import check_condition
from triggers.views import VIEWS

NOW = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
SCOPES: Mapping[str, Mapping[str, str]] = {
    "policies": {**VIEWS["policies"].types, "seats": "INTEGER", "Odd Name": "VARCHAR"},
    "customers": VIEWS["customers"].types,
    "events": VIEWS["events"].types,
    "claims": VIEWS["claims"].types,
}


def sql(text: str) -> str:
    return bind(check_condition(text, SCOPES, "policies", NOW), NOW).sql("duckdb")


def fault(text: str) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        check_condition(text, SCOPES, "policies", NOW)
    return caught.value


def test_a_name_means_the_default_views_column_else_that_of_the_only_other_view_with_one() -> None:
    assert sql("line = 'motor'") == '"policies"."line" = \'motor\''
    assert sql("tier = 'gold'") == '"customers"."tier" = \'gold\''
    assert sql("customer_id = 'C1'") == '"policies"."customer_id" = \'C1\''
    assert sql("CUSTOMERS.Tier = 'gold'") == '"customers"."tier" = \'gold\''
    assert sql("\"odd name\" = 'x'") == '"policies"."Odd Name" = \'x\''


def test_a_name_that_several_other_views_have_must_say_whose() -> None:
    scopes = {"policies": {"line": "VARCHAR"}, "events": {"at": "DATE"}, "claims": {"at": "DATE"}}
    with pytest.raises(ConditionError, match="several views have a column 'at'") as caught:
        parse_condition("at = today", scopes, "policies")
    assert caught.value.hint == "write events.at or claims.at"


def test_today_and_now_are_the_insurers() -> None:
    assert sql("expiry_date >= today") == '"policies"."expiry_date" >= CAST(\'2026-03-01\' AS DATE)'
    assert sql("occurred_at < now").endswith("CAST('2026-03-01 01:00:00.000000+00:00' AS TIMESTAMPTZ)")


def test_an_unbound_condition_cannot_run_by_accident() -> None:
    condition = parse_condition("expiry_date >= today", SCOPES, "policies")
    assert condition.find(exp.Placeholder) is not None


@pytest.mark.parametrize(
    "text",
    [
        "line in ('motor', 'home') and status = 'active'",
        "premium between 100 and 2000.5",
        "lower(trim(insured_object)) like '%粤b%' or insured_object ilike 'a%'",
        "coalesce(customers.tier, 'none') <> 'gold'",
        "expiry_date between today and today + interval 30 day",
        "date_diff('day', effective_date, today) > 300 and extract(month from expiry_date) = 5",
        "date_add(expiry_date, interval 1 month) > '2026-04-01'",
        "list_contains(missing_documents, 'id card')",
        "json_extract_string(properties, '$.amount') = '5' or properties->>'$.a.b' is null",
        "case when line = 'motor' then premium > 100 else false end",
        "cast(seats as varchar) = '5' and round(abs(premium), 2) >= 5",
        "starts_with(insured_region_code, '44') and length(insured_object) > 3",
        "not personalisation or personalisation is null or personalisation is true",
        "year(birth_date) < 1970 and customers.birth_date is not null",
        "occurred_at > now - interval 2 hour",
        "status is not distinct from 'active'",
        "expiry_date = today -- the last day",
    ],
)
def test_plain_conditions_pass(text: str) -> None:
    assert sql(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1=1; drop table policies", "a condition is one expression, without ';'"),
        ("line = 'x';", "a condition is one expression, without ';'"),
        ("select 1", "a query inside the condition cannot be used in a condition"),
        ("exists (select 1 from customers)", "a query inside the condition cannot be used in a condition"),
        ("line in (select line from policies)", "a query inside the condition cannot be used in a condition"),
        ("line = (select max(line) from policies)", "a query inside the condition cannot be used in a condition"),
        ("line = any(select 'x')", "a query inside the condition cannot be used in a condition"),
        ("read_csv('/etc/passwd') is null", "the function read_csv() cannot be used in a condition"),
        ("read_text('/etc/passwd') = ''", "the function read_text() cannot be used in a condition"),
        ("getenv('HOME') = ''", "the function getenv() cannot be used in a condition"),
        ("current_setting('TimeZone') = ''", "the function current_setting() cannot be used in a condition"),
        ("random() < 0.5", "the function rand() cannot be used in a condition"),
        ("nextval('s') = 1", "the function nextval() cannot be used in a condition"),
        ("query('select 1') = 1", "the function query() cannot be used in a condition"),
        ("count(*) > 1", "the aggregate count() cannot be used in a condition"),
        ("row_number() over () = 1", "a window over other rows cannot be used in a condition"),
        ("line = $1", "a parameter cannot be used in a condition"),
        ("line = ?", "a parameter cannot be used in a condition"),
        ("now() > occurred_at", "the function now() cannot be used in a condition"),
        ("line::json is null", "a cast to JSON cannot be used in a condition"),
        ("columns('a') = 1", "the function columns() cannot be used in a condition"),
        ("line = 'x' union select 1", "a query inside the condition cannot be used in a condition"),
        ("a.b.c.d = 1", "'a.b.c.d' names no column"),
        ("information_schema.tables = 'x'", "there is no view 'information_schema' to look at here"),
    ],
)
def test_whatever_reads_more_than_the_row_is_refused(text: str, message: str) -> None:
    assert fault(text).message == message


@pytest.mark.parametrize(
    ("text", "message", "place", "hint"),
    [
        ("lin = 'motor'", "there is no column 'lin'", (1, 1), "did you mean line?"),
        ("line = 'x'\n  and birthdate > today", "there is no column 'birthdate'", (2, 7), "customers.birth_date?"),
        ("polices.line = 'x'", "there is no view 'polices' to look at here", (1, 1), "did you mean policies?"),
        ('line = "motor"', "there is no column 'motor'", (1, 8), "single quotes: 'motor'"),
        ("line = 'x' and coalesc(tier, 'x') = 'y'", "the function coalesc()", (1, 16), "did you mean coalesce?"),
        ("status = 'activ'", "policies.status is never 'activ'", (1, 10), "did you mean active?"),
        ("status in ('active', 'Lapsed')", "policies.status is never 'Lapsed'", (1, 22), "did you mean lapsed?"),
        ("line = 5", "policies.line is a text, 5 is a number", (1, 1), "single quotes"),
        ("premium > '5'", "policies.premium is a number, '5' is a text", (1, 1), "single quotes"),
        ("expiry_date = 'soon'", "'soon' is not a date", (1, 15), "write '2026-03-01'"),
        ("expiry_date between '2026-01-01' and '2026-02-30'", "'2026-02-30' is not a date", (1, 38), "2026-03-01"),
        ("occurred_at > 'noon'", "'noon' is not a time", (1, 15), "09:00:00"),
        ("expiry_date > cast('abc' as date)", "'abc' is not a date", (1, 20), "2026-03-01"),
        ("expiry_date > 5", "policies.expiry_date is a date, 5 is a number", (1, 1), ""),
        ("missing_documents = 'id'", "is a list, 'id' is a text", (1, 1), "list_contains(list, value)"),
        ("status = null", "nothing is ever equal to null", (1, 1), "is null"),
        ("line", "is neither true nor false", (1, 1), "compare it"),
        ("line = 'x' and premium", "is neither true nor false", (1, 16), "compare it"),
        ("1", "1 is neither true nor false", (1, 1), "compare it"),
        ("line is true", "is neither true nor false", (1, 1), "compare it"),
        ("", "the condition is empty", (1, 1), "leave `where` out"),
        ("   -- nothing", "the condition is empty", (1, 1), "leave `where` out"),
        ("line = 'motor", "this is not a SQL condition", (1, 1), "is a quote left open?"),
        ("line = ", "this is not a SQL condition near '='", (1, 6), ""),
        ("abs(line) > 1", "No function matches", (1, 1), ""),
        ("expiry_date || 1", "is neither true nor false", (1, 1), ""),
        ("coalesce(seats, 1)", "gives a value of type INTEGER", (1, 1), ""),
    ],
)
def test_faults_say_what_where_and_what_to_do(text: str, message: str, place: tuple[int, int], hint: str) -> None:
    error = fault(text)
    assert message in error.message
    assert (error.line, error.column) == place
    assert hint in (error.hint or "")


def test_absurd_conditions_are_faults_and_not_crashes() -> None:
    assert "nested too deeply" in fault("(" * 3000 + "true" + ")" * 3000).message
    assert "10001 characters" in fault("x" * 10_001).message


def test_a_long_but_sensible_condition_passes() -> None:
    assert sql(" or ".join(f"line = 'l{number}'" for number in range(400)))


def test_comments_do_not_reach_the_database() -> None:
    assert "--" not in sql("line = 'x' -- */ drop") and "/*" not in sql("line = /* hidden */ 'x'")


def test_a_cast_that_fails_on_one_row_is_unknown_and_does_not_stop_the_rest() -> None:
    condition = sql("cast(insured_object as integer) > 4")
    found = duckdb.sql(
        f"SELECT insured_object FROM (VALUES ('5'), ('five')) AS policies(insured_object) WHERE {condition}"
    )
    assert found.fetchall() == [("5",)]


@pytest.mark.parametrize(
    "sql_type",
    ["DECIMAL(18,2)", "STRUCT(a INTEGER)", "ENUM('a', 'b')", "JSON", "UUID", "MAP(VARCHAR, INTEGER)", "TIME"],
)
def test_extra_columns_of_any_type_do_not_stand_in_the_way(sql_type: str) -> None:
    scopes = {"policies": {"line": "VARCHAR", "further": sql_type}}
    assert check_condition("line = 'x' and further is not null", scopes, "policies", NOW)


def test_the_parts_that_must_all_hold_come_in_the_order_written() -> None:
    condition = parse_condition("(line = 'a' and (seats = 1 or seats = 2)) and tier = 'x'", SCOPES, "policies")
    assert [part.sql("duckdb") for part in conjuncts(condition)] == [
        '"policies"."line" = \'a\'',
        '("policies"."seats" = 1 OR "policies"."seats" = 2)',
        '"customers"."tier" = \'x\'',
    ]
    assert views_named(condition) == {"policies", "customers"}


@given(st.text(max_size=40))
def test_any_text_compared_is_a_value_and_never_code(value: str) -> None:
    condition = bind(parse_condition("line = " + exp.Literal.string(value).sql("duckdb"), SCOPES, "policies"), NOW)
    assert isinstance(condition, exp.EQ)
    assert condition.expression.name == value


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_a_fault(text: str) -> None:
    try:
        condition = parse_condition(text, SCOPES, "policies")
    except ConditionError as error:
        assert error.line >= 1 and error.column >= 1
    else:
        assert not list(condition.find_all(exp.Query, exp.Anonymous, exp.Command))


@pytest.mark.parametrize("text", ["@", "premium > @", "not @"])
def test_an_operator_without_a_value_is_refused(text: str) -> None:
    with pytest.raises(ConditionError, match="a value is missing"):
        parse_condition(text, {"policies": {"premium": "DOUBLE"}}, "policies")


def test_a_cast_inside_a_cast_stops_nobody_either():
    condition = sql("cast(cast(insured_object as integer) as varchar) = '4'")
    assert condition.upper().count("TRY_CAST(") == 2
