"""Values come and go as with SQLite: yes and no are 1 and 0, and a sum of whole numbers is a whole number."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.numeric import IntDumper


class _FlagDumper(IntDumper):
    def dump(self, obj: Any) -> bytes:
        return b"1" if obj else b"0"


class _FlagLoader(Loader):
    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


class _SumLoader(Loader):
    def load(self, data: Buffer) -> int | float:
        said = bytes(data)
        return int(said) if said.lstrip(b"-").isdigit() else float(said)


def like_sqlite(db: Connection[tuple[Any, ...]]) -> None:
    """Teach a connection so."""
    db.adapters.register_dumper(bool, _FlagDumper)
    db.adapters.register_loader("bool", _FlagLoader)
    db.adapters.register_loader("numeric", _SumLoader)
