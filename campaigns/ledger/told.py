"""What customers said about being contacted, as Arrow tables: the shape the gate `consent` reads them in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

TOLD = (
    "customer_id", "kind", "purpose", "channel", "granted", "at", "expires_at", "text_version", "evidence", "source",
)  # fmt: skip


def told_table(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows of TOLD, instants in UTC."""
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * len(TOLD)
    made = {}
    for name, values in zip(TOLD, columns, strict=True):
        if name in ("at", "expires_at"):
            made[name] = pa.array(values, pa.int64()).cast(pa.timestamp("s", "UTC"))
        elif name == "granted":
            made[name] = pa.array([bool(value) for value in values], pa.bool_())
        else:
            made[name] = pa.array(values, pa.string())
    return pa.table(made)


def hash_table(rows: Sequence[tuple[str, str]]) -> pa.Table:
    """`hash` and `salt_check` of whom nobody may contact."""
    import pyarrow as pa

    hashes, checks = zip(*rows, strict=True) if rows else ((), ())
    return pa.table({"hash": pa.array(hashes, pa.string()), "salt_check": pa.array(checks, pa.string())})
