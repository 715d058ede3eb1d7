"""The catalogue as it is today, in the order of the items a model knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_COLUMNS = ("product_id", "name", "kind", "line", "active", "eligibility")


@dataclass(frozen=True)
class Catalogue:
    """Products aligned with `items`; an item that has left the catalogue is there but not active.

    `names` maps a column (`name`, `name_en`, ...) to one name per item; `unfitted` are products the model does not
    know, `undeclared` those whose `active` is null.
    """

    items: tuple[str, ...]
    names: dict[str, tuple[str | None, ...]]
    kinds: tuple[str | None, ...]
    lines: tuple[str | None, ...]
    active: NDArray[np.bool_]
    eligibility: tuple[str | None, ...]
    unfitted: tuple[str, ...]
    undeclared: tuple[str, ...]

    def asked_for(self, kind: str | None, only: Collection[str] | None) -> NDArray[np.bool_]:
        """Which items are of this kind and among `only`; None asks for any."""
        return np.array(
            [
                (kind is None or known == kind) and (only is None or item in only)
                for item, known in zip(self.items, self.kinds, strict=True)
            ],
            dtype=bool,
        )

    def name(self, item: int, columns: Sequence[str]) -> str:
        """The first name of an item that any of these columns has; its plain name or its id otherwise."""
        for column in (*columns, "name"):
            found = self.names.get(column, ())
            if found and found[item]:
                return str(found[item])
        return self.items[item]


def item_ids(db: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Every product of the catalogue, in order of its id."""
    return tuple(row[0] for row in db.execute("SELECT product_id FROM products ORDER BY product_id").fetchall())


def read_catalogue(db: duckdb.DuckDBPyConnection, items: Sequence[str]) -> Catalogue:
    """Read `products` once and line it up with `items`."""
    table: pa.Table = db.sql("SELECT * FROM products ORDER BY product_id").to_arrow_table()
    found = {product: position for position, product in enumerate(table["product_id"].to_pylist())}
    order = [found.get(item) for item in items]
    wanted = [name for name in table.column_names if name in _COLUMNS or name.startswith("name_")]
    plain = {name: table[name].to_pylist() for name in wanted}
    aligned = {name: tuple(None if at is None else plain[name][at] for at in order) for name in wanted}
    known = set(items)
    return Catalogue(
        items=tuple(items),
        names={name: values for name, values in aligned.items() if name.startswith("name")},
        kinds=aligned["kind"],
        lines=aligned["line"],
        active=np.array([value is True for value in aligned["active"]], dtype=bool),
        eligibility=aligned["eligibility"],
        unfitted=tuple(product for product in found if product not in known),
        undeclared=tuple(p for p, active in zip(plain["product_id"], plain["active"], strict=True) if active is None),
    )
