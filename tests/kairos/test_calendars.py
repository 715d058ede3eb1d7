"""The insurer's calendar in a workspace: read, checked by lint, and what campaigns are decided by."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from kairos.errors import ProblemsFoundError
from kairos.inspection import inspect_workspace
from kairos.starter import write_starter
from kairos.workspace import Workspace

RENEWAL = "campaigns/motor-renewal.yaml"


@pytest.fixture
def place(tmp_path):
    write_starter(tmp_path, demo=False)
    return tmp_path


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def with_calendar(place, text):
    with (place / "kairos.yaml").open("a", encoding="utf-8") as settings:
        settings.write("\ncalendar: days.csv\n")
    (place / "days.csv").write_text(text, encoding="utf-8")
    return place


def test_the_insurers_file_lies_over_the_holidays_of_the_country(place):
    calendar = Workspace(
        with_calendar(place, "day,works,name\n2027-02-20,true,\n2027-03-01,false,Founder's day\n")
    ).calendar
    assert calendar.works(date(2027, 2, 20))
    assert calendar.holiday(date(2027, 3, 1))
    assert not calendar.works(date(2026, 10, 1))
    assert inspect_workspace(place)[1] == []


def test_facts_and_rules_of_a_workspace_follow_its_calendar(place):
    space = Workspace(with_calendar(place, "day,works\n2027-03-01,false\n"))
    assert space.rules(space.profiles()).workdays is space.calendar
    with space.facts(datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))) as facts:
        days = "SELECT works FROM workdays WHERE day IN ('2027-03-01', '2026-10-10', '2026-10-01') ORDER BY day"
        assert facts.db.sql(days).fetchall() == [(False,), (True,), (False,)]


def test_lint_names_every_faulty_line_of_the_calendar_beside_the_other_problems(place):
    with_calendar(place, "day,works\n2027-2-20,true\n2027-03-01,closed\n")
    replace(place / RENEWAL, "purpose: service", "purpose: advert")
    calendar = [problem for problem in inspect_workspace(place)[1] if problem.path.endswith("days.csv")]
    assert [(problem.line, problem.message, problem.hint) for problem in calendar] == [
        (2, "'2027-2-20' is no day", "write it as 2027-02-20"),
        (3, "'closed' does not say whether people work on 2027-03-01", "write true or false"),
    ]
    assert any(problem.path.endswith("motor-renewal.yaml") for problem in inspect_workspace(place)[1])


def test_a_calendar_that_is_missing_is_a_problem_and_no_traceback(place):
    with_calendar(place, "")
    (place / "days.csv").unlink()
    code = "import sys; from kairos.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "-w", str(place), "--as-of", "2026-11-23"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the calendar cannot be read: No such file or directory" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_country_nobody_knows_is_a_problem_of_its_line(place):
    replace(place / "kairos.yaml", "holidays: CN", "holidays: ZZ")
    (problem,) = inspect_workspace(place)[1]
    assert (problem.message, problem.hint) == (
        "no public holidays are known of 'ZZ'",
        "write an ISO 3166 code, e.g. CN",
    )
    text = (place / "kairos.yaml").read_text(encoding="utf-8").splitlines()
    assert text[problem.line - 1].startswith("holidays: ZZ")


def test_a_calendar_on_which_nobody_works_is_a_problem_of_the_setting(place):
    closed = "".join(f"2027-05-{day:02},false\n2027-06-{day:02},false\n" for day in range(1, 31))
    (problem,) = inspect_workspace(with_calendar(place, f"day,works\n{closed}"))[1]
    assert problem.where == "calendar"
    assert problem.message.startswith("there are hardly any working days before 2027-0")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_age: 20d", "max_age: 20wd"),
        ("within: 75d", "within: 75wd"),
        ("purpose: service", "purpose: service\nvalid_for: 3wd"),
    ],
)
def test_lint_says_where_working_days_cannot_be_counted(place, old, new):
    replace(place / RENEWAL, old, new)
    (problem,) = inspect_workspace(place)[1]
    length = new.rsplit(" ", maxsplit=1)[-1]
    assert problem.message == f"'{length}' counts working days, which is not possible here"
    assert problem.hint == f"write days, e.g. {length.removesuffix('wd')}d"


def test_lint_says_that_caps_cannot_count_working_days(place):
    replace(place / "kairos.yaml", "per: 7d", "per: 7wd")
    with pytest.raises(ProblemsFoundError, match="'7wd' counts working days, which is not possible here"):
        inspect_workspace(place)


def test_working_days_are_taken_where_they_can_be_counted(place):
    replace(place / RENEWAL, "offset: -60d", "offset: -40wd")
    replace(place / RENEWAL, "wait: 7d", "wait: 5wd")
    assert inspect_workspace(place)[1] == []
