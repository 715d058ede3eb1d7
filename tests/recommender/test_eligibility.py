"""Eligibility is read by a narrow door: what is not understood offers the product to nobody, and says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import EligibilityProblem, check_eligibility
from recommender.eligibility import compile_eligibility, line_slug

SOUND = [
    "age between 18 and 60",
    "age >= 18 AND (gender = 'female' OR tier IN ('gold', 'silver'))",
    "not holds_motor",
    "customers.holds_home and tenure_years > 2",
    "region_code like '31%'",
    "left(region_code, 2) = '31' or substr(region_code, 1, 2) = '44'",
    "starts_with(upper(region_code), 'CN-')",
    "coalesce(age, 0) > 17",
    "gender is not null",
    "holds_motor is true",
    "AGE > 18 -- grown-ups",
    "holds_motor = false",
    "age * 2 - 1 > abs(-tenure_years)",
    "true",
    "",
]
BROKEN = [
    ("age >", "cannot be read"),
    ("(age > 1", "cannot be read"),
    ("age", "must be true or false"),
    ("agee > 18", "agee is not a column"),
    ("phone is null", "phone is not a column"),
    ("policies.age > 1", "is not a column of the customer"),
    ("age > '18'", "compares number with text"),
    ("region_code > 3", "compares text with number"),
    ("gender in ('male', 1)", "compares text with number"),
    ("age between 18 and 'x'", "compares number with text"),
    ("age and holds_motor", "age is a number, expected a condition"),
    ("not gender", "gender is text, expected a condition"),
    ("age like '1%'", "age is a number, expected text"),
    ("random() > 0.5", "is not allowed"),
    ("frobnicate(age) > 1", "frobnicate is not allowed"),
    ("cast(region_code as int) > 3", "is not allowed"),
    ("age > (select 1)", "is not allowed"),
    ("age in (select 1)", "is not allowed"),
    ("age > 1; drop table customers", "is not allowed"),
    ("select 1", "is not allowed"),
    ("age / 0 > 1", "is not allowed"),
    ("current_date > date '2026-01-01'", "is not allowed"),
    ("holds_ = true", "holds_ is not a column"),
]


@pytest.mark.parametrize("condition", SOUND)
def test_a_sound_condition_has_no_problem(condition: str) -> None:
    assert check_eligibility({"p": condition}) == []


@pytest.mark.parametrize(("condition", "message"), BROKEN)
def test_a_broken_condition_is_a_problem_of_its_product(condition: str, message: str) -> None:
    [problem] = check_eligibility({"fine": "age > 1", "p": condition, "free": None})
    assert problem.product_id == "p"
    assert message in problem.message


def test_a_problem_says_where() -> None:
    [problem] = check_eligibility({"p": "age > 18\n  and gendre = 'male'"})
    assert problem == EligibilityProblem(
        "p",
        "age > 18\n  and gendre = 'male'",
        "gendre is not a column eligibility may use",
        line=2,
        column=7,
        hint="use one of age, gender, region_code, tier, tenure_years, holds_<line>",
    )


def test_a_line_nobody_sells_is_a_problem_where_lines_are_known() -> None:
    assert check_eligibility({"p": "holds_motr"}) == []
    [problem] = check_eligibility({"p": "holds_motr"}, lines=["motor", "home"])
    assert problem.message == "no product or policy is of line motr"
    assert problem.hint == "known: holds_home, holds_motor"


def test_lines_are_named_in_letters_digits_and_underscores() -> None:
    assert [line_slug(line) for line in ("Motor", "long-term care", "车险")] == ["motor", "long_term_care", "车险"]
    assert check_eligibility({"p": "holds_long_term_care and holds_车险"}, lines=["long-term care", "车险"]) == []


def test_compiled_conditions_name_only_quoted_columns_and_keep_no_comments() -> None:
    sound, problems = compile_eligibility({"p": "customers.AGE > 18 /* x */ and HOLDS_Motor"})
    assert problems == []
    assert sound["p"].sql == '"age" > 18 AND "holds_motor"'
    assert sound["p"].lines == {"motor"}


def test_a_condition_nested_without_end_is_a_problem() -> None:
    [problem] = check_eligibility({"p": "(" * 5000 + "age > 1" + ")" * 5000})
    assert problem.message.startswith("cannot be read")


@given(st.text(max_size=40))
def test_no_text_makes_the_check_fall_over(text: str) -> None:
    assert len(check_eligibility({"p": text})) <= 1


@pytest.mark.parametrize("text", ["@", "age > @", "not @", "(@)"])
def test_an_operator_without_a_value_is_a_problem(text: str) -> None:
    (problem,) = check_eligibility({"p": text})
    assert problem.message == "a value is missing"
