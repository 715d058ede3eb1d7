"""What columns a source has, learned from its beginning: enough to check conditions before any table is read."""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from triggers.errors import SourceError
from triggers.rejects import CREATE
from triggers.sources import AlertSource, FileSource, SelectSource, Source, Sources
from triggers.views import VIEWS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LINES = 2_000
"""Lines of a text file looked at."""


def columns_of(sources: Sources) -> dict[str, dict[str, str]]:
    """View -> column -> SQL type as the facts will have them, extras included, without reading the tables.

    The types of extra columns are judged by the beginning of the files; the facts themselves look at all rows.
    """
    return {name: view.types | dict(_extras(sources, name)) for name, view in VIEWS.items()}


def _extras(sources: Sources, name: str) -> Mapping[str, str]:
    if name in sources.extras or name not in sources.views:
        return sources.extras.get(name, {})
    return _looked_at(sources.views[name])[1]


def check_columns(source: Source) -> dict[str, str] | None:
    """The extra columns of a source and their types, None where that takes reading it.

    Raises SourceError where it cannot be read, or has not the columns that every row needs.
    """
    if isinstance(source, AlertSource):
        return None
    if isinstance(source, FileSource) and not any(path.stat().st_size for path in source.paths):
        return None
    names, extras = _looked_at(source)
    have = ", ".join(names)
    mapped = source.columns if isinstance(source, FileSource | SelectSource) else {}
    for name in mapped:
        if name not in names:
            raise SourceError(f"has no column {mapped[name]} to be {name}", hint=f"it has {have}")
    missing = [name for name in VIEWS[source.view].required if name not in names]
    if missing:
        hint = f"it has {have}; name them with columns: {{{missing[0]}: THEIR_NAME}}"
        raise SourceError(f"has no column {', '.join(missing)}", hint=hint)
    return extras


def _looked_at(source: Source) -> tuple[dict[str, str], dict[str, str]]:
    """The columns of the raw table and the types of the extra ones."""
    import duckdb

    from triggers.readers import stage

    with tempfile.TemporaryDirectory(prefix="kairos-") as scratch, _empty_database() as db:
        db.execute("CREATE SCHEMA staging")
        db.execute(CREATE)
        try:
            staged = stage(db, source, Path(scratch), LINES)
        except duckdb.Error as fault:
            raise refused(fault) from fault
        return staged.raw, staged.extras


@contextmanager
def _empty_database() -> Iterator[DuckDBPyConnection]:
    """A database of one's own inside one the process keeps, for opening one takes longer than looking at a source."""
    name = f"look_{uuid.uuid4().hex}"
    with _databases(os.getpid()).cursor() as db:
        db.execute(f"ATTACH ':memory:' AS {name}")
        db.execute(f"USE {name}")
        try:
            yield db
        finally:
            db.execute("USE memory")
            db.execute(f"DETACH {name}")


@cache
def _databases(_process: int) -> DuckDBPyConnection:
    import duckdb

    return duckdb.connect(":memory:", config={"enable_external_file_cache": "false"})


def refused(fault: Exception) -> SourceError:
    """What the database says about a select, with the line it means and what may help."""
    said = str(fault)
    line = re.search(r"^LINE (\d+):", said, re.MULTILINE)
    message = said.split("\n\nLINE ", maxsplit=1)[0].strip()
    lines = message.splitlines()
    cures = [text for text in lines[1:] if text.startswith(("Candidate", "Did you mean"))]
    hint = cures[0] if cures else "the select must give the view's columns, e.g. select CustNo as customer_id, ..."
    return SourceError(lines[0] if lines else said, hint=hint, within=max(1, int(line.group(1)) - 1) if line else 0)
