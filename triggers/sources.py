"""Where each canonical view comes from, as sources.yaml says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from triggers.filequeries import FileQuery


@dataclass(frozen=True)
class FileSource:
    """Files of one format, in order. `columns` maps canonical names to the files' own; `delimiter` None = found out."""

    view: str
    paths: tuple[Path, ...]
    format: Literal["csv", "parquet", "json"]
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    delimiter: str | None = None


@dataclass(frozen=True)
class SelectSource:
    """A SQL select over files."""

    view: str
    query: FileQuery
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


@dataclass(frozen=True)
class AlertSource:
    """Alert files: CAP, GDACS, weather services."""

    view: str
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class RowSource:
    """Rows as Python values: what tests and streams bring."""

    view: str
    rows: Sequence[Mapping[str, Any]]


Source = FileSource | SelectSource | AlertSource | RowSource


@dataclass(frozen=True)
class Sources:
    """The source of each view that has one. `path` is the sources.yaml they were read from, None for rows of a test."""

    views: Mapping[str, Source]
    path: Path | None = None
    extras: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """View -> extra column -> SQL type, of the sources whose beginning was looked at when they were read."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file the sources read, each once."""
        found: list[Path] = []
        for source in self.views.values():
            if isinstance(source, (FileSource, AlertSource)):
                found += source.paths
            elif isinstance(source, SelectSource):
                found += [path for name in source.query.files for path in name.paths]
        return tuple(dict.fromkeys(found))


def read_sources(path: Path) -> Sources:
    """Read sources.yaml and look at every source's columns.

    Raises SourceError, with line and column, for YAML that is none, unknown views, missing files, SQL the database
    refuses, columns that are not there; the error's `others` are the further faults of the file.
    """
    from triggers.sourcefile import parse

    return parse(path)
