"""The documentation is true: commands run, files lint, links lead somewhere, the reference is what the code says."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kairos.cli.app import app
from kairos.inspection import inspect_workspace
from kairos.starter import write_starter

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"\A# (campaigns/[\w-]+\.yaml|kairos\.yaml|sources\.yaml)\n")
page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(path: Path, *kinds: str) -> list[tuple[str, str]]:
    """Kind and text of the code blocks of a page, in order."""
    return [(kind, text) for kind, text in BLOCK.findall(path.read_text(encoding="utf-8")) if kind in kinds]


def shell(script: str, folder: Path) -> str:
    """What a script prints; the test fails where one of its commands does."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def missing(expected: str, printed: str) -> list[str]:
    """Lines a page shows that the command did not print; … stands for anything, blanks count as one."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    wanted = [" ".join(line.split()) for line in expected.splitlines() if line.strip()]
    patterns = {line: re.compile(re.escape(line).replace("…", ".*")) for line in wanted}
    return [line for line, pattern in patterns.items() if not any(pattern.fullmatch(each) for each in lines)]


def test_the_quickstart_does_what_it_says(tmp_path):
    printed, shown = "", 0
    for kind, text in blocks(ROOT / "docs" / "quickstart.md", "sh", "text")[1:]:
        if kind == "sh":
            printed = shell(text, tmp_path)
        else:
            shown += 1
            assert missing(text, printed) == [], printed
    assert shown >= 6


def test_a_line_a_command_did_not_print_is_noticed():
    assert missing("a … c\nno such line\n", "a  b c\n") == ["no such line"]


def generator(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "pages"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_reference_is_up_to_date_and_nothing_in_it_is_without_words():
    done = generator("--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_kind_a_gate_an_adapter_a_setting_or_a_filter_without_words_is_noticed(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts" / "pages"))
    import fields
    import filters
    import reference
    from pydantic import BaseModel

    class Mute(BaseModel):
        volume: int = 3

    assert fields.gaps(Mute) == ["Mute.volume"]
    monkeypatch.delitem(filters.WORDS, "money")
    assert "filter money" in reference.undocumented()
    monkeypatch.setitem(reference.KINDS, "mute", Mute)
    assert "Mute.volume" in reference.undocumented()
    monkeypatch.setattr(type(reference.gates()[0]), "reasons", {"unsaid": ""})
    assert f"gate {reference.gates()[0].name}.unsaid" in reference.undocumented()


@page
def test_every_link_leads_to_a_file_and_a_heading(path):
    for target in LINK.findall(BLOCK.sub("", path.read_text(encoding="utf-8"))):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        found = path.parent / name if name else path
        assert found.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(found), f"{target}: no such heading"


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@page
def test_every_yaml_file_shown_passes_lint(path, tmp_path):
    shown = [(found[1], text) for _, text in blocks(path, "yaml") if (found := FILE.match(text))]
    for number, (name, text) in enumerate(shown):
        folder = tmp_path / str(number)
        write_starter(folder, demo=False)
        if name == "sources.yaml":
            lay_out_exports(folder)
        (folder / name).write_text(text, encoding="utf-8")
        _, problems = inspect_workspace(folder)
        assert [str(problem) for problem in problems if problem.path.endswith(name)] == []


def lay_out_exports(folder: Path) -> None:
    """The files that examples of sources.yaml read."""
    export = folder / "export"
    export.mkdir()
    (export / "policies.csv").write_text("POLNO,CUSTNO,FROM_DT,TO_DT,PREM,STATE\n1,C1,2026-01-01,2026-12-31,9,1\n")
    (export / "claims.csv").write_text(
        "CLAIM_NO,policy_id,customer_id,status,reported_at\n1,1,C1,paid,2026-01-02\n", encoding="gb18030"
    )
    (export / "people.csv").write_text("CUST_NO;CUST_NAME;MOBILE\nC1;李娜;13900139002\n", encoding="gb18030")
    (folder / "alerts").mkdir()
    (folder / "alerts" / "warning.cap").write_text(
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>1</identifier></alert>', encoding="utf-8"
    )


def commands() -> dict[str, set[str]]:
    """Every command there is, and its options."""
    from typer.main import get_command

    found: dict[str, set[str]] = {}

    def walk(words: str, command: object) -> None:
        found[words] = {option for param in command.params for option in param.opts} | {"-h", "--help"}
        for name, inner in getattr(command, "commands", {}).items():
            walk(f"{words} {name}".strip(), inner)

    walk("", get_command(app))
    return found


@page
def test_every_command_named_exists_with_its_options(path):
    known = commands()
    for line in re.findall(r"(?:^|[`$(] ?)kairos ([a-z][^`\n|>#]*)", path.read_text(encoding="utf-8"), re.MULTILINE):
        words = line.split()
        call = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        if call not in known:
            assert call in {"run/send"}, f"there is no command kairos {call}"
        options = {word.split("=")[0] for word in words if re.fullmatch(r"-{1,2}[a-z][\w=-]*", word)}
        assert options <= known[call], f"kairos {line}: {options - known[call]}"


@page
def test_no_page_names_a_machine_or_a_package_host(path):
    found = re.findall(r"(?<![\w.])/(?:root|home|tmp|opt|usr)/", path.read_text(encoding="utf-8"))
    assert found == []


def test_every_page_can_be_reached_from_the_readme():
    seen, open_ = set(), [ROOT / "README.md"]
    while open_:
        path = open_.pop()
        seen.add(path)
        targets = LINK.findall(BLOCK.sub("", path.read_text(encoding="utf-8")))
        near = [(path.parent / target.partition("#")[0]).resolve() for target in targets if ".md" in target]
        open_ += [found for found in near if found.is_file() and found not in seen]
    assert set(PAGES) - seen == set()


def test_the_readme_tells_the_counts_of_its_picture():
    told = re.search(
        r"([\d,]+) customers,\s([\d,]+) moments, ([\d,]+) messages", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    drawn = re.sub(r"<[^>]+>|\s", "", (ROOT / "docs" / "images" / "run.svg").read_text(encoding="utf-8"))
    shown = html.unescape(drawn).replace("\xa0", "")
    assert told
    customers, moments, messages = told.groups()
    assert f"{customers}customers,{moments}moments,{moments}ofthemnew;{messages}messagesreserved" in shown


def test_the_readme_fits_on_a_few_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
