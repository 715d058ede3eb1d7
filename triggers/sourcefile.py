"""Reading sources.yaml: every fault with the line and column it stands at, all of them at once."""

from __future__ import annotations

import codecs
import difflib
import re
from pathlib import Path
from typing import Literal

import yaml

from triggers.errors import SourceError
from triggers.filequeries import file_query, matching
from triggers.sourcecolumns import check_columns
from triggers.sources import AlertSource, FileSource, SelectSource, Source, Sources
from triggers.views import VIEWS

FORMATS: dict[str, Literal["csv", "parquet", "json"]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
ALERT_FILES = (".cap", ".xml", ".atom", ".edxlde", ".json", ".rss")
OPTIONS = ("path", "select", "columns", "encoding", "delimiter")
_SELECT = re.compile(r"\s*(--[^\n]*\n\s*)*(select|with|from)\b", re.IGNORECASE)
_BLOCK = ("|", ">")


def parse(path: Path) -> Sources:
    """Read and check sources.yaml; see `triggers.sources.read_sources`."""
    faults: list[SourceError] = []
    views: dict[str, Source] = {}
    extras: dict[str, dict[str, str]] = {}
    for key, node in _entries(path, faults):
        try:
            views[key], found = _source(key, node, path)
            if found is not None:
                extras[key] = found
        except SourceError as fault:
            faults.append(fault)
    if faults:
        first, *others = sorted(faults, key=lambda fault: (fault.line, fault.column))
        first.others = tuple(others)
        raise first
    return Sources(views, path, extras)


def _entries(path: Path, faults: list[SourceError]) -> list[tuple[str, yaml.Node]]:
    root = _compose(path)
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise _at(path, root.start_mark, "", "expected a line for each view", "e.g. customers: facts/customers.csv")
    found: dict[str, yaml.Node] = {}
    for key, value in root.value:
        fault = _name_fault(str(key.value), found)
        if fault is None:
            found[key.value] = value
        else:
            faults.append(_at(path, key.start_mark, str(key.value), *fault))
    return list(found.items())


def _compose(path: Path) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except OSError as fault:
        raise SourceError(
            f"cannot be read: {fault.strerror}", path=path, hint="it says where views come from"
        ) from fault
    except UnicodeDecodeError as fault:
        raise SourceError("this file is not UTF-8", path=path, hint="save it as UTF-8") from fault
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise _at(path, mark, "", fault.problem or "this is no YAML", "look at the indentation and quotes") from fault
    except yaml.YAMLError as fault:
        raise SourceError(f"this is no YAML: {fault}", path=path) from fault
    return root


def _name_fault(name: str, found: dict[str, yaml.Node]) -> tuple[str, str] | None:
    if name in found:
        return "this view has a source already", "a view of several files takes a list of paths"
    if name in VIEWS:
        return None
    near = difflib.get_close_matches(name, VIEWS, n=1)
    return "there is no such view", f"did you mean {near[0]}?" if near else f"the views are {', '.join(VIEWS)}"


def _source(key: str, node: yaml.Node, path: Path) -> tuple[Source, dict[str, str] | None]:
    """One view's source and its extra columns, where it was looked at. Raises SourceError with its place."""
    options = _options(key, node, path)
    main = options.get("select") or options.get("path")
    if main is None:
        raise _at(path, node.start_mark, key, "has neither path nor select", "e.g. path: facts/customers.csv")
    place: yaml.Node = main
    try:
        columns = _columns(options.get("columns"))
        place = options.get("encoding", main)
        encoding = _encoding(options.get("encoding"))
        place = main
        delimiter = options["delimiter"].value if "delimiter" in options else None
        source = _made(key, main, path.parent, columns=columns, encoding=encoding, delimiter=delimiter)
        extras = check_columns(source)
    except SourceError as fault:
        raise _placed(fault, path, key, place) from fault
    return source, extras


def _options(key: str, node: yaml.Node, path: Path) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        name = "select" if isinstance(node, yaml.ScalarNode) and _SELECT.match(node.value) else "path"
        return {name: node}
    options: dict[str, yaml.Node] = {}
    for name, value in node.value:
        if name.value not in OPTIONS:
            near = difflib.get_close_matches(str(name.value), OPTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it may have {', '.join(OPTIONS)}"
            raise _at(path, name.start_mark, key, f"{name.value} is not known here", hint)
        options[name.value] = value
    return options


def _made(
    key: str, main: yaml.Node, folder: Path, *, columns: dict[str, str], encoding: str, delimiter: str | None
) -> Source:
    if isinstance(main, yaml.ScalarNode) and _SELECT.match(main.value):
        return SelectSource(key, file_query(main.value, folder), columns, encoding)
    paths = tuple(path for written in _texts(main) for path in matching(written, folder))
    endings = {_ending(path) for path in paths}
    if key == "alerts" and endings <= set(ALERT_FILES):
        return AlertSource(key, paths)
    formats = {FORMATS.get(ending) for ending in endings}
    kind = formats.pop() if len(formats) == 1 else None
    if kind is None:
        known = ", ".join(FORMATS)
        raise SourceError(
            f"cannot read {', '.join(sorted(endings)) or 'nothing'} as one table", hint=f"known are {known}"
        )
    return FileSource(key, paths, kind, columns, encoding, delimiter)


def _ending(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


def _texts(node: yaml.Node) -> list[str]:
    if isinstance(node, yaml.SequenceNode):
        return [text for item in node.value for text in _texts(item)]
    if isinstance(node, yaml.ScalarNode) and node.value.strip():
        return [node.value.strip()]
    raise SourceError("expected a path, a list of paths or a select", hint="e.g. facts/customers.csv")


def _columns(node: yaml.Node | None) -> dict[str, str]:
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise SourceError("columns is a mapping", hint="e.g. columns: {customer_id: CUST_NO}")
    return {str(name.value): str(value.value) for name, value in node.value}


def _encoding(node: yaml.Node | None) -> str:
    if node is None:
        return "utf-8"
    try:
        return codecs.lookup(str(node.value)).name
    except LookupError as fault:
        raise SourceError(f"{node.value} is no encoding", hint="e.g. utf-8, gb18030, big5, cp1252") from fault


def _placed(fault: SourceError, path: Path, key: str, node: yaml.Node) -> SourceError:
    """The same fault with its place in the file; one inside a block of SQL has its line counted on from the block's."""
    mark = node.start_mark
    if fault.within and isinstance(node, yaml.ScalarNode) and node.style in _BLOCK:
        line, column = mark.line + 1 + fault.within, 1
    else:
        line, column = mark.line + 1, mark.column + 1
    return SourceError(fault.message, path=path, line=line, column=column, where=key, hint=fault.hint)


def _at(path: Path, mark: yaml.Mark | None, where: str, message: str, hint: str = "") -> SourceError:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return SourceError(message, path=path, line=line, column=column, where=where, hint=hint)
