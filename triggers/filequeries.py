"""SQL selects over files: which files they read, and the same select with those files' places filled in.

Only file names are touched: the string literals that stand first in a call of a file reader or after FROM or JOIN. The
rest of the text reaches the database as its author wrote it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from triggers.errors import SourceError
from triggers.sqltext import text

_CSV = frozenset({"READ_CSV", "READ_CSV_AUTO"})
_READERS = _CSV | {"READ_PARQUET", "PARQUET_SCAN", "READ_JSON", "READ_JSON_AUTO", "READ_NDJSON", "READ_NDJSON_AUTO"}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class FileName:
    """A file name in a query: offsets of its literal, the files it stands for, whether they are text, or in a list."""

    start: int
    end: int
    paths: tuple[Path, ...]
    is_text: bool
    listed: bool


@dataclass(frozen=True)
class FileQuery:
    """A select and the file names in it."""

    written: str
    files: tuple[FileName, ...]

    def sql(self, legible: Callable[[Path], Path]) -> str:
        """The select with whole paths; text files are replaced by what `legible` makes of them."""
        parts, place = [], 0
        for name in self.files:
            paths = [str(legible(path) if name.is_text else path) for path in name.paths]
            several = ", ".join(map(text, paths))
            parts += [self.written[place : name.start], several if name.listed or len(paths) == 1 else f"[{several}]"]
            place = name.end
        return "".join([*parts, self.written[place:]]).strip().rstrip(";")


def expanded(written: str, environment: Mapping[str, str] | None = None) -> str:
    """The text with ${NAME} and ${NAME:-default} filled in from the environment; SourceError where one is not set."""
    values = os.environ if environment is None else environment

    def fill(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        value = values.get(name) or default
        if value is None:
            raise SourceError(f"the environment variable {name} is not set", hint=f"export {name}=/folder/of/the/data")
        return value

    return _VARIABLE.sub(fill, written)


def matching(written: str, folder: Path) -> tuple[Path, ...]:
    """The files a name or glob stands for, sorted; relative ones are below `folder`. SourceError if there is none."""
    name = Path(expanded(written)).expanduser()
    whole = name if name.is_absolute() else folder / name
    if not has_magic(str(whole)):
        if not whole.is_file():
            raise SourceError(f"there is no file {whole}", hint="paths are relative to the folder of sources.yaml")
        return (whole,)
    root = Path(whole.anchor)
    found = tuple(sorted(path for path in root.glob(str(whole.relative_to(root))) if path.is_file()))
    if not found:
        raise SourceError(f"no file matches {whole}", hint="paths are relative to the folder of sources.yaml")
    return found


def file_query(written: str, folder: Path) -> FileQuery:
    """Find the file names in a select. Raises SourceError for a file that is not there."""
    return FileQuery(written, tuple(_file_names(written, folder)))


def _file_names(written: str, folder: Path) -> Iterator[FileName]:
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.errors import SqlglotError

    try:
        tokens = DuckDB.Tokenizer().tokenize(written)
    except SqlglotError as fault:
        raise SourceError(f"this is no SQL: {fault}", hint="look for a quote that is not closed") from fault
    reader, depth = "", 0
    for place, token in enumerate(tokens):
        before = [earlier.text.upper() for earlier in tokens[max(0, place - 2) : place]]
        if before[1:] == ["("] and before[0] in _READERS:
            reader, depth = before[0], 0
        if token.text == "[":
            depth += 1
        elif token.text == "]":
            depth -= 1
        elif token.text in (",", ")") and depth == 0:
            reader = ""
        elif token.token_type.name == "STRING":
            after_from = bool(before) and before[-1] in ("FROM", "JOIN")
            if reader or after_from:
                paths = matching(token.text, folder)
                is_text = reader in _CSV or "JSON" in reader or (after_from and _is_text(paths[0]))
                yield FileName(token.start, token.end + 1, paths, is_text, listed=depth > 0)


def _is_text(path: Path) -> bool:
    return any(suffix in (".csv", ".tsv", ".json", ".jsonl", ".ndjson") for suffix in path.suffixes)
