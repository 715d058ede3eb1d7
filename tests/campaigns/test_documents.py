"""Faults in files are values that say where, what, and what to do."""

from __future__ import annotations

import pytest

from campaigns.definition import Campaign
from campaigns.documents import read_document, validate
from campaigns.problems import Problem

GOOD = """\
name: renewal
title: {en: Renewal}
purpose: service
trigger:
  kind: date
  of: policies.expiry_date
  offset: -60d
steps:
  - send: {template: note, channels: [sms]}
"""


def problems(tmp_path, text):
    path = tmp_path / "renewal.yaml"
    path.write_text(text, encoding="utf-8")
    document = read_document(path, "renewal.yaml")
    if isinstance(document, Problem):
        return [document]
    found = validate(document, Campaign)
    return found if isinstance(found, list) else []


def test_a_good_file_has_no_problems(tmp_path):
    assert problems(tmp_path, GOOD) == []


CASES = [
    ("purpose: service", "purpose: servise", (3, 10), "'servise' is not one of", "did you mean 'service'?"),
    ("purpose: service\n", "", (1, 1), "'purpose' is missing", "add `purpose:`"),
    ("steps:", "stepps:\n  - 1\nsteps:", (8, 1), "unknown key 'stepps'", "did you mean 'steps'?"),
    ("kind: date", "kind: dates", (4, 1), "'dates' is not one of", "did you mean 'date'?"),
    ("offset: -60d", "offset: 60 days", (7, 11), "'60 days' is no length of time", "write -60d"),
    ("channels: [sms]", "channels: [sms, fax]", (9, 38), "unknown channel 'fax'", "known: sms, push"),
    ("name: renewal", "name: Renewal 1", (1, 7), "String should match pattern", ""),
    (
        "  of: policies.expiry_date",
        "  of: policies.expiry_date\n  of: x.y",
        (7, 3),
        "the key 'of' stands here twice",
        "",
    ),
    ("title: {en: Renewal}", "title: {en: Renewal", (3, 8), "", "check indentation"),
    (
        "purpose: service",
        "purpose: contract\nholdout: 10%",
        (1, 1),
        "a contract notice cannot be held out",
        "remove `holdout`",
    ),
    ("purpose: service", "purpose: service\nholdout: ten", (4, 10), "'ten' is no share", "write a percentage"),
]


@pytest.mark.parametrize(("old", "new", "at", "message", "hint"), CASES, ids=[case[3] or "syntax" for case in CASES])
def test_a_fault_is_pointed_at(tmp_path, old, new, at, message, hint):
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert found, "no problem was found"
    assert any((p.line, p.column) == at and message in p.message and hint in p.hint for p in found), found


def test_a_problem_prints_as_path_line_and_column():
    assert str(Problem("a.yaml", 3, 9, "purpose", "wrong", "right")) == "a.yaml:3:9: wrong (at purpose)\n    right"


def test_a_file_that_is_not_text_is_a_problem_not_a_crash(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes("name: 续保".encode("gb18030"))
    assert isinstance(read_document(path), Problem)


def test_yaml_cannot_make_objects(tmp_path):
    found = problems(tmp_path, "!!python/object/apply:os.system ['true']")
    assert len(found) == 1
    assert "could not determine a constructor" in found[0].message
