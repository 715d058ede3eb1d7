"""Ten broken campaigns: each error names file, line, column, the fault and a way out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kairos.inspection import inspect_workspace
from kairos.starter import write_starter

RENEWAL = "campaigns/motor-renewal.yaml"
CROSS_SELL = "campaigns/health-cross-sell.yaml"
BROKEN = {
    "marketing without general words": (
        CROSS_SELL,
        "template: health_cross_sell,",
        "template: dormancy_care,",
        "dormancy_care",
        "there is no template 'dormancy_care_general' for those who refused personalisation",
        "or name another one under `general`",
    ),
    "general words that are personal": (
        CROSS_SELL,
        "template: health_cross_sell,",
        "template: health_cross_sell, general: motor_renewal,",
        None,
        "policy.",
        "",
    ),
    "a condition of whom it suits": (
        CROSS_SELL,
        "suits: {age_from: 18}",
        "suits: {where: wealth > 3}",
        "wealth",
        "wealth is not a column eligibility may use",
        "use one of age",
    ),
    "a key that does not exist": (
        RENEWAL,
        "holdout: 10%",
        "holdouts: 10%",
        "holdouts",
        "unknown key 'holdouts'",
        "did you mean 'holdout'?",
    ),
    "a purpose that does not exist": (
        RENEWAL,
        "purpose: service",
        "purpose: advert",
        "advert",
        "'advert' is not one of",
        "known:",
    ),
    "an offset that is none": (
        RENEWAL,
        "offset: -60d",
        "offset: sixty days",
        "sixty",
        "'sixty days' is no length of time",
        "write -60d",
    ),
    "a column that does not exist": (
        RENEWAL,
        "line = 'motor' and",
        "lien = 'motor' and",
        "lien",
        "lien",
        "did you mean line?",
    ),
    "a function that is not allowed": (
        RENEWAL,
        "line = 'motor' and",
        "read_csv('x') = 'motor' and",
        "read_csv",
        "read_csv",
        "",
    ),
    "a condition that is no SQL": (RENEWAL, "line = 'motor' and", "line = = 'motor' and", None, "", ""),
    "a date column that does not exist": (
        RENEWAL,
        "of: policies.expiry_date",
        "of: policies.expired",
        "policies.expired",
        "expired",
        "expiry_date",
    ),
    "a channel that does not exist": (
        RENEWAL,
        "channels: [push, sms, email]",
        "channels: [push, fax]",
        None,
        "unknown channel 'fax'",
        "known: sms, push",
    ),
    "a template that does not exist": (
        RENEWAL,
        "template: agent_follow_up",
        "template: agent_folow_up",
        "agent_folow_up",
        "there is no template 'agent_folow_up'",
        "did you mean 'agent_follow_up'?",
    ),
    "a name unlike its file": (
        RENEWAL,
        "name: motor-renewal",
        "name: car-renewal",
        "car-renewal",
        "its file 'motor-renewal'",
        "give both the same name",
    ),
    "waiting for a goal there is not": (
        RENEWAL,
        "goal: {event: policy_renewed, within: 75d}\n",
        "",
        None,
        "`unless: goal` needs a goal",
        "add `goal:",
    ),
    "a contract notice held out": (
        "campaigns/premium-due.yaml",
        "steps:",
        "holdout: 5%\nsteps:",
        None,
        "cannot be held out",
        "remove `holdout`",
    ),
    "indentation gone wrong": (RENEWAL, "  kind: date", "   kind: date", None, "", "check indentation"),
}


def places(text, word):
    """Line and column of a word in a text, from 1."""
    before = text[: text.index(word)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_campaign_is_pointed_at_with_a_way_out(tmp_path, case):
    file, old, new, word, message, hint = BROKEN[case]
    write_starter(tmp_path, demo=False)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    broken = text.replace(old, new, 1)
    (tmp_path / file).write_text(broken, encoding="utf-8")
    _, problems = inspect_workspace(tmp_path)
    found = [p for p in problems if message in p.message and hint in p.hint]
    assert found, [str(problem) for problem in problems]
    assert found[0].line > 0
    assert found[0].column > 0
    if word:
        assert (found[0].path.removeprefix(f"{tmp_path}/"), found[0].line, found[0].column) == (
            file,
            *places(broken, word),
        )
    assert all(problem.hint for problem in problems), [str(problem) for problem in problems]


def test_a_word_a_template_does_not_know_is_pointed_at_in_the_template(tmp_path):
    write_starter(tmp_path, demo=False)
    own = tmp_path / "templates" / "en"
    own.mkdir(parents=True)
    (own / "birthday.j2").write_text(
        "{% block sms %}Dear {{ customer.nmae }}{% endblock %}\n{% block push_title %}A{% endblock %}\n{% block push %}B{% endblock %}"
    )
    _, problems = inspect_workspace(tmp_path)
    assert [(p.line, p.column, p.message) for p in problems] == [(1, 24, "there is no customer.nmae")]
    assert "did you mean customer.name?" in problems[0].hint


def test_marketing_through_a_gateway_that_takes_no_insurance_promotion_is_refused_before_anything_runs(tmp_path):
    write_starter(tmp_path, demo=False)
    settings = tmp_path / "kairos.yaml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("sms: outbox", "sms: {adapter: outbox, profile: tencent}"),
        encoding="utf-8",
    )
    _, problems = inspect_workspace(tmp_path)
    assert any("health-cross-sell" in p.path and "sms" in p.message for p in problems), [str(p) for p in problems]


def test_the_starter_has_no_problems(tmp_path):
    write_starter(tmp_path, demo=False)
    assert inspect_workspace(tmp_path) == (13, [])


def test_one_broken_campaign_stops_no_other(tmp_path):
    from datetime import UTC, datetime

    from kairos.runs import run_workspace
    from kairos.workspace import Workspace

    write_starter(tmp_path, demo=False)
    for name in ("motor-service-offer", "health-cross-sell"):
        (tmp_path / "campaigns" / f"{name}.yaml").unlink()
    path = tmp_path / RENEWAL
    path.write_text(path.read_text(encoding="utf-8").replace("kind: date", "kind: dates"), encoding="utf-8")
    report = run_workspace(
        Workspace(tmp_path), datetime(2026, 11, 23, 2, tzinfo=UTC), only=(), rehearsal=False, progress=lambda *_: None
    )
    assert len(report["campaigns"]) == 10
    assert [problem["path"].removeprefix(f"{tmp_path}/") for problem in report["problems"]] == [RENEWAL]
    assert report["totals"]["sent"] > 0


def test_lint_loads_no_numerics_and_reports_as_json(tmp_path):
    write_starter(tmp_path, demo=False)
    code = (
        "import sys; from kairos.cli import main\n"
        "try: main(['lint', '-w', sys.argv[1], '--json'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "loaded = {'pandas', 'pyarrow', 'rich.table', 'holidays.countries', 'sklearn', 'lightfm', 'numpy', 'scipy', 'twilio', 'faststream'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"campaigns": 13, "problems": []}


def test_promotion_through_twilio_into_china_is_refused_before_anything_runs(tmp_path):
    write_starter(tmp_path, demo=False)
    settings = tmp_path / "kairos.yaml"
    twilio = "sms: {adapter: twilio, messaging_service_sid: MG00000000000000000000000000000000}"
    settings.write_text(settings.read_text(encoding="utf-8").replace("sms: outbox", twilio), encoding="utf-8")
    _, problems = inspect_workspace(tmp_path)
    found = {(p.path.rsplit("/", 1)[1], "no links" in p.message) for p in problems}
    assert found == {
        ("health-cross-sell.yaml", False),
        ("motor-service-offer.yaml", False),
        ("claim-survey.yaml", True),
        ("disaster-care.yaml", True),
    }
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("phone_region: CN", "phone_region: GB"), encoding="utf-8"
    )
    assert inspect_workspace(tmp_path)[1] == []
