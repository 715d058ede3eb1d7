"""YAML files read so that every fault can be pointed at: line, column, and a way out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from campaigns.problems import Problem

Loc = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Safe YAML without implicit dates and sexagesimals, and with doubled keys refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands here twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


_KEPT = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag in _KEPT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _first in "-+0123456789":
    _Loader.yaml_implicit_resolvers.setdefault(_first, []).append(
        ("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"))
    )
    _Loader.yaml_implicit_resolvers[_first].append(("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]+$")))


@dataclass(frozen=True)
class Document:
    """A parsed YAML file that remembers where everything stands."""

    path: str
    data: Any
    root: yaml.Node | None

    def position(self, loc: Loc) -> tuple[int, int]:
        """Line and column, from 1, of the value at `loc`, or of the nearest thing above it that exists."""
        node, mark = self.root, self.root.start_mark if self.root else None
        for step in loc:
            found = _child(node, step)
            if found is None:
                continue  # pydantic names union branches in its paths; they are not in the file
            node, mark = found
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def key_position(self, loc: Loc) -> tuple[int, int]:
        """Line and column of the key that ends `loc`."""
        parent = self._node(loc[:-1])
        if isinstance(parent, yaml.MappingNode):
            for key, _ in parent.value:
                if key.value == str(loc[-1]):
                    return key.start_mark.line + 1, key.start_mark.column + 1
        return self.position(loc)

    def problem(
        self, loc: Loc, message: str, hint: str = "", *, shift: tuple[int, int] = (1, 1), at_key: bool = False
    ) -> Problem:
        """A problem at `loc`; `shift` is a line and column (from 1) inside a text value that stands there."""
        line, column = self.key_position(loc) if at_key else self.position(loc)
        inner_line, inner_column = shift
        if shift != (1, 1):
            node = self._node(loc)
            style = node.style if isinstance(node, yaml.ScalarNode) else None
            if style in ("|", ">"):
                line, column = line + inner_line, inner_column + self._block_indent(line)
            elif inner_line == 1:
                column += inner_column - 1 + (1 if style in ("'", '"') else 0)
            else:
                line += inner_line - 1
        return Problem(self.path, line, column, _dotted(loc), message, hint)

    def _node(self, loc: Loc) -> yaml.Node | None:
        node = self.root
        for step in loc:
            found = _child(node, step)
            node = found[0] if found else node
        return node

    def _block_indent(self, line: int) -> int:
        rows = Path(self.path).read_text(encoding="utf-8").splitlines()
        text = rows[line] if line < len(rows) else ""
        return len(text) - len(text.lstrip())


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Mark] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                inline = isinstance(value, yaml.ScalarNode) or bool(value.flow_style)
                return value, value.start_mark if inline else key.start_mark
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark
    return None


def _dotted(loc: Loc) -> str:
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def read_document(path: Path, shown: str | None = None) -> Document | Problem:
    """Read a YAML file whose top is a mapping; a fault comes back as a `Problem`."""
    shown = shown or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return Problem(shown, 1, 1, "", f"the file is not UTF-8 (byte {error.start})", "save it as UTF-8")
    except OSError as error:
        return Problem(shown, 1, 1, "", f"cannot be read: {error.strerror}", "check the name and the rights")
    try:
        root = yaml.compose(text, Loader=_Loader)
        # merging rearranges the nodes, and these are to say where things stand in the file
        merged = yaml.compose(text, Loader=_Loader) if "<<" in text else root
        data = _Loader("").construct_document(merged) if merged else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        hint = "check indentation, quotes and colons on this line and the one before"
        return Problem(shown, line, column, "", error.problem or str(error), hint)
    if not isinstance(data, Mapping):
        return Problem(shown, 1, 1, "", "the file must hold `key: value` lines", "see `kairos schema`")
    return Document(shown, data, root)


def validate(document: Document, model: type[Model]) -> Model | list[Problem]:
    """Check a document against a pydantic model; faults come back as problems with their place and a way out."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        return sorted({_problem(document, model, detail) for detail in details if not _echo(detail)})


def _echo(detail: ErrorDetails) -> bool:
    """A list said to be too short because its items were faulty: the items have problems of their own."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _problem(document: Document, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    loc = _in_file(document, detail)
    message, hint = detail["msg"], ""
    kind = detail["type"]
    if kind == "extra_forbidden":
        message = f"unknown key {loc[-1]!r}"
        hint = _did_you_mean(str(loc[-1]), _keys_at(model, loc[:-1]))
    elif kind == "missing":
        message, hint = f"{loc[-1]!r} is missing", f"add `{loc[-1]}:` here; `kairos schema` lists all keys"
    elif kind in ("literal_error", "enum", "union_tag_invalid"):
        expected = str((detail.get("ctx") or {}).get("expected") or (detail.get("ctx") or {}).get("expected_tags"))
        got = (detail.get("ctx") or {}).get("tag", detail["input"])
        message = f"{got!r} is not one of {expected}"
        hint = _did_you_mean(str(got), [word.strip("' ") for word in expected.replace(" or ", ",").split(",")])
    elif kind in ("value_error", "assertion_error"):
        said = message.removeprefix("Value error, ")
        message, _, hint = said.partition(" | " if " | " in said else "; ")
    return document.problem(loc, message, hint, at_key=kind == "extra_forbidden")


def _in_file(document: Document, detail: ErrorDetails) -> Loc:
    """Where the fault stands in the file: pydantic puts names of union branches into its paths, they are no keys."""
    data: Any = document.data
    found: list[str | int] = []
    for number, step in enumerate(detail["loc"]):
        inside = (isinstance(data, Mapping) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
        elif detail["type"] != "missing" or number < len(detail["loc"]) - 1:
            continue
        found.append(step)
    return tuple(found)


def _keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    schema = model.model_json_schema()
    keys: list[str] = []

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            keys.extend(part.get("properties", {}))
            for value in part.values():
                collect(value)
        elif isinstance(part, list):
            for value in part:
                collect(value)

    collect(schema if loc else {"properties": schema.get("properties", {})})
    return sorted(set(keys))


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known[:20])}" if known else ""
