"""Which products each row of the audience may be offered: active, not possessed, not lately refused, its condition holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.audience import POSSESSION, PROFILE, REFUSED
from recommender.eligibility import Condition, EligibilityProblem, compile_eligibility, line_slug

if TYPE_CHECKING:
    import duckdb

    from recommender.catalogue import Catalogue

Mask = NDArray[np.bool_]

_LINES = (
    "SELECT DISTINCT line FROM (SELECT line FROM products UNION ALL SELECT line FROM policies) WHERE line IS NOT NULL"
)


class Rules:
    """The conditions of a catalogue, compiled once. Broken ones are in `problems`, their products offered to nobody."""

    def __init__(self, db: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.items = catalogue.items
        self.offered = catalogue.active.copy()
        self._lines = [row[0] for row in db.execute(_LINES).fetchall()]
        written = dict(zip(catalogue.items, catalogue.eligibility, strict=True))
        sound, self.problems = compile_eligibility(written, self._lines)
        broken = {problem.product_id for problem in self.problems}
        self.offered &= np.array([item not in broken for item in self.items], dtype=bool)
        self._sound = sound

    def candidates(self, db: duckdb.DuckDBPyConnection, rows: int) -> Mask:
        """Rows of the audience x items: may it be offered? Unknown facts about a customer never make one eligible."""
        mask = self._eligible(db, rows)
        mask &= self.offered
        mask[self._possessed(db)] = False
        mask[self._pairs(db, REFUSED)] = False
        return mask

    def suited(self, db: duckdb.DuckDBPyConnection, rows: int) -> tuple[Mask, Mask]:
        """Rows of the audience x items: does the item's condition hold (and may it be offered), and is it possessed?"""
        eligible = self._eligible(db, rows)
        eligible &= self.offered
        held = np.zeros(eligible.shape, dtype=bool)
        held[self._possessed(db)] = True
        return eligible, held

    def _eligible(self, db: duckdb.DuckDBPyConnection, rows: int) -> Mask:
        import duckdb

        wanted = {item: rule for item, rule in self._sound.items() if self.offered[self.items.index(item)]}
        try:
            return self._ask(db, wanted, rows)
        except duckdb.Error:
            return self._ask(db, self._that_run(db, wanted), rows)

    def _ask(self, db: duckdb.DuckDBPyConnection, wanted: Mapping[str, Condition], rows: int) -> Mask:
        """One query whose columns are the distinct conditions."""
        mask = np.ones((rows, len(self.items)), dtype=bool)
        if not wanted:
            return mask
        distinct = sorted({rule.sql for rule in wanted.values()})
        answers = db.sql(self._query(wanted, distinct)).to_arrow_table()
        for item, rule in wanted.items():
            answer = answers[f"c{distinct.index(rule.sql)}"]
            mask[:, self.items.index(item)] = answer.to_numpy()
        return mask

    def _query(self, wanted: Mapping[str, Condition], distinct: list[str]) -> str:
        lines = sorted(frozenset().union(*(rule.lines for rule in wanted.values())))
        held = "".join(f", bool_or({self._is_line(line)}) AS {_quoted(line)}" for line in lines)
        flags = "".join(
            f", CASE WHEN p.known THEN coalesce(h.{_quoted(line)}, FALSE) END AS {_quoted(line)}" for line in lines
        )
        asked = ", ".join(f"({sql}) IS TRUE AS c{position}" for position, sql in enumerate(distinct))
        return f"""
            WITH held AS (SELECT row{held} FROM {POSSESSION} WHERE source = 'policy' GROUP BY row),
            customers AS (SELECT p.*{flags} FROM {PROFILE} p LEFT JOIN held h ON h.row = p.row)
            SELECT {asked} FROM customers ORDER BY row"""  # noqa: S608 - every name is quoted, every condition checked

    def _is_line(self, slug: str) -> str:
        spelled = [line for line in self._lines if line_slug(line) == slug]
        return "line IN (" + ", ".join("'" + line.replace("'", "''") + "'" for line in spelled) + ")"

    def _that_run(self, db: duckdb.DuckDBPyConnection, wanted: Mapping[str, Condition]) -> dict[str, Condition]:
        """Find the conditions the database itself refuses; they become problems and their products are not offered."""
        import duckdb

        running: dict[str, Condition] = {}
        for item, rule in wanted.items():
            try:
                db.sql(self._query({item: rule}, [rule.sql])).to_arrow_table()
                running[item] = rule
            except duckdb.Error as error:
                refusal = str(error).splitlines()[0]
                self.problems.append(EligibilityProblem(item, rule.sql, f"the database refuses it: {refusal}"))
                self.offered[self.items.index(item)] = False
        return running

    def _possessed(self, db: duckdb.DuckDBPyConnection) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self._pairs(db, POSSESSION)

    def _pairs(self, db: duckdb.DuckDBPyConnection, table: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and item of every (row, product_id) of a table of the audience, as far as the item is known."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = db.sql(
            f"SELECT row, product_id FROM {table} WHERE product_id IS NOT NULL"  # noqa: S608 - own names
        ).to_arrow_table()
        item = pc.index_in(found["product_id"], value_set=pa.array(self.items, pa.string()))
        known = item.is_valid().to_numpy(zero_copy_only=False)
        return found["row"].to_numpy()[known].astype(np.int64), item.drop_null().to_numpy().astype(np.int64)


def _quoted(line: str) -> str:
    return '"holds_' + line.replace('"', '""') + '"'
