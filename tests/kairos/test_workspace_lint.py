"""What is wrong with campaigns only beside each other: every fault names file, line, column and a way out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kairos.inspection import inspect_workspace
from kairos.starter import write_starter

KAIROS = str(Path(sys.executable).parent / "kairos")
DATED = """name: {name}
title: {{zh-CN: 甲, en: A}}
purpose: service
trigger:
  kind: date
  of: policies.expiry_date
  offset: {offset}
  where: {where}
  max_age: 5d
steps:
  - send: {{template: motor_renewal, channels: [{channels}]}}
"""


@pytest.fixture
def place(tmp_path):
    """A workspace without campaigns."""
    folder = tmp_path / "w"
    write_starter(folder, demo=False)
    for path in (folder / "campaigns").glob("*.yaml"):
        path.unlink()
    return folder


def write(folder, name, *, offset="-30d", where="line = 'home'", channels="sms", rest=""):
    text = DATED.format(name=name, offset=offset, where=where, channels=channels) + rest
    (folder / "campaigns" / f"{name}.yaml").write_text(text, encoding="utf-8")


def found(folder):
    _, problems = inspect_workspace(folder)
    return [(Path(each.path).name, each.line, each.column, each.message, bool(each.hint)) for each in problems]


def test_two_campaigns_about_the_same_moment_days_apart_on_one_channel_overlap(place):
    write(place, "one")
    write(place, "two", offset="-28d", channels="push, sms")
    message = "two and one write to the same customers about the same moment by sms"
    assert found(place) == [("two.yaml", 4, 1, message, True)]


@pytest.mark.parametrize(
    "other",
    [
        {"offset": "-20d"},
        {"channels": "email"},
        {"where": "line = 'motor'"},
        {"where": "status = 'active' and line in ('motor', 'travel')"},
        {"rest": "enabled: false\n"},
    ],
)
def test_campaigns_told_apart_by_time_channel_or_condition_do_not(place, other):
    write(place, "one")
    write(place, "two", **other)
    assert found(place) == []


def test_conditions_that_only_seem_to_differ_do_not_tell_campaigns_apart(place):
    write(place, "one", where="line = 'home' or premium > 5")
    write(place, "two", where="line = 'motor' or premium > 5")
    assert len(found(place)) == 1


def test_a_step_for_those_whom_a_wait_has_let_go_is_never_reached(place):
    rest = """  - wait: 2d
    unless: answered
  - send: {template: motor_renewal, channels: [sms], id: thanks}
    when: answered
"""
    write(place, "one", channels="ai_outbound", rest=rest)
    message = "nobody comes to this step: `unless: answered` has ended the campaign for those it is for"
    assert found(place) == [("one.yaml", 15, 11, message, True)]


def test_a_question_about_a_later_message_is_a_new_one(place):
    rest = """  - wait: 2d
    unless: answered
  - send: {template: motor_renewal, channels: [ai_outbound], id: again}
  - wait: 2d
  - send: {template: motor_renewal, channels: [sms], id: thanks}
    when: answered
"""
    write(place, "one", channels="ai_outbound", rest=rest)
    assert found(place) == []


def test_a_template_with_links_is_refused_for_a_gateway_that_takes_none(place):
    settings = place / "kairos.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("  sms: outbox", "  sms: {adapter: outbox, profile: twilio_china}"), encoding="utf-8"
    )
    write(place, "one", channels="push, sms")
    words = "{% block sms %}{{ links.renew }}{% endblock %}{% block push_title %}A{% endblock %}{% block push %}B{% endblock %}"
    for locale in ("zh-CN", "en"):
        (place / "templates" / locale).mkdir(parents=True, exist_ok=True)
        (place / "templates" / locale / "motor_renewal.j2").write_text(words, encoding="utf-8")
    problems = [each for each in found(place) if "takes no links" in each[3]]
    assert [each[:3] for each in problems] == [("one.yaml", 11, 54)]


def test_what_an_arm_alone_does_wrong_is_told_where_the_arm_says_it(place):
    rest = """variants:
  - {name: plain}
  - {name: other, steps: {motor_renewal: {template: motor_renewa}}}
"""
    write(place, "one", rest=rest)
    assert found(place) == [("one.yaml", 14, 42, "there is no template 'motor_renewa'", True)]


def test_the_volume_of_a_day_is_held_against_caps(tmp_path):
    folder = tmp_path / "demo"
    command = [KAIROS, "init", str(folder), "--demo", "--customers", "300", "--seed", "1", "--as-of", "2026-11-23"]
    subprocess.run(command, check=True, capture_output=True)
    for path in (folder / "campaigns").glob("*.yaml"):
        path.unlink()
    for name, offset in (("one", "-300d"), ("two", "-200d")):
        write(folder, name, offset=offset, where="status = 'active'", channels="sms")
        path = folder / "campaigns" / f"{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("max_age: 5d", "max_age: 400d"), encoding="utf-8")
    settings = folder / "kairos.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("{max: 3, per: 7d, channels", "{max: 1, per: 7d, channels"), encoding="utf-8")
    call = [KAIROS, "lint", "--volume", "--as-of", "2026-11-23", "--json", "-w", str(folder)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    moments = sum(line["day"] + line["overdue"] for line in report["volume"])
    assert (done.returncode, moments > 200) == (1, True)
    [problem] = report["problems"]
    line = settings.read_text(encoding="utf-8").splitlines()[problem["line"] - 1]
    assert "max: 1, per: 7d, channels" in line
    assert "customers have more moments than the 1 this cap lets through in 7d" in problem["message"]


def test_a_campaign_that_leaves_people_out_by_an_uplift_nobody_tells_is_noticed(place):
    write(place, "a", rest="uplift: {least: 0.01}\n")
    assert found(place) == [("a.yaml", 12, 9, "nobody's uplift is known: sources.yaml has no `uplift`", True)]
    (place / "facts" / "uplift.csv").write_text("customer_id,campaign,uplift\nC1,a,0.1\n", encoding="utf-8")
    with (place / "sources.yaml").open("a") as file:
        file.write("uplift: facts/uplift.csv\n")
    assert found(place) == []
