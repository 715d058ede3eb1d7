"""Rows written as Python values, turned into the same text a file would hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def as_texts(rows: Sequence[Mapping[str, Any]], otherwise: Iterable[str]) -> pa.Table:
    """A table of text columns, one for each key any row has, in order of appearance; `otherwise` if none has any."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row)) or list(otherwise)
    columns = {name: pa.array([written(row.get(name)) for row in rows], pa.string()) for name in names}
    return pa.table(columns)


def written(value: object) -> str | None:
    """One value as a file would hold it: ISO dates and instants, JSON for lists and mappings."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return json.dumps(items, ensure_ascii=False, default=written)
    return str(value)
