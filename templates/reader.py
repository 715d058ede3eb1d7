"""A template file as its top-level blocks: the parts of a message in one language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from jinja2 import TemplateSyntaxError, nodes

from templates.faults import TemplateFault
from templates.parts import PARTS
from templates.positions import PositionedEnvironment, start, unpack

MAX_SOURCE = 200_000
"""Longest template file, in characters."""

_PARSER = PositionedEnvironment(trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True)
class Page:
    """One template file: its blocks by part, and what is wrong with its outline."""

    path: Path
    blocks: Mapping[str, nodes.Block]
    faults: tuple[TemplateFault, ...] = ()


def read_page(path: Path) -> Page:
    """Read a template file; whatever is wrong with it is in `faults`."""
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        return Page(path, {}, (TemplateFault(path, 1, 1, f"is not UTF-8 text (byte {error.start})", hint),))
    return parse_page(path, source)


def parse_page(path: Path, source: str) -> Page:
    """Split the source of a template file into its parts."""
    if len(source) > MAX_SOURCE:
        return Page(path, {}, (TemplateFault(path, 1, 1, f"is longer than {MAX_SOURCE:,} characters"),))
    try:
        tree = _PARSER.parse(source, filename=str(path))
    except TemplateSyntaxError as error:
        return Page(path, {}, (_syntax_fault(path, error),))
    except RecursionError:
        return Page(path, {}, (TemplateFault(path, 1, 1, "brackets are nested too deeply"),))
    except ValueError as error:  # int() refuses numbers of more than 4,300 digits
        return Page(path, {}, (TemplateFault(path, 1, 1, f"a number cannot be read: {error}"),))
    blocks: dict[str, nodes.Block] = {}
    return Page(path, blocks, tuple(_outline(path, tree, blocks)))


def _outline(path: Path, tree: nodes.Template, blocks: dict[str, nodes.Block]) -> Iterator[TemplateFault]:
    """Fill `blocks`; yield a fault for everything at the top level that is not a part."""
    for node in tree.body:
        if not isinstance(node, nodes.Block):
            yield from _stray(path, node)
        elif node.name not in PARTS:
            near = get_close_matches(node.name, PARTS, 1)
            hint = f"did you mean {near[0]}?" if near else f"the parts are {', '.join(PARTS)}"
            yield TemplateFault(path, *unpack(node.lineno), f"there is no part named {node.name}", hint)
        elif node.name in blocks:
            yield TemplateFault(path, *unpack(node.lineno), f"the part {node.name} is written twice")
        else:
            blocks[node.name] = node


def _stray(path: Path, node: nodes.Node) -> Iterator[TemplateFault]:
    for child in node.nodes if isinstance(node, nodes.Output) else [node]:
        line, column = unpack(start(child))
        if isinstance(child, nodes.TemplateData):
            if not child.data.strip():
                continue
            before = child.data[: len(child.data) - len(child.data.lstrip())]
            line += before.count("\n")
            column = len(before) - before.rfind("\n") if "\n" in before else column + len(before)
        yield TemplateFault(
            path, line, column, "stands outside the parts", "put it between {% block sms %} and {% endblock %}"
        )


def _syntax_fault(path: Path, error: TemplateSyntaxError) -> TemplateFault:
    message = (error.message or "cannot be read").rstrip(".")
    unknown_tag = re.match(r"Encountered unknown tag '(?!end|el)(\w+)'", message)
    if unknown_tag:
        hint = "the tags are block, if, elif, else and for"
        return TemplateFault(path, *unpack(error.lineno), f"there is no tag named {unknown_tag[1]}", hint)
    return TemplateFault(path, *unpack(error.lineno), message[:1].lower() + message[1:])
