"""The commands as the command line itself knows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markdown import code, prose, section, table
from typer.main import get_command

from kairos.cli.app import app

Path_ = tuple[str, ...]


def commands() -> Iterator[tuple[Path_, Any]]:
    """Every command with the words that call it, in the order of the help page; groups before what they hold."""
    yield from _below((), get_command(app))


def _below(path: Path_, command: Any) -> Iterator[tuple[Path_, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        if not hasattr(inner, "commands"):
            yield (*path, name), inner
        yield from _below((*path, name), inner)


def command_section(path: Path_, command: Any) -> str:
    """One command: what it does, its arguments and options."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    call = " ".join(["kairos", *path, *(_called(each) for each in arguments), "[options]"])
    rows = [(_name(each), _default(each), each.help or "") for each in command.params]
    options = table(("name", "default", "meaning"), rows)
    return section(" ".join(path), prose(command.help), f"```text\n{call}\n```\n", options)


def _called(argument: Any) -> str:
    name = argument.name.upper().rstrip("_")
    return name if argument.required else f"[{name}]"


def _name(param: Any) -> str:
    if param.param_type_name == "argument":
        return code(_called(param))
    return ", ".join(code(name) for name in param.opts)


def _default(param: Any) -> str:
    if param.default is None or param.default is False:
        return ""
    return "here" if isinstance(param.default, Path) else code(getattr(param.default, "value", param.default))


def gaps() -> list[str]:
    """Commands and options without a word of help."""
    found = []
    for path, command in commands():
        found += [f"command {' '.join(path)}"] if not command.help else []
        found += [f"command {' '.join(path)} {each.name}" for each in command.params if not each.help]
    return found
